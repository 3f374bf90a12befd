//! Decisions of a bundle of 300 scenarios, whose contexts are found in one pass, beside the trace of the same decisions,
//! which evaluates every candidate by itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected stops")]

#[path = "../benches/common/bundle.rs"]
#[allow(clippy::pedantic, missing_docs, reason = "it belongs to the benchmarks")]
mod bundle;

use bundle::{Shape, document, requests};
use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Switches};
use edgewise_core::engine::Engine;
use edgewise_core::state::FreshState;
use serde_json::{Value as Json, json};

fn decisions(engine: &Engine, mut request: Json, explain: &str, switches: &Switches) -> Json {
    request["options"] = json!({"explain": explain});
    let call = Call {
        now: "2026-11-21T10:00:00Z".parse().unwrap(),
        item: 0,
        gpc: false,
        debug: true,
        allow_at: false,
        trusted: false,
        node: "n-1",
        generation: 1,
    };
    let body = request.to_string();
    let prepared = engine.prepare(body.as_bytes(), &call, &FreshState).unwrap();
    let answer = engine.decide(prepared, switches).render(&call, Committed::Done);
    let mut decisions = serde_json::from_slice::<Json>(&answer).unwrap()["decisions"].take();
    for decision in decisions.as_object_mut().unwrap().values_mut() {
        if explain == "full" {
            check_trace(decision);
        }
        decision["explanation"] = Json::Null;
    }
    decisions
}

/// The scenario is the last candidate and the only one whose context is true.
fn check_trace(decision: &Json) {
    let candidates = decision["explanation"]["trace"].as_array().unwrap();
    let holds = |candidate: &&Json| candidate["conditions"][0]["value"] == json!(true);
    let entered: Vec<&Json> = candidates.iter().filter(holds).collect();
    match decision["scenario"].as_str() {
        Some(scenario) => {
            assert_eq!(entered, [candidates.last().unwrap()]);
            assert_eq!(entered[0]["scenario"], scenario);
        }
        None => assert!(entered.is_empty()),
    }
}

#[test]
fn the_pass_enters_the_scenario_that_the_trace_tells_of() {
    let off = ["scenario-1", "scenario-7", "scenario-11", "scenario-100"].map(str::to_owned);
    let switches = Switches { scenarios: off.into(), ..Switches::default() };
    let mut entered = 0;
    for (shape, consent) in [(Shape::OnePoint, true), (Shape::Shop, true), (Shape::Shop, false)] {
        let engine = Engine::from_bundle(&document(shape)).unwrap();
        for (number, request) in requests(shape, consent).iter().enumerate().step_by(2) {
            let mut request: Json = serde_json::from_slice(request).unwrap();
            if number % 3 == 0 {
                request["signals"].as_object_mut().unwrap().remove("page.depth");
                request["signals"]["page.name"] = json!(17);
            }
            let found = decisions(&engine, request.clone(), "short", &switches);
            assert_eq!(found, decisions(&engine, request, "full", &switches));
            entered += found.as_object().unwrap().values().filter(|decision| decision["scenario"].is_string()).count();
        }
    }
    assert!(entered > 40);
}
