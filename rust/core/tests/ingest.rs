//! What the ingest route takes and what it rejects, on the contract's bundle.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that meets the unexpected should stop, and reads best with its data in line"
)]

use edgewise_core::decide::{Call, Switches};
use edgewise_core::engine::Engine;
use edgewise_core::events::{Ingest, IngestFormat};
use edgewise_core::state::{Record, Scope, StateSource, StateUnavailable};
use serde_json::{Value as Json, json};

const BUNDLE: &str = include_str!("../../../tests/contract/vectors/bundle.json");
const NOW_MS: i64 = 1_795_255_200_000; // 2026-11-21T10:00:00Z

fn ingest_as(format: IngestFormat, body: &str) -> Ingest {
    Engine::from_bundle(BUNDLE.as_bytes()).unwrap().ingest(body.as_bytes(), format, NOW_MS, false).unwrap()
}

fn ingest(body: &str) -> Ingest {
    ingest_as(IngestFormat::Array, body)
}

fn viewed(id: &str, patch: Json) -> Json {
    let mut event = json!({"id": id, "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z", "sessionId": "s-1",
        "consent": {"purposes": {"personalize_content": true}}});
    edgewise_core::merge::merge_patch(&mut event, &patch);
    event
}

#[test]
fn a_bad_event_is_rejected_by_index_and_the_rest_are_taken() {
    let body = json!([
        viewed("e0", json!({})),
        {"event": "Product Viewed", "sessionId": "s-1"},
        viewed("e2", json!({"timestamp": "yesterday"})),
        viewed("e3", json!({"timestamp": "2026-11-21T10:05:01Z"})),
        viewed("e4", json!({"sessionId": null})),
        17,
        viewed("e6", json!({"timestamp": "2026-11-21T10:05:00Z"})),
    ]);
    let ingest = ingest(&body.to_string());
    assert_eq!(ingest.accepted.iter().map(|event| event.position).collect::<Vec<_>>(), [0, 6]);
    let rejected: Vec<_> =
        ingest.rejected.iter().map(|(index, error)| (*index, error.id.as_deref(), error.code)).collect();
    assert_eq!(
        rejected,
        [
            (1, None, "invalid_event"),
            (2, Some("e2"), "invalid_timestamp"),
            (3, Some("e3"), "future_timestamp"),
            (4, Some("e4"), "missing_identity"),
            (5, None, "invalid_event"),
        ]
    );
}

#[test]
fn lines_and_a_list_say_the_same() {
    let events = [viewed("e0", json!({})), viewed("e1", json!({"journeyId": "j-1"}))];
    let list = ingest(&json!(events).to_string());
    let lines = ingest_as(IngestFormat::Lines, &format!("{}\n\n{}\r\n{{not json\n", events[0], events[1]));
    assert_eq!(list.accepted.len(), lines.accepted.len());
    assert_eq!(lines.rejected.first().map(|(index, error)| (*index, error.code)), Some((2, "invalid_json")));
}

#[test]
fn an_aggregate_whose_purpose_is_refused_is_not_updated() {
    let updates = |patch: Json| ingest(&json!([viewed("e0", patch)]).to_string()).accepted.remove(0).updates;
    let granted = updates(json!({}));
    assert_eq!(
        granted.iter().map(|update| (update.scope, update.key.as_str())).collect::<Vec<_>>(),
        [(Scope::Session, "s-1")]
    );
    assert!(updates(json!({"consent": null})).is_empty());
    assert!(updates(json!({"consent": {"purposes": {"personalize_content": false}}})).iter().all(|update| {
        let mut record = Record::new();
        record.apply(&update.update);
        record == Record::new()
    }));
}

