//! Decisions as CONTRACT.md, section 3, words them, on the contract's own scenario.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that meets the unexpected should stop, and reads best with its data in line"
)]

use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Switches};
use edgewise_core::engine::Engine;
use edgewise_core::state::{FreshState, Record, Scope, StateSource, StateUnavailable};
use serde_json::{Value as Json, json};

const BUNDLE: &str = include_str!("../../../tests/contract/vectors/bundle.json");
const POINTS: [&str; 2] = ["returns.header", "returns.next_step"];

fn engine() -> Engine {
    Engine::from_bundle(BUNDLE.as_bytes()).unwrap()
}

fn call() -> Call<'static> {
    Call {
        now: "2026-11-21T10:00:00Z".parse().unwrap(),
        item: 0,
        gpc: false,
        debug: true,
        allow_at: false,
        trusted: false,
        node: "n-1",
        generation: 1,
    }
}

/// CONTRACT.md's request for a user, with some members replaced (`null` removes).
fn request(user: &str, patch: Json) -> Json {
    let mut request = json!({
        "requestId": "r-1", "decisionPoints": POINTS,
        "identity": {"userId": user, "anonymousId": "a-1", "sessionId": "s-1", "journeyId": null, "accountId": null},
        "signals": {"order.channel": "online", "order.days_since_delivery": 45, "order.final_sale": false,
                    "visit.intent": "return_item", "customer.returns_12m": 0,
                    "customer.support_contacts_90d": {"value": 2, "observedAt": "2026-11-21T09:00:00Z"}},
        "events": [{"id": "e1", "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z", "properties": {"category": "shoes"}}],
        "consent": {"purposes": {"personalize_content": true, "measure": true}, "gpc": false, "tcf": null, "gpp": null, "gppSid": []},
        "context": {"timezone": "Europe/Berlin", "country": "DE"},
        "options": {"explain": "short", "dryRun": false, "at": null}
    });
    edgewise_core::merge::merge_patch(&mut request, &patch);
    request
}

fn answer_with(request: &Json, call: &Call<'_>, source: &impl StateSource, switches: &Switches) -> Json {
    let engine = engine();
    let body = request.to_string();
    let decided = engine.decide(engine.prepare(body.as_bytes(), call, source).unwrap(), switches);
    serde_json::from_slice(&decided.render(call, Committed::Done)).unwrap()
}

fn answer(request: &Json) -> Json {
    answer_with(request, &call(), &FreshState, &Switches::default())
}

fn decisions(user: &str, patch: Json) -> Json {
    answer(&request(user, patch))["decisions"].take()
}

/// The members of a decision that say how it came out.
fn outcome(decision: &Json) -> Json {
    let members = ["action", "value", "reason", "scenario", "pathway", "segment", "arm", "inExperiment"];
    Json::Object(members.into_iter().map(|name| (name.to_owned(), decision[name].clone())).collect())
}

#[test]
fn the_contracts_request_gets_the_contracts_answer() {
    let answer = answer(&request("u-1", json!({})));
    let mut header = answer["decisions"]["returns.header"].clone();
    assert!(header.as_object_mut().unwrap().remove("decisionId").unwrap().is_string());
    assert_eq!(
        header,
        json!({"action": "render",
            "value": {"content": "returns/closed-window", "tone": "reassuring", "call_back": true},
            "reason": "SPLIT", "scenario": "in-store-return", "pathway": "after_window", "segment": "needs_help",
            "arm": "personalized", "inExperiment": true,
            "explanation": {"text": "You contacted us recently, so a call-back is one tap away.", "signals": ["your contacts with us"]}})
    );
    assert_eq!(answer["decisions"]["returns.next_step"]["value"], json!({"content": "returns/call-me-back"}));
    assert_eq!(
        (&answer["requestId"], &answer["generation"], &answer["node"], &answer["eventsAccepted"], &answer["warnings"]),
        (&json!("r-1"), &json!(1), &json!("n-1"), &json!(1), &json!([]))
    );
}

#[test]
fn arms_of_the_contracts_users() {
    let header = |user| outcome(&decisions(user, json!({}))["returns.header"]);
    let base = json!({"content": "returns/closed-window", "tone": "reassuring"});
    let scenario = json!({"scenario": "in-store-return", "pathway": "after_window", "segment": null});
    let expect = |patch: Json| {
        let mut expected = scenario.clone();
        for (name, value) in patch.as_object().unwrap() {
            expected[name] = value.clone();
        }
        expected
    };
    assert_eq!(
        header("u-2"),
        expect(json!({"action": "render", "value": base, "reason": "SPLIT", "arm": "default", "inExperiment": true}))
    );
    assert_eq!(
        header("u-17"),
        expect(json!({"action": "own", "value": null, "reason": "SPLIT", "arm": "as_is", "inExperiment": true}))
    );
    assert_eq!(
        header("u-24"),
        expect(json!({"action": "own", "value": null, "reason": "HOLDOUT", "arm": null, "inExperiment": false}))
    );
}

