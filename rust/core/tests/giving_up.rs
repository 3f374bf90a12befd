//! Work on a bundle ends soon after nobody wants it any more: between any two steps, and with no engine or verdict.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected should stop")]

use std::cell::Cell;

use edgewise_core::engine::Engine;
use edgewise_core::error::BundleError;
use serde_json::{Value as Json, json};

const GIVEN_UP: &str = "bundle refused at $: given up";

/// The contract's bundle with its decision vectors as golden decisions; the last one is wrong.
fn bundle() -> Json {
    let mut bundle: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/bundle.json")).unwrap();
    let vectors: Json = serde_json::from_str(include_str!("../../../tests/contract/vectors/decisions.json")).unwrap();
    bundle["golden"] = vectors;
    let wrong = json!({"name": "wrong", "request": bundle["golden"][0]["request"], "decisions": {}});
    bundle["golden"].as_array_mut().unwrap().push(wrong);
    bundle
}

/// Does some work that may ask so many times whether to go on before it hears no, and counts how often it asked.
fn done<T>(times: usize, work: impl Fn(&dyn Fn() -> bool) -> Result<T, BundleError>) -> (Result<T, String>, usize) {
    let asked = Cell::new(0);
    let result = work(&|| {
        asked.set(asked.get() + 1);
        asked.get() <= times
    });
    (result.map_err(|error| error.to_string()), asked.get())
}

#[test]
fn a_self_test_is_given_up_before_any_of_its_golden_decisions() {
    let engine = Engine::from_bundle(bundle().to_string().as_bytes()).unwrap();
    for times in 0..engine.golden_count() {
        let (tested, asked) = done(times, |go_on| engine.self_test_while(go_on));
        assert_eq!((tested, asked), (Err(GIVEN_UP.to_owned()), times + 1));
    }
    assert!(done(usize::MAX, |go_on| engine.self_test_while(go_on)).0.unwrap_err().contains("expected {}"));
}

#[test]
fn a_compilation_is_given_up_before_any_scenario_and_before_the_index_is_built() {
    let bundle = bundle();
    let steps = bundle["scenarios"].as_array().unwrap().len() + 1;
    let compiled = |times| {
        let (engine, asked) = done(times, |go_on| Engine::from_bundle_while(bundle.to_string().as_bytes(), go_on));
        (engine.map(|engine| engine.scenario_count()), asked)
    };
    for times in 0..steps {
        assert_eq!(compiled(times), (Err(GIVEN_UP.to_owned()), times + 1));
    }
    assert_eq!(compiled(steps), (Ok(steps - 1), steps));
}