#[test]
fn the_same_aggregate_for_another_purpose_is_another_field() {
    let mut bundle: Json = serde_json::from_str(BUNDLE).unwrap();
    let mut everyone = bundle["signals"]["session.views"].clone();
    everyone["purposes"] = json!([]);
    bundle["signals"]["session.all_views"] = everyone;
    bundle["segments"]["looker"] = json!("session.all_views == 1 && session.views == 0");
    let engine = Engine::from_bundle(bundle.to_string().as_bytes()).unwrap();
    let refused = json!([viewed("e0", json!({"consent": null}))]).to_string();
    let taken = engine.ingest(refused.as_bytes(), IngestFormat::Array, NOW_MS, false).unwrap();
    let mut record = Record::new();
    record.apply(&taken.accepted[0].updates[0].update);
    let request = json!({"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"}, "signals": {"visit.intent": "browse"},
        "consent": {"purposes": {"personalize_content": true}}})
    .to_string();
    let prepared = engine.prepare(request.as_bytes(), &call(), &Held(record)).unwrap();
    let decided = engine.decide(prepared, &Switches::default());
    assert_eq!(decided.decisions[0].2.segment, Some("looker"));
}

/// The contract's bundle with another aggregate, the last of all, so that fields come in one order either way.
fn with_views_last() -> Engine {
    let mut bundle: Json = serde_json::from_str(BUNDLE).unwrap();
    let declared = json!({"type": "string_set", "source": "session", "purposes": [],
        "aggregate": {"kind": "ring", "event": "Product Viewed", "property": "category", "size": 2}});
    bundle["signals"]["session.views_last"] = declared;
    bundle["segments"]["looker"] = json!("'shoes' in session.views_last && session.views == 3");
    Engine::from_bundle(bundle.to_string().as_bytes()).unwrap()
}

#[test]
fn two_bundles_of_a_node_keep_what_each_of_them_wants_of_an_event() {
    let (one, other) = (Engine::from_bundle(BUNDLE.as_bytes()).unwrap(), with_views_last());
    let of_session = |id: &str, granted: bool| {
        let consent = json!({"purposes": {"personalize_content": granted}});
        viewed(id, json!({"consent": consent, "properties": {"category": if granted { "shoes" } else { "hats" }}}))
    };
    // The one event that nobody may count for `personalize_content` lies between two of the others.
    let body = json!([of_session("e0", true), of_session("e1", false), of_session("e2", true), of_session("e2", true)]);
    let taken = |engine: &Engine| {
        engine.ingest(body.to_string().as_bytes(), IngestFormat::Array, NOW_MS, false).unwrap().accepted
    };
    for (first, second) in [(&one, &other), (&other, &one)] {
        let mut record = Record::new();
        for (mut own, beside) in taken(first).into_iter().zip(taken(second)) {
            own.join(beside);
            assert!(own.updates.len() <= 1);
            for keyed in own.updates {
                record.apply(&keyed.update);
            }
        }
        let mut alone = Record::new();
        for keyed in taken(&other).iter().flat_map(|event| &event.updates) {
            alone.apply(&keyed.update);
        }
        assert_eq!(record, alone, "the second bundle keeps all that the first does");
    }
}

#[test]
fn a_record_that_two_bundles_write_lives_as_long_as_either_wants() {
    let lives = |ttl_ms: i64| {
        let mut bundle: Json = serde_json::from_str(BUNDLE).unwrap();
        bundle["state"]["session"]["ttlMs"] = json!(ttl_ms);
        Engine::from_bundle(bundle.to_string().as_bytes()).unwrap()
    };
    let (short, long) = (lives(1_800_000), lives(7_200_000));
    let mut asked: Json = json!({"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"},
        "consent": {"purposes": {"personalize_content": true}}});
    asked["events"] = json!([viewed("e0", json!({"sessionId": null, "consent": null}))]);
    let (posted, asked) = (json!([viewed("e0", json!({}))]).to_string(), asked.to_string());
    let taken = |engine: &Engine| {
        engine.ingest(posted.as_bytes(), IngestFormat::Array, NOW_MS, false).unwrap().accepted.remove(0)
    };
    let call = call();
    for (own, beside) in [(&short, &long), (&long, &short)] {
        let mut ingested = taken(own);
        ingested.join(taken(beside));
        let prepared = own.prepare_beside(asked.as_bytes(), &call, &Held(Record::new()), Some(beside)).unwrap();
        let decided = own.decide(prepared, &Switches::default());
        for updates in [ingested.updates, decided.updates()] {
            assert_eq!(updates.iter().map(|update| update.ttl_ms).collect::<Vec<_>>(), [7_200_000]);
        }
    }
}

