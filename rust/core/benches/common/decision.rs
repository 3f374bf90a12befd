//! One decision as the benchmarks make it: at a fixed time, keeping no state.

use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Switches};
use edgewise_core::engine::Engine;
use edgewise_core::state::FreshState;

/// The whole of it, bytes to bytes.
pub fn decide(engine: &Engine, body: &[u8]) -> Vec<u8> {
    let call = call();
    let prepared = engine.prepare(body, &call, &FreshState).unwrap();
    engine.decide(prepared, &Switches::default()).render(&call, Committed::Done)
}

pub fn call() -> Call<'static> {
    Call {
        now: "2026-11-21T10:00:00Z".parse().unwrap(),
        item: 0,
        gpc: false,
        debug: false,
        allow_at: false,
        trusted: false,
        node: "n-1",
        generation: 1,
    }
}