#[test]
fn every_arm_records_the_same_would_be_segment() {
    for user in ["u-1", "u-2", "u-17", "u-24"] {
        let decisions = decisions(user, json!({"options": {"explain": "full"}}));
        let record = &decisions["returns.header"]["explanation"]["record"];
        assert_eq!((&record["segment"], &record["differs"]), (&json!("needs_help"), &json!(true)), "{user}");
        assert_eq!(record["scenarioDigest"], "sha256:00");
    }
}

#[test]
fn no_scenario_serves_the_registrys_fallback() {
    let decisions = decisions("u-1", json!({"signals": {"visit.intent": "buy"}}));
    assert_eq!(
        outcome(&decisions["returns.header"]),
        json!({"action": "render", "value": {"content": "returns/how-to", "tone": "plain"}, "reason": "FALLBACK",
            "scenario": null, "pathway": null, "segment": null, "arm": null, "inExperiment": false})
    );
    assert_eq!(decisions["returns.header"]["explanation"], Json::Null);
}

#[test]
fn an_unknown_decision_point_is_an_error_and_the_others_are_answered() {
    let decisions = decisions("u-1", json!({"decisionPoints": ["returns.header", "no.such"]}));
    assert_eq!(decisions["returns.header"]["reason"], "SPLIT");
    assert_eq!((&decisions["no.such"]["reason"], &decisions["no.such"]["action"]), (&json!("ERROR"), &json!("own")));
    assert_eq!(decisions["no.such"]["error"]["code"], "unknown_decision_point");
}

#[test]
fn a_refused_purpose_denies_its_signals_and_leaves_the_experiment() {
    let decisions = decisions("u-1", json!({"consent": {"purposes": {"personalize_content": false}}}));
    let header = &decisions["returns.header"];
    assert_eq!(
        outcome(header),
        json!({"action": "render", "value": {"content": "returns/closed-window", "tone": "reassuring"}, "reason": "TARGETING_MATCH",
            "scenario": "in-store-return", "pathway": "after_window", "segment": null, "arm": "default", "inExperiment": false})
    );
    assert_eq!(header["limitedBy"], json!(["personalize_content"]));
    assert_eq!(
        header["explanation"],
        json!({"text": "Shown because you are returning an online order.", "signals": []})
    );
}

#[test]
fn without_the_units_id_the_default_is_served_outside_the_experiment() {
    let decisions = decisions("u-1", json!({"identity": {"userId": null}}));
    let header = &decisions["returns.header"];
    assert_eq!(
        (&header["reason"], &header["arm"], &header["inExperiment"]),
        (&json!("TARGETING_MATCH"), &json!("default"), &json!(false))
    );
    assert!(header.get("limitedBy").is_none());
}

#[test]
fn without_an_experiment_overlays_are_served_and_inline_events_count() {
    let event = |id: &str| json!({"id": id, "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z"});
    let looking = json!({"decisionPoints": ["shop.banner"], "signals": {"visit.intent": "browse"}});
    let once = request("u-1", looking.clone());
    let mut twice = once.clone();
    twice["events"] = json!([event("e1"), event("e2")]);
    assert_eq!(answer(&once)["decisions"]["shop.banner"]["value"], json!({"content": "shop/hello"}));
    let banner = answer(&twice)["decisions"]["shop.banner"].take();
    assert_eq!(
        outcome(&banner),
        json!({"action": "render", "value": {"content": "shop/compare"}, "reason": "TARGETING_MATCH", "scenario": "looking-around",
            "pathway": "any", "segment": "looker", "arm": "personalized", "inExperiment": false})
    );
    assert_eq!(
        banner["explanation"],
        json!({"text": "Shown because you are looking around.", "signals": ["pages you looked at"]})
    );
}

#[test]
fn omit_makes_the_moment_disappear() {
    let served = |signals: Json| outcome(&decisions("u-1", json!({"signals": signals}))["returns.next_step"]);
    let by_pathway = served(json!({"order.final_sale": true, "customer.support_contacts_90d": 0}));
    assert_eq!(
        (&by_pathway["action"], &by_pathway["value"], &by_pathway["pathway"]),
        (&json!("omit"), &json!(null), &json!("not_returnable"))
    );
    let by_overlay = served(json!({"customer.returns_12m": 2, "customer.support_contacts_90d": 0}));
    assert_eq!((&by_overlay["action"], &by_overlay["segment"]), (&json!("omit"), &json!("self_server")));
    let brought_back = served(json!({"order.final_sale": true}));
    assert_eq!(
        (&brought_back["action"], &brought_back["value"]),
        (&json!("render"), &json!({"content": "returns/call-me-back"}))
    );
}

