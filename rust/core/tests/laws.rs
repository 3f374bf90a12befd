//! Laws that hold for every request: no bytes break the engine, the same call gives the same bytes, consent only takes away,
//! and events count the same one by one or together.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected should stop")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Switches};
use edgewise_core::engine::Engine;
use edgewise_core::events::IngestFormat;
use edgewise_core::state::{FreshState, Record, Scope, StateSource, StateUnavailable};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::from_bundle(include_bytes!("../../../tests/contract/vectors/bundle.json")).unwrap());

fn call() -> Call<'static> {
    Call {
        now: "2026-11-21T10:00:00Z".parse().unwrap(),
        item: 0,
        gpc: false,
        debug: true,
        allow_at: true,
        trusted: false,
        node: "n-1",
        generation: 1,
    }
}

fn decide_on(engine: &Engine, body: &[u8], source: &impl StateSource) -> Option<Json> {
    let decided = engine.decide(engine.prepare(body, &call(), source).ok()?, &Switches::default());
    Some(serde_json::from_slice(&decided.render(&call(), Committed::Done)).unwrap())
}

/// Keeps records the way a node does.
#[derive(Default)]
struct Records(RefCell<HashMap<(Scope, String), Record>>);

impl StateSource for Records {
    fn read(&self, scope: Scope, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        let mut bytes = Vec::new();
        let records = self.0.borrow();
        let Some(record) = records.get(&(scope, key.to_owned())) else { return Ok(None) };
        record.encode(now_ms + 1, &mut bytes);
        Ok(Some(bytes))
    }
}

impl Records {
    fn decide(&self, request: &Json) -> Json {
        let body = request.to_string();
        let decided = ENGINE.decide(ENGINE.prepare(body.as_bytes(), &call(), self).unwrap(), &Switches::default());
        for write in decided.updates() {
            self.0.borrow_mut().entry((write.scope, write.key)).or_default().apply(&write.update);
        }
        serde_json::from_slice(&decided.render(&call(), Committed::Done)).unwrap()
    }
}

fn any_scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-3_i64..50).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[a-z_]{0,6}".prop_map(Json::from),
        prop_oneof!["online", "store", "return_item", "buy", "browse", "2026-11-21T09:00:00Z"].prop_map(Json::from),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    any_scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::hash_map("[a-zA-Z_.]{1,8}", inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// Mostly sensible requests, with anything at all in some places.
fn any_request() -> impl Strategy<Value = Json> {
    let names = [
        "order.channel",
        "order.days_since_delivery",
        "order.final_sale",
        "visit.intent",
        "customer.returns_12m",
        "customer.support_contacts_90d",
        "session.views",
        "no.such",
    ];
    let signals = prop::collection::hash_map(prop::sample::select(names.to_vec()), any_json(), 0..8);
    let points =
        prop::sample::subsequence(vec!["returns.header", "returns.next_step", "shop.banner", "no.such"], 1..=4);
    let user = prop::option::of("u-[0-9]{1,3}");
    (points, user, signals, any::<bool>(), prop::option::of(any_json())).prop_map(|(points, user, signals, granted, extra)| {
        let mut request = json!({"requestId": "r", "decisionPoints": points, "identity": {"userId": user, "sessionId": "s"},
            "signals": signals, "consent": {"purposes": {"personalize_content": granted}}});
        if let Some(extra) = extra {
            request["extra"] = extra;
        }
        request
    })
}

proptest! {
    #[test]
    fn no_bytes_break_the_engine(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let refused = ENGINE.prepare(&body, &call(), &FreshState).map(|_| ()).map_err(|error| error.status);
        prop_assert!(matches!(refused, Ok(()) | Err(400 | 403 | 413)));
        let _ = ENGINE.ingest(&body, IngestFormat::Array, 0, false);
        let _ = ENGINE.ingest(&body, IngestFormat::Lines, 0, false);
    }

    #[test]
    fn no_json_breaks_the_engine(field in "[a-zA-Z]{1,14}|decisionPoints|identity|signals|events|consent|context|options", value in any_json()) {
        let body = json!({"decisionPoints": ["returns.header"], field: value}).to_string();
        let _ = decide_on(&ENGINE, body.as_bytes(), &FreshState);
        let _ = ENGINE.ingest(json!([value]).to_string().as_bytes(), IngestFormat::Array, 0, false);
    }

    #[test]
    fn any_body_cut_short_is_refused(request in any_request(), cut in 0.0_f64..1.0) {
        let body = request.to_string();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index below the length")]
        let end = (body.len() as f64 * cut) as usize;
        prop_assert_eq!(ENGINE.prepare(&body.as_bytes()[..end], &call(), &FreshState).map(|_| ()).map_err(|error| error.status), Err(400));
    }

    #[test]
    fn the_same_call_gives_the_same_bytes_in_another_engine(request in any_request()) {
        let other = Engine::from_bundle(include_bytes!("../../../tests/contract/vectors/bundle.json")).unwrap();
        let body = request.to_string();
        let answer = |engine: &Engine| decide_on(engine, body.as_bytes(), &FreshState).map(|answer| answer.to_string());
        prop_assert_eq!(answer(&ENGINE), answer(&other));
    }

    #[test]
    fn refusing_a_purpose_never_serves_a_segment_that_needs_it(request in any_request()) {
        let mut refused = request;
        refused["consent"] = json!({"purposes": {"personalize_content": false}});
        let answer = decide_on(&ENGINE, refused.to_string().as_bytes(), &FreshState).unwrap();
        for decision in answer["decisions"].as_object().unwrap().values() {
            prop_assert_eq!(&decision["segment"], &Json::Null);
            prop_assert_eq!(&decision["inExperiment"], &Json::Bool(false));
        }
    }

    #[test]
    fn every_answer_has_the_contracts_shape(request in any_request()) {
        let answer = decide_on(&ENGINE, request.to_string().as_bytes(), &FreshState).unwrap();
        for (point, decision) in answer["decisions"].as_object().unwrap() {
            let reason = decision["reason"].as_str().unwrap();
            let served = decision["action"] == "render";
            prop_assert_eq!(served, !decision["value"].is_null(), "{}", point);
            prop_assert_eq!(decision["error"].is_null(), reason != "ERROR");
            prop_assert_eq!(decision["scenario"].is_null(), matches!(reason, "ERROR" | "FALLBACK"));
            let counted = decision["inExperiment"] == json!(true);
            prop_assert!(!counted || matches!(reason, "SPLIT" | "CAPPED"));
            prop_assert!(counted || reason != "SPLIT");
        }
    }

    #[test]
    fn events_count_the_same_one_by_one_and_together(ids in prop::collection::vec(0_u8..6, 0..12)) {
        let event = |id: &u8| json!({"id": format!("e{id}"), "event": "Product Viewed", "timestamp": "2026-11-21T09:00:00Z"});
        let request = |events: Vec<Json>| json!({"decisionPoints": ["shop.banner"], "identity": {"sessionId": "s"}, "requestId": "r",
            "signals": {"visit.intent": "browse"}, "events": events, "consent": {"purposes": {"personalize_content": true}}});
        let (streamed, batched) = (Records::default(), Records::default());
        for id in &ids {
            streamed.decide(&request(vec![event(id)]));
        }
        batched.decide(&request(ids.iter().map(event).collect()));
        prop_assert_eq!(streamed.decide(&request(vec![]))["decisions"].take(), batched.decide(&request(vec![]))["decisions"].take());
        prop_assert_eq!(&*streamed.0.borrow(), &*batched.0.borrow());
    }
}
