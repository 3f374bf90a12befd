//! A node end to end below HTTP: real records on disk, the contract's bundle, bytes in and bytes out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected should stop")]

use std::sync::Arc;

use edgewise_core::decide::Switches;
use edgewise_core::engine::Engine;
use edgewise_core::events::IngestFormat;
use edgewise_core::shed::Fallbacks;
use edgewise_node::counters::{Counters, Total, total};
use edgewise_node::loading::SharedEngine;
use edgewise_node::node::{CallFacts, Node, Records};
use edgewise_node::sessions::{self, Options, SessionStore};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

struct Home {
    node: Node,
    sessions: Arc<SessionStore>,
    dir: TempDir,
}

fn home() -> Home {
    let dir = TempDir::new().unwrap();
    let records = dir.path().join("sessions");
    sessions::prepare(&records).unwrap();
    let sessions = Arc::new(SessionStore::open(&records, Options::default()).unwrap());
    let counters = Counters::open(&dir.path().join("worker.counters")).unwrap();
    let engine = Engine::from_bundle(include_bytes!("../../../tests/contract/vectors/bundle.json")).unwrap();
    let node = Node {
        fallbacks: Fallbacks::new(&engine, "n-1", 7),
        engine: SharedEngine::new(engine),
        records: Records::Stored(Arc::clone(&sessions)),
        counters: Some(Arc::new(counters)),
        name: "n-1".to_owned(),
        generation: 7,
        allow_at: true,
        switches: Switches::default(),
        beside: None,
    };
    Home { node, sessions, dir }
}

fn facts() -> CallFacts {
    CallFacts { now: "2026-11-21T10:00:00Z".parse().unwrap(), gpc: false, debug: true }
}

fn viewed(id: &str) -> Json {
    json!({"id": id, "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z"})
}

fn browse(events: &[Json]) -> Json {
    json!({"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"}, "signals": {"visit.intent": "browse"},
        "events": events, "consent": {"purposes": {"personalize_content": true}}})
}

impl Home {
    fn decide(&self, request: &Json) -> Json {
        serde_json::from_slice(&self.node.decide(request.to_string().as_bytes(), facts()).unwrap()).unwrap()
    }

    fn banner(&self, request: &Json) -> Json {
        self.decide(request)["decisions"]["shop.banner"]["value"]["content"].take()
    }