/// One record in memory, as a node would hold it.
struct OneRecord(std::cell::RefCell<Option<Record>>);

impl StateSource for OneRecord {
    fn read(&self, _: Scope, _: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        let encode = |record: &Record| {
            let mut bytes = Vec::new();
            record.encode(now_ms + 1, &mut bytes);
            bytes
        };
        Ok(self.0.borrow().as_ref().map(encode))
    }
}

#[test]
fn a_cap_that_is_reached_serves_the_default_and_keeps_the_arm() {
    let engine = engine();
    let source = OneRecord(std::cell::RefCell::new(None));
    let body = request("u-1", json!({"events": []})).to_string();
    let mut served = Vec::new();
    for _ in 0..5 {
        let decided = engine.decide(engine.prepare(body.as_bytes(), &call(), &source).unwrap(), &Switches::default());
        for write in decided.updates() {
            let mut record = source.0.take().unwrap_or_default();
            record.apply(&write.update);
            source.0.replace(Some(record));
        }
        let answer: Json = serde_json::from_slice(&decided.render(&call(), Committed::Done)).unwrap();
        served.push(outcome(&answer["decisions"]["returns.next_step"]));
    }
    assert!(served[..3].iter().all(|step| step["reason"] == "SPLIT" && step["segment"] == "needs_help"));
    for capped in &served[3..] {
        assert_eq!(
            *capped,
            json!({"action": "render", "value": {"content": "returns/find-store"}, "reason": "CAPPED", "scenario": "in-store-return",
                "pathway": "after_window", "segment": null, "arm": "personalized", "inExperiment": true})
        );
    }
}

#[test]
fn a_dry_run_decides_and_writes_nothing() {
    let engine = engine();
    let body = request("u-1", json!({"options": {"dryRun": true}})).to_string();
    let decided = engine.decide(engine.prepare(body.as_bytes(), &call(), &FreshState).unwrap(), &Switches::default());
    assert!(decided.updates().is_empty());
    let answer: Json = serde_json::from_slice(&decided.render(&call(), Committed::DryRun)).unwrap();
    assert_eq!(
        (&answer["eventsAccepted"], &answer["decisions"]["returns.header"]["reason"]),
        (&json!(0), &json!("SPLIT"))
    );
}

#[test]
fn what_is_switched_off_is_passed_over() {
    let decide =
        |switches| answer_with(&request("u-1", json!({})), &call(), &FreshState, &switches)["decisions"].take();
    let off = |name: &str| std::collections::HashSet::from([name.to_owned()]);
    let point = decide(Switches { points: off("returns.header"), ..Switches::default() });
    assert_eq!(
        (&point["returns.header"]["reason"], &point["returns.header"]["action"]),
        (&json!("DISABLED"), &json!("render"))
    );
    assert_eq!(point["returns.next_step"]["reason"], "SPLIT");
    let scenario = decide(Switches { scenarios: off("in-store-return"), ..Switches::default() });
    assert_eq!(scenario["returns.header"]["reason"], "FALLBACK");
}

#[test]
fn signals_are_judged_and_the_decision_goes_on() {
    let request = request(
        "u-1",
        json!({"signals": {"no.such": 1, "session.views": 9, "order.days_since_delivery": "many", "order.channel": null,
            "customer.support_contacts_90d": {"value": 2, "observedAt": "2026-11-20T09:59:59Z"}},
            "options": {"explain": "full"}}),
    );
    let answer = answer(&request);
    let warned: Vec<(&str, &str)> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["code"].as_str().unwrap(), warning["field"].as_str().unwrap()))
        .collect();
    for expected in [
        ("unknown_signal", "signals.no.such"),
        ("ignored_signal", "signals.session.views"),
        ("invalid_signal", "signals.order.days_since_delivery"),
    ] {
        assert!(warned.contains(&expected), "{expected:?} in {warned:?}");
    }
    let trace = &answer["decisions"]["returns.header"]["explanation"]["trace"][0];
    assert_eq!(trace["conditions"][0]["value"], "unknown");
    assert_eq!(
        trace["conditions"][0]["blocking"][0],
        json!({"signal": "order.channel", "state": "missing", "refusedPurposes": []})
    );
}

