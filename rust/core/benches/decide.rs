//! How long a whole decision takes in the core, bytes to bytes, with 300 scenarios of six segments and no model; and where
//! the time goes. Run with `cargo bench -p edgewise-core --bench decide`.
#![allow(clippy::print_stdout, reason = "a benchmark reports")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    reason = "a benchmark that meets the unexpected should stop"
)]

mod common;

use std::time::Duration;

use common::bundle::{Shape, document, requests};
use common::decision::{call, decide};
use common::measure;
use edgewise_core::decide::Switches;
use edgewise_core::engine::Engine;
use edgewise_core::state::FreshState;

const TIME: Duration = Duration::from_millis(500);
const CASES: [(&str, Shape, bool); 3] =
    [("one-point", Shape::OnePoint, true), ("shop", Shape::Shop, true), ("shop-refused", Shape::Shop, false)];

fn main() {
    println!("{:<14} {:>16} {:>16} {:>16} {:>16}  us a request, p50 p99", "", "whole", "prepare", "decide", "render");
    for (name, shape, consent) in CASES {
        let engine = Engine::from_bundle(&document(shape)).unwrap();
        let requests = requests(shape, consent);
        let (call, switches) = (call(), Switches::default());
        let all = measure(&requests, TIME, |body| drop(decide(&engine, body)));
        let prepare = measure(&requests, TIME, |body| drop(engine.prepare(body, &call, &FreshState).unwrap()));
        let decided = measure(&requests, TIME, |body| {
            drop(engine.decide(engine.prepare(body, &call, &FreshState).unwrap(), &switches));
        });
        println!(
            "{name:<14} {:>8.2} {:>7.2} {:>8.2} {:>7.2} {:>8.2} {:>7} {:>8.2}",
            all.p50_us,
            all.p99_us,
            prepare.p50_us,
            prepare.p99_us,
            decided.p50_us - prepare.p50_us,
            "",
            all.p50_us - decided.p50_us,
        );
    }
}