    fn ingest(&self, events: &Json) -> Json {
        let answer = self.node.ingest(events.to_string().as_bytes(), IngestFormat::Array, facts()).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// A series by its name and the value of its label, as `/metrics` would show it.
    fn counted(&self, name: &str, label: &str) -> u64 {
        let families = total([self.dir.path().join("worker.counters")]).unwrap();
        let samples = families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
        let found = samples.filter(|sample| sample.labels.iter().any(|(_, value)| *value == label));
        found.map(|sample| if let Total::Count(count) = sample.total { count } else { 0 }).sum()
    }
}

#[test]
fn events_of_one_request_are_seen_by_the_next_and_re_sending_is_harmless() {
    let home = home();
    for _ in 0..3 {
        assert_eq!(home.banner(&browse(&[viewed("e1")])), "shop/hello");
    }
    assert_eq!(home.banner(&browse(&[viewed("e2")])), "shop/compare");
    assert_eq!(home.banner(&browse(&[])), "shop/compare");
    let counted = |result| home.counted("edgewise_events_total", result);
    assert_eq!((counted("accepted"), counted("duplicate")), (2, 2));
}

#[test]
fn ingested_events_are_seen_by_the_next_decision() {
    let home = home();
    let event = |id: &str, consent: bool| {
        let mut event = viewed(id);
        event["sessionId"] = json!("s-1");
        event["consent"] = json!({"purposes": {"personalize_content": consent}});
        event
    };
    assert_eq!(
        home.ingest(&json!([event("e1", true), event("e2", false), {"id": "e3"}]))["errors"],
        json!([{"index": 2, "id": "e3", "code": "invalid_event", "detail": "missing field `event` at line 1 column 11"}])
    );
    assert_eq!(home.banner(&browse(&[])), "shop/hello");
    assert_eq!(
        home.ingest(&json!([event("e2", true), event("e1", true)])),
        json!({"accepted": 2, "rejected": 0, "errors": []})
    );
    assert_eq!(home.banner(&browse(&[])), "shop/compare");
    let counted = |result| home.counted("edgewise_events_total", result);
    assert_eq!((counted("accepted"), counted("duplicate"), counted("rejected")), (3, 1, 1));
}

#[test]
fn a_body_of_many_events_is_taken_whole() {
    let home = home();
    let events: Vec<Json> = (0..3_000)
        .map(|number| {
            let mut event = viewed(&format!("e{number}"));
            event["sessionId"] = json!(format!("s-{}", number % 7));
            event["consent"] = json!({"purposes": {"personalize_content": true}});
            event
        })
        .collect();
    assert_eq!(home.ingest(&json!(events)), json!({"accepted": 3_000, "rejected": 0, "errors": []}));
    assert_eq!(home.banner(&browse(&[])), "shop/compare");
}

#[test]
fn records_expire_after_their_time_to_live() {
    let home = home();
    home.decide(&browse(&[viewed("e1"), viewed("e2")]));
    let at = |instant: &str| {
        let mut request = browse(&[]);
        request["options"] = json!({"at": instant});
        home.banner(&request)
    };
    assert_eq!(at("2026-11-21T10:29:59Z"), "shop/compare");
    assert_eq!(at("2026-11-21T10:30:01Z"), "shop/hello");
}

#[test]
fn a_moved_clock_harms_no_other_session() {
    let home = home();
    home.decide(&browse(&[viewed("e1"), viewed("e2")]));
    for number in 0..8 {
        let mut request = browse(&[json!({"id": "e1", "event": "Product Viewed"})]);
        request["identity"]["sessionId"] = json!(format!("moved-{number}"));
        request["options"] = json!({"at": "2099-01-01T00:00:00Z"});
        assert_eq!(home.decide(&request)["eventsAccepted"], 1);
    }
    assert_eq!(home.banner(&browse(&[])), "shop/compare");
}

#[test]
fn a_dry_run_leaves_no_trace() {
    let home = home();
    let mut request = browse(&[viewed("e1"), viewed("e2")]);
    request["options"] = json!({"dryRun": true});
    assert_eq!(home.banner(&request), "shop/compare");
    assert_eq!(home.decide(&request)["eventsAccepted"], 0);
    assert_eq!(home.banner(&browse(&[])), "shop/hello");
}

#[test]
fn erasing_a_record_forgets_it() {
    let home = home();
    home.decide(&browse(&[viewed("e1"), viewed("e2")]));
    assert_eq!(home.node.erase("session", "s-1", facts().now), Ok(Some(true)));
    assert_eq!(home.node.erase("session", "s-1", facts().now), Ok(Some(false)));
    assert_eq!(home.node.erase("account", "s-1", facts().now), Ok(None));
    assert_eq!(home.banner(&browse(&[])), "shop/hello");
}

#[test]
fn a_bad_item_of_a_batch_is_a_problem_in_its_place() {
    let home = home();
    let body = json!({"requests": [browse(&[]), {"decisionPoints": 7}, browse(&[])]}).to_string();
    let answer: Json = serde_json::from_slice(&home.node.decide_batch(body.as_bytes(), facts()).unwrap()).unwrap();
    let responses = answer["responses"].as_array().unwrap();
    assert_eq!(responses[0]["decisions"]["shop.banner"]["reason"], "TARGETING_MATCH");
    assert_eq!((&responses[1]["status"], &responses[1]["field"]), (&json!(400), &json!("decisionPoints")));
    assert_ne!(responses[0]["requestId"], responses[2]["requestId"]);
    assert_eq!(home.counted("edgewise_decisions_total", "TARGETING_MATCH"), 2);
}

#[test]
fn a_store_that_closed_or_never_opened_costs_the_state_and_not_the_decision() {
    let closed = home();
    closed.sessions.close();
    assert_stateless(&closed);
    let mut never_opened = home();
    never_opened.node.records = Records::Down;
    assert_stateless(&never_opened);
}

fn assert_stateless(home: &Home) {
    let answer = home.decide(&browse(&[viewed("e1"), viewed("e2")]));
    assert_eq!(answer["decisions"]["shop.banner"]["value"]["content"], "shop/hello");
    assert_eq!((&answer["eventsAccepted"], &answer["warnings"][0]["code"]), (&json!(0), &json!("state_unavailable")));
    assert!(home.counted("edgewise_warnings_total", "state_unavailable") > 0);
    assert_eq!(home.counted("edgewise_state_failures_total", "read"), 1);
    assert_eq!(home.counted("edgewise_state_failures_total", "commit"), 1, "events were lost");
    assert_eq!(home.counted("edgewise_events_total", "accepted"), 0);
    let mut event = viewed("e1");
    event["sessionId"] = json!("s-1");
    event["consent"] = json!({"purposes": {"personalize_content": true}});
    assert_eq!(home.ingest(&json!([event]))["errors"][0]["code"], "state_unavailable");
}

#[test]
fn a_refused_request_changes_nothing() {
    let home = home();
    let mut request = browse(&[viewed("e1"), viewed("e2")]);
    request["decisionPoints"] = json!([]);
    assert_eq!(home.node.decide(request.to_string().as_bytes(), facts()).unwrap_err().status, 400);
    assert_eq!(home.banner(&browse(&[])), "shop/hello");
}

#[test]
fn a_shed_request_is_answered_as_any_other_and_changes_nothing() {
    let home = home();
    let request = browse(&[viewed("e1")]);
    let body = json!({"requestId": "r-1", "x": request["events"], "decisionPoints": ["returns.header", "shop.banner"],
        "identity": request["identity"], "events": request["events"], "consent": request["consent"]})
    .to_string();
    let shed: Json = serde_json::from_slice(&home.node.shed(body.as_bytes(), facts().now).unwrap()).unwrap();
    let dry = body.replacen('{', r#"{"options":{"dryRun":true,"explain":"none"},"#, 1);
    let decided: Json = serde_json::from_slice(&home.node.decide(dry.as_bytes(), facts()).unwrap()).unwrap();
    for point in ["returns.header", "shop.banner"] {
        let mut fallback = decided["decisions"][point].clone();
        assert_eq!(fallback["reason"], "FALLBACK", "nobody's context is true here");
        fallback["reason"] = json!("SHED");
        assert_eq!(shed["decisions"][point], fallback);
    }
    for field in ["requestId", "bundle", "generation", "node", "cacheKey", "eventsAccepted"] {
        assert_eq!(shed[field], decided[field], "{field}");
    }
    assert_eq!((&shed["warnings"], &shed["eventsAccepted"]), (&json!([]), &json!(0)));
    assert!(!home.node.erase("session", "s-1", facts().now).unwrap().unwrap(), "no record was made");
    assert_eq!(home.counted("edgewise_decisions_total", "SHED"), 2);
}

#[test]
fn a_shed_batch_answers_every_item_in_order() {
    let home = home();
    let body = json!({"requests": [
        {"requestId": "a", "decisionPoints": ["shop.banner", "shop.banner"]},
        {"requestId": "b", "decisionPoints": []},
        {"requestId": "\u{e4}\"", "decisionPoints": ["shop.banner", "no.such"]},
        7,
        {"decisionPoints": ["shop.banner"]},
    ]});
    let shed = home.node.shed_batch(body.to_string().as_bytes(), facts().now).unwrap();
    let shed: Json = serde_json::from_slice(&shed).unwrap();
    let decided = home.node.decide_batch(body.to_string().as_bytes(), facts()).unwrap();
    let decided: Json = serde_json::from_slice(&decided).unwrap();
    for item in 0..5 {
        let (shed, decided) = (&shed["responses"][item], &decided["responses"][item]);
        assert_eq!((&shed["requestId"], &shed["status"]), (&decided["requestId"], &decided["status"]), "item {item}");
        assert_eq!(shed["detail"], decided["detail"], "a bad item is refused in the same words");
        let ids = |answer: &Json| answer["decisions"]["shop.banner"]["decisionId"].clone();
        assert_eq!(ids(shed), ids(decided));
    }
    assert_eq!(shed["responses"][2]["decisions"]["no.such"], decided["responses"][2]["decisions"]["no.such"]);
    assert_eq!(home.counted("edgewise_decisions_total", "SHED"), 3);
}

#[test]
fn what_is_no_request_is_refused_as_ever() {
    let home = home();
    for body in ["", "[]", "{", "{}", r#"{"decisionPoints":[]}"#, r#"{"decisionPoints":["a"],"requestId":7}"#] {
        let refused = home.node.shed(body.as_bytes(), facts().now).unwrap_err();
        assert_eq!(refused, home.node.decide(body.as_bytes(), facts()).unwrap_err(), "{body}");
    }
    assert!(home.node.shed_batch(b"{\"requests\":{}}", facts().now).is_err());
}