#[test]
fn a_value_that_no_parser_holds_is_invalid_and_nothing_else() {
    let body = request("u-1", json!({"options": {"explain": "full"}})).to_string();
    for (value, code) in [
        ("1e400", "invalid_signal"),
        (r#""\ud800""#, "invalid_signal"),
        ("{}", "invalid_signal"),
        (r#"{"observedAt": null}"#, "invalid_signal"),
    ] {
        let body = body.replace("\"order.days_since_delivery\":45", &format!("\"order.days_since_delivery\":{value}"));
        let engine = engine();
        let decided =
            engine.decide(engine.prepare(body.as_bytes(), &call(), &FreshState).unwrap(), &Switches::default());
        assert_eq!(decided.warnings()[0].code.name(), code, "{value}");
        assert_eq!(decided.decisions[0].2.pathway, Some("unknown_order"), "{value}");
    }
}

#[test]
fn a_request_with_a_thousand_mistakes_gets_a_hundred_warnings() {
    let mut request = request("u-1", json!({}));
    for number in 0..1_000 {
        request[format!("typo{number}")] = json!(number);
    }
    let warnings = answer(&request)["warnings"].take();
    let warnings = warnings.as_array().unwrap();
    assert_eq!(warnings.len(), 101);
    assert_eq!(
        warnings[100],
        json!({"code": "truncated", "field": "warnings", "detail": "900 more warnings are not listed"})
    );
}

#[test]
fn the_trace_names_the_state_that_blocked() {
    let stale = json!({"signals": {"customer.support_contacts_90d": {"value": 2, "observedAt": "2026-11-20T09:59:59Z"}}, "options": {"explain": "full"}});
    let decisions = decisions("u-1", stale);
    let conditions = decisions["returns.header"]["explanation"]["trace"][0]["conditions"].as_array().unwrap().clone();
    let segment = conditions.iter().find(|condition| condition["name"] == "needs_help").unwrap();
    assert_eq!(
        segment["blocking"],
        json!([{"signal": "customer.support_contacts_90d", "state": "stale", "refusedPurposes": []}])
    );
}

#[test]
fn the_same_call_gives_the_same_bytes_with_and_without_a_request_id() {
    for id in [json!("r-1"), Json::Null] {
        let request = request("u-1", json!({"requestId": id}));
        assert_eq!(answer(&request).to_string(), answer(&request).to_string());
    }
}

#[test]
fn the_clock_of_a_request_is_the_one_it_names() {
    let request = request("u-1", json!({"requestId": null, "options": {"at": "2026-11-21T10:00:00Z", "dryRun": true}}));
    let later = Call { now: "2026-11-22T17:30:00Z".parse().unwrap(), ..call() };
    let answer_at = |call| answer_with(&request, call, &FreshState, &Switches::default()).to_string();
    assert_eq!(answer_at(&call()), answer_at(&later));
}

#[test]
fn debug_options_need_the_debug_scope() {
    let engine = engine();
    let call = Call { debug: false, ..call() };
    for (options, status) in [
        (json!({"explain": "full"}), 403),
        (json!({"at": "2026-11-21T10:00:00Z", "dryRun": true}), 403),
        (json!({"force": {"arm": "as_is"}}), 403),
    ] {
        let body = request("u-1", json!({"options": options})).to_string();
        assert_eq!(engine.prepare(body.as_bytes(), &call, &FreshState).unwrap_err().status, status, "{options}");
    }
    let body = request("u-1", json!({"options": {"at": "2026-11-21T10:00:00Z"}})).to_string();
    let call = Call { debug: true, ..call };
    assert_eq!(engine.prepare(body.as_bytes(), &call, &FreshState).unwrap_err().status, 400);
}

#[test]
fn a_forced_arm_shows_it_outside_the_experiment() {
    for (user, arm) in [("u-17", "personalized"), ("u-24", "default"), ("u-1", "as_is")] {
        let decisions = decisions(user, json!({"options": {"force": {"arm": arm}}}));
        let header = &decisions["returns.header"];
        assert_eq!(
            (&header["arm"], &header["inExperiment"], &header["reason"]),
            (&json!(arm), &json!(false), &json!("TARGETING_MATCH"))
        );
    }
}

#[test]
fn the_caches_key_names_what_was_served_and_not_to_whom() {
    let key = |request: Json| answer(&request)["cacheKey"].take();
    let served = key(request("u-1", json!({})));
    assert_eq!(served, key(request("u-1", json!({"requestId": "r-2", "identity": {"sessionId": "other"}}))));
    assert_ne!(served, key(request("u-17", json!({}))));
}
