//! What the benchmarks share: generated rules and rows, a naive scan to be measured against, and quantiles.
#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod bundle;
pub mod decision;
pub mod naive;
pub mod workload;

use std::time::{Duration, Instant};

/// How long one call takes: the median and the 99th percentile in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles {
    pub p50_us: f64,
    pub p99_us: f64,
}

impl Quantiles {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1_000].as_secs_f64() * 1e6;
        Self { p50_us: at(500), p99_us: at(990) }
    }
}

/// Calls again and again over the items until the time is over, after warming up with each of them once.
pub fn measure<T>(items: &[T], time: Duration, mut call: impl FnMut(&T)) -> Quantiles {
    items.iter().for_each(&mut call);
    let (ends, mut times) = (Instant::now() + time, Vec::new());
    while times.len() < items.len() || Instant::now() < ends {
        for item in items {
            let started = Instant::now();
            call(item);
            times.push(started.elapsed());
        }
    }
    Quantiles::of(times)
}

/// The same with other memory walked through between calls, so that caches are cold.
pub fn measure_cold<T>(items: &[T], mut call: impl FnMut(&T)) -> Quantiles {
    let mut other = vec![0_u64; 12 * 1_024 * 1_024];
    let mut times = Vec::new();
    for item in items {
        other.iter_mut().for_each(|word| *word = word.wrapping_add(1));
        let started = Instant::now();
        call(item);
        times.push(started.elapsed());
    }
    assert!(other.iter().all(|word| *word == items.len() as u64));
    Quantiles::of(times)
}
