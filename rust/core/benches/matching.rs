//! How long finding the rules that hold takes, by number and breadth of rules, beside a naive scan and evaluation one by one.
//! Run with `cargo bench -p edgewise-core --bench matching [-- LARGEST]`.
#![allow(clippy::print_stdout, reason = "a benchmark reports")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    reason = "a benchmark that meets the unexpected should stop"
)]

mod common;

use std::time::{Duration, Instant};

use common::naive::Naive;
use common::workload::{Breadth, Workload, post, table};
use common::{measure, measure_cold};
use edgewise_core::condition::Policy;

const TIME: Duration = Duration::from_millis(400);
const ROWS: usize = 200;

fn main() {
    let largest = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000_usize);
    println!("us a row, one thread, all 50 signals known; ratio = naive p50 / index p50");
    println!(
        "{:<9} {:>8} {:>7} {:>15} {:>15} {:>15} {:>7} {:>10} {:>8} {:>8} {:>7} {:>6}",
        "rules",
        "count",
        "match%",
        "naive p50 p99",
        "index p50 p99",
        "cold p50 p99",
        "ratio",
        "compile ms",
        "build ms",
        "drop ms",
        "B/rule",
        "rows"
    );
    for breadth in [Breadth::Targeted, Breadth::Broad] {
        for count in [100, 1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|count| *count <= largest) {
            compare(breadth, count);
        }
    }
}

fn compare(breadth: Breadth, count: usize) {
    let table = table();
    let mut workload = Workload::new(breadth);
    let texts = workload.rules(count);
    let rows = workload.rows(ROWS);
    let policy = Policy::default();
    let started = Instant::now();
    let builder = post(&texts, &table, &policy);
    let compiled = started.elapsed();
    let started = Instant::now();
    let index = builder.build();
    let built = started.elapsed();
    let naive = Naive::new(&texts, &table);
    let found: Vec<usize> = rows
        .iter()
        .take(40)
        .map(|row| {
            let found = index.matching(row);
            assert_eq!(found, naive.matching(row));
            found.len()
        })
        .collect();
    let share = found.iter().sum::<usize>() as f64 / (found.len() * count) as f64;
    let few = if count > 10_000 { 20 } else { ROWS };
    let scan = measure(&rows[..few], TIME, |row| drop(naive.matching(row)));
    let pass = measure(&rows, TIME, |row| drop(index.matching(row)));
    let cold = measure_cold(&rows[..100], |row| drop(index.matching(row)));
    let examined = rows.iter().map(|row| index.effort(row).rows).sum::<usize>() / rows.len();
    let bytes = index.size().0 as f64 / count as f64;
    let started = Instant::now();
    drop(index);
    println!(
        "{:<9} {count:>8} {:>7.3} {:>8.1} {:>6.1} {:>8.2} {:>6.2} {:>8.1} {:>6.1} {:>7.1} {:>10.1} {:>8.1} {:>8.2} {:>7.1} {examined:>6}",
        format!("{breadth:?}"),
        100.0 * share,
        scan.p50_us,
        scan.p99_us,
        pass.p50_us,
        pass.p99_us,
        cold.p50_us,
        cold.p99_us,
        scan.p50_us / pass.p50_us,
        compiled.as_secs_f64() * 1e3,
        built.as_secs_f64() * 1e3,
        started.elapsed().as_secs_f64() * 1e3,
        bytes,
    );
}
