//! The decision vectors that Python runs too: whole decisions, explanation included, on the contract's scenario.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected should stop")]

use edgewise_core::engine::Engine;
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Deserialize)]
struct Vector {
    name: String,
    request: Json,
    decisions: Json,
}

#[test]
fn every_vector_comes_out_as_written() {
    let engine = Engine::from_bundle(include_bytes!("../../../tests/contract/vectors/bundle.json")).unwrap();
    let vectors: Vec<Vector> =
        serde_json::from_slice(include_bytes!("../../../tests/contract/vectors/decisions.json")).unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let answer = engine.rehearse(vector.request.to_string().as_bytes(), |_, _, _| None).unwrap();
        let answer: Json = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer.get("decisions"), Some(&vector.decisions), "{}", vector.name);
    }
}