#[test]
fn events_of_a_decision_count_for_the_bundle_beside_it_in_their_order() {
    let (one, other) = (Engine::from_bundle(BUNDLE.as_bytes()).unwrap(), with_views_last());
    let event = |id: &str, category: &str| json!({"id": id, "event": "Product Viewed", "timestamp": "2026-11-21T09:59:00Z", "properties": {"category": category}});
    let asked = |consent: bool| {
        json!({"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"},
            "consent": {"purposes": {"personalize_content": consent}},
            "events": [event("a", "hats"), event("b", "shoes"), event("c", "bags")]})
        .to_string()
    };
    let call = call();
    let record_after = |engine: &Engine, beside: Option<&Engine>, consent: bool| {
        let body = asked(consent);
        let prepared = engine.prepare_beside(body.as_bytes(), &call, &Held(Record::new()), beside).unwrap();
        let decided = engine.decide(prepared, &Switches::default());
        let mut record = Record::new();
        for keyed in decided.updates() {
            record.apply(&keyed.update);
        }
        record
    };
    for consent in [true, false] {
        let both = record_after(&one, Some(&other), consent);
        assert_eq!(both, record_after(&other, None, consent), "consent {consent}");
        assert_eq!(both, record_after(&other, Some(&one), consent), "consent {consent}");
        assert_ne!(both, record_after(&one, None, consent), "consent {consent}");
    }
}

#[test]
fn a_request_without_events_writes_nothing_for_the_bundle_beside() {
    let (one, other) = (Engine::from_bundle(BUNDLE.as_bytes()).unwrap(), with_views_last());
    let body = br#"{"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s-1"}}"#;
    let prepared = one.prepare_beside(body, &call(), &Held(Record::new()), Some(&other)).unwrap();
    assert!(one.decide(prepared, &Switches::default()).updates().is_empty());
}

fn call() -> Call<'static> {
    Call {
        now: jiff::Timestamp::from_millisecond(NOW_MS).unwrap(),
        item: 0,
        gpc: false,
        debug: false,
        allow_at: false,
        trusted: false,
        node: "n-1",
        generation: 1,
    }
}

/// One record, whoever asks.
struct Held(Record);

impl StateSource for Held {
    fn read(&self, _: Scope, _: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        let mut bytes = Vec::new();
        self.0.encode(now_ms + 1, &mut bytes);
        Ok(Some(bytes))
    }
}

#[test]
fn an_empty_or_oversized_body_is_refused_whole() {
    let engine = Engine::from_bundle(BUNDLE.as_bytes()).unwrap();
    let status = |format, body: &str| engine.ingest(body.as_bytes(), format, NOW_MS, false).unwrap_err().status;
    for format in [IngestFormat::Array, IngestFormat::Lines] {
        assert_eq!(status(format, " \n"), 400);
    }
    assert_eq!(status(IngestFormat::Array, "[{}"), 400);
    assert_eq!(status(IngestFormat::Array, "{}"), 400);
    assert_eq!(status(IngestFormat::Array, &format!("[{}]", vec!["0"; 10_001].join(","))), 413);
    assert_eq!(status(IngestFormat::Lines, &"0\n".repeat(10_001)), 413);
    // One too many is enough to know: what follows is not even looked at.
    assert_eq!(status(IngestFormat::Array, &format!("[{} no JSON", "0,".repeat(10_001))), 413);
}
