//! Adding up the files of all workers, into families as Prometheus knows them.

use std::fmt::Write;
use std::io;
use std::path::Path;

use edgewise_core::decide::Reason;
use edgewise_core::warning::WarningCode;

use super::file::numbers;
use super::series::{
    Counter, DURATION_BOUNDS_S, DURATION_NUMBERS, EventResult, NUMBERS, PAUSES_AT, Route, ShedCause, StateOperation,
    StatusClass, TimedRoute, durations_of,
};

/// What kind of family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever rises.
    Counter,
    /// Durations by bucket.
    Histogram,
}

impl Kind {
    /// The word of the exposition format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// All series of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// As `edgewise_requests_total`.
    pub name: &'static str,
    /// A sentence for people.
    pub help: &'static str,
    /// What kind.
    pub kind: Kind,
    /// The series.
    pub samples: Vec<Sample>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Label names and values.
    pub labels: Vec<(&'static str, &'static str)>,
    /// Its number or numbers.
    pub total: Total,
}

/// What a series adds up to.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    /// A count.
    Count(u64),
    /// Requests per bucket, not cumulative, one bucket more than [`DURATION_BOUNDS_S`]; and the sum of all durations.
    Durations(Vec<u64>, f64),
}

/// The totals of these files. One that is not there, or is of another layout, adds nothing.
pub fn total<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Vec<Family>> {
    let mut sums = vec![0_u64; NUMBERS];
    for path in paths {
        match std::fs::read(path) {
            Ok(bytes) => add(&mut sums, &numbers(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(families(&sums))
}

/// Every series by name and labels, in file order: what makes two layouts equal.
pub(super) fn describe() -> String {
    let mut text = format!("{DURATION_BOUNDS_S:?}");
    for family in families(&[0; NUMBERS]) {
        for sample in family.samples {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{} {:?}", family.name, sample.labels);
        }
    }
    text
}

fn add(sums: &mut [u64], numbers: &[u64]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum = sum.wrapping_add(*number);
    }
}

fn families(sums: &[u64]) -> Vec<Family> {
    let count = |counter: Counter, labels| Sample { labels, total: Total::Count(at(sums, counter.number())) };
    let requests = Route::ALL.into_iter().flat_map(|route| {
        StatusClass::ALL.map(|class| {
            count(Counter::Requests(route, class), vec![("route", route.name()), ("status", class.name())])
        })
    });
    let decisions = Reason::ALL.map(|reason| count(Counter::Decisions(reason), vec![("reason", reason.name())]));
    let warnings = WarningCode::ALL.map(|code| count(Counter::Warnings(code), vec![("code", code.name())]));
    let events = EventResult::ALL.map(|result| count(Counter::Events(result), vec![("result", result.name())]));
    let failures = StateOperation::ALL
        .map(|operation| count(Counter::StateFailures(operation), vec![("operation", operation.name())]));
    let shed = TimedRoute::ALL.into_iter().flat_map(|route| {
        ShedCause::ALL
            .map(|cause| count(Counter::Shed(route, cause), vec![("route", route.name()), ("cause", cause.name())]))
    });
    let counter = |name, help, samples| Family { name, help, kind: Kind::Counter, samples };
    vec![
        counter("edgewise_requests_total", "Requests answered, by route and class of status.", requests.collect()),
        Family {
            name: "edgewise_request_duration_seconds",
            help: "Time from a request's first byte to its answer, by route.",
            kind: Kind::Histogram,
            samples: TimedRoute::ALL
                .map(|route| durations(sums, vec![("route", route.name())], durations_of(route)))
                .into(),
        },
        Family {
            name: "edgewise_gc_pause_seconds",
            help: "Time that Python's garbage collector held up a worker.",
            kind: Kind::Histogram,
            samples: vec![durations(sums, Vec::new(), PAUSES_AT)],
        },
        counter("edgewise_decisions_total", "Decisions made, by reason.", decisions.into()),
        counter("edgewise_warnings_total", "Warnings given in answers, by code.", warnings.into()),
        counter("edgewise_events_total", "Events taken in, by result.", events.into()),
        counter(
            "edgewise_state_failures_total",
            "State that could not be used, by operation; the decision went on without it.",
            failures.into(),
        ),
        counter(
            "edgewise_shed_total",
            "Requests answered without being worked on, by route and cause.",
            shed.collect(),
        ),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
fn durations(sums: &[u64], labels: Vec<(&'static str, &'static str)>, first: usize) -> Sample {
    let sum = first + DURATION_NUMBERS - 1;
    let buckets = sums.get(first..sum).unwrap_or_default().to_vec();
    let seconds = at(sums, sum) as f64 / 1e6;
    Sample { labels, total: Total::Durations(buckets, seconds) }
}

fn at(sums: &[u64], number: usize) -> u64 {
    sums.get(number).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Counters;
    use super::*;

    fn count(families: &[Family], name: &str, labels: &[(&str, &str)]) -> u64 {
        let family = families.iter().find(|family| family.name == name).unwrap();
        let sample = family.samples.iter().find(|sample| sample.labels == labels).unwrap();
        match &sample.total {
            Total::Count(count) => *count,
            Total::Durations(buckets, _) => buckets.iter().sum(),
        }
    }

    #[test]
    fn workers_add_up_and_go_on_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("worker-0.counters"), dir.path().join("worker-1.counters")];
        let counter = Counter::Requests(Route::Decide, StatusClass::Success);
        for path in [&paths[0], &paths[1], &paths[0]] {
            Counters::open(path).unwrap().add(counter, 2);
        }
        let families = total(&paths).unwrap();
        let labels = [("route", "decide"), ("status", "2xx")];
        assert_eq!(count(&families, "edgewise_requests_total", &labels), 6);
        assert_eq!(count(&families, "edgewise_requests_total", &[("route", "decide"), ("status", "4xx")]), 0);
    }

    #[test]
    fn durations_fall_into_buckets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker-0.counters");
        let counters = Counters::open(&path).unwrap();
        for duration_us in [100, 300, 300, 60_000_000] {
            counters.observe_us(TimedRoute::Events, duration_us);
        }
        let families = total([&path]).unwrap();
        let Total::Durations(buckets, seconds) = &families[1].samples[2].total else { panic!("a histogram") };
        assert_eq!((buckets[0], buckets[1], buckets[15]), (1, 2, 1));
        assert!((seconds - 60.000_7).abs() < 1e-9);
    }

    #[test]
    fn a_file_of_another_layout_is_started_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker-0.counters");
        for other in [&b""[..], b"edgecnt1", &[7; 4_096]] {
            std::fs::write(&path, other).unwrap();
            assert_eq!(total([&path]).unwrap(), total::<&Path>([]).unwrap(), "counts nothing before it is opened");
            Counters::open(&path).unwrap().add(Counter::Events(EventResult::Rejected), 1);
            assert_eq!(count(&total([&path]).unwrap(), "edgewise_events_total", &[("result", "rejected")]), 1);
        }
    }

    #[test]
    fn threads_lose_no_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker-0.counters");
        let counters = Counters::open(&path).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| counters.add(Counter::Decisions(Reason::Split), 1)));
            }
        });
        assert_eq!(count(&total([&path]).unwrap(), "edgewise_decisions_total", &[("reason", "SPLIT")]), 40_000);
    }
}
