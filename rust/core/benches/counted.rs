//! Work whose instructions are counted, not timed: `counted CASE ROUNDS` does a case that often and prints nothing. The
//! counts and the job that guards them are in `loadtests/instructions.py`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    reason = "a benchmark that meets the unexpected should stop"
)]

mod common;

use std::hint::black_box;

use common::bundle::{Shape, document, requests};
use common::workload::{Breadth, Workload, post, table};
use edgewise_core::condition::Policy;
use edgewise_core::engine::Engine;
use edgewise_core::index::Index;

const RULES: usize = 10_000;
const ROWS: usize = 50;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [case, rounds] = words.as_slice() else { return };
    let rounds: usize = rounds.parse().unwrap();
    match case.as_str() {
        "decide-one-point" => decide(Shape::OnePoint, true, rounds),
        "decide-shop" => decide(Shape::Shop, true, rounds),
        "decide-shop-refused" => decide(Shape::Shop, false, rounds),
        "match-targeted" => find(Breadth::Targeted, rounds),
        "match-broad" => find(Breadth::Broad, rounds),
        "build-targeted" => (0..rounds).for_each(|_| drop(black_box(index(&mut Workload::new(Breadth::Targeted))))),
        _ => panic!("no such case"),
    }
}

fn decide(shape: Shape, consent: bool, rounds: usize) {
    let engine = Engine::from_bundle(&document(shape)).unwrap();
    let requests = requests(shape, consent);
    for body in requests.iter().cycle().take(rounds) {
        black_box(common::decision::decide(&engine, body));
    }
}

fn index(workload: &mut Workload) -> Index {
    post(&workload.rules(RULES), &table(), &Policy::default()).build()
}

fn find(breadth: Breadth, rounds: usize) {
    let mut workload = Workload::new(breadth);
    let index = index(&mut workload);
    let rows = workload.rows(ROWS);
    rows.iter().cycle().take(rounds).for_each(|row| drop(black_box(index.matching(row))));
}
