//! The series that are counted: their labels, and where each lies in the file. Fixed at compile time.

use edgewise_core::decide::Reason;
use edgewise_core::warning::WarningCode;

/// A route of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /v1/decide`.
    Decide,
    /// `POST /v1/decide/batch`.
    DecideBatch,
    /// `POST /v1/events`.
    Events,
    /// `GET /v1/defaults`.
    Defaults,
    /// `DELETE /v1/state/...`.
    State,
    /// Any other.
    Other,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 6] =
        [Self::Decide, Self::DecideBatch, Self::Events, Self::Defaults, Self::State, Self::Other];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::DecideBatch => "decide_batch",
            Self::Events => "events",
            Self::Defaults => "defaults",
            Self::State => "state",
            Self::Other => "other",
        }
    }

    /// The route of that label.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }
}

/// A route whose requests are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimedRoute {
    /// `POST /v1/decide`.
    Decide,
    /// `POST /v1/decide/batch`.
    DecideBatch,
    /// `POST /v1/events`.
    Events,
}

impl TimedRoute {
    /// Every timed route.
    pub const ALL: [Self; 3] = [Self::Decide, Self::DecideBatch, Self::Events];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::DecideBatch => "decide_batch",
            Self::Events => "events",
        }
    }

    /// The timed route of that label.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }
}

/// The class of an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    /// Below 400.
    Success,
    /// 400 to 499.
    ClientError,
    /// 500 and above.
    ServerError,
}

impl StatusClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Success, Self::ClientError, Self::ServerError];

    /// The class of a status; `304 Not Modified` is a success too.
    pub const fn of(status: u16) -> Self {
        match status {
            ..400 => Self::Success,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventResult {
    /// It was new and valid.
    Accepted,
    /// It was malformed.
    Rejected,
    /// It had been sent before.
    Duplicate,
}

impl EventResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Rejected, Self::Duplicate];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What was tried with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateOperation {
    /// To read it.
    Read,
    /// To write it.
    Commit,
    /// To decode it.
    Decode,
}

impl StateOperation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::Read, Self::Commit, Self::Decode];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Commit => "commit",
            Self::Decode => "decode",
        }
    }
}

/// Why a request was answered without being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShedCause {
    /// The worker had no processor time left.
    Gate,
    /// The request was too old when its turn came.
    Age,
    /// Too much was waiting for the threads beside the event loop.
    Queue,
}

impl ShedCause {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::Gate, Self::Age, Self::Queue];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Age => "age",
            Self::Queue => "queue",
        }
    }

    /// The cause of that label.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// One counted series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Requests answered.
    Requests(Route, StatusClass),
    /// Decisions made.
    Decisions(Reason),
    /// Warnings given.
    Warnings(WarningCode),
    /// Events taken in.
    Events(EventResult),
    /// State that could not be used.
    StateFailures(StateOperation),
    /// Requests answered without being worked on.
    Shed(TimedRoute, ShedCause),
}

/// Upper bounds of the duration buckets in seconds; one more takes what is longer.
pub const DURATION_BOUNDS_S: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The same bounds as they are compared.
const DURATION_BOUNDS_US: [u64; 15] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// Numbers of one histogram: the buckets, then the sum in microseconds.
pub(super) const DURATION_NUMBERS: usize = DURATION_BOUNDS_S.len() + 2;

pub(super) const REQUESTS_AT: usize = 0;
pub(super) const DURATIONS_AT: usize = REQUESTS_AT + Route::ALL.len() * StatusClass::ALL.len();
pub(super) const DECISIONS_AT: usize = DURATIONS_AT + TimedRoute::ALL.len() * DURATION_NUMBERS;
pub(super) const WARNINGS_AT: usize = DECISIONS_AT + Reason::ALL.len();
pub(super) const EVENTS_AT: usize = WARNINGS_AT + WarningCode::ALL.len();
pub(super) const STATE_FAILURES_AT: usize = EVENTS_AT + EventResult::ALL.len();
pub(super) const SHED_AT: usize = STATE_FAILURES_AT + StateOperation::ALL.len();

/// The first number of the pauses of Python's garbage collector.
pub(super) const PAUSES_AT: usize = SHED_AT + TimedRoute::ALL.len() * ShedCause::ALL.len();

/// How many numbers a file holds.
pub(super) const NUMBERS: usize = PAUSES_AT + DURATION_NUMBERS;

impl Counter {
    /// Its number in the file.
    pub(super) const fn number(self) -> usize {
        match self {
            Self::Requests(route, class) => REQUESTS_AT + route as usize * StatusClass::ALL.len() + class as usize,
            Self::Decisions(reason) => DECISIONS_AT + reason as usize,
            Self::Warnings(code) => WARNINGS_AT + code as usize,
            Self::Events(result) => EVENTS_AT + result as usize,
            Self::StateFailures(operation) => STATE_FAILURES_AT + operation as usize,
            Self::Shed(route, cause) => SHED_AT + route as usize * ShedCause::ALL.len() + cause as usize,
        }
    }
}

/// The first number of a timed route.
pub(super) const fn durations_of(route: TimedRoute) -> usize {
    DURATIONS_AT + route as usize * DURATION_NUMBERS
}

/// The bucket of a duration.
pub(super) fn bucket_of(duration_us: u64) -> usize {
    DURATION_BOUNDS_US.iter().take_while(|bound| **bound < duration_us).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn every_counter() -> impl Iterator<Item = Counter> {
        let requests =
            Route::ALL.into_iter().flat_map(|route| StatusClass::ALL.map(|class| Counter::Requests(route, class)));
        requests
            .chain(Reason::ALL.map(Counter::Decisions))
            .chain(WarningCode::ALL.map(Counter::Warnings))
            .chain(EventResult::ALL.map(Counter::Events))
            .chain(StateOperation::ALL.map(Counter::StateFailures))
            .chain(
                TimedRoute::ALL.into_iter().flat_map(|route| ShedCause::ALL.map(|cause| Counter::Shed(route, cause))),
            )
    }

    #[test]
    fn every_series_has_a_number_of_its_own() {
        let histograms = TimedRoute::ALL.map(durations_of).into_iter().chain([PAUSES_AT]);
        let durations = histograms.flat_map(|first| (0..DURATION_NUMBERS).map(move |at| first + at));
        let numbers: Vec<_> = every_counter().map(Counter::number).chain(durations).collect();
        let distinct: BTreeSet<_> = numbers.iter().copied().collect();
        assert_eq!(numbers.len(), NUMBERS);
        assert_eq!(distinct, (0..NUMBERS).collect());
    }

    #[test]
    fn bounds_agree_in_both_units() {
        for (seconds, microseconds) in DURATION_BOUNDS_S.into_iter().zip(DURATION_BOUNDS_US) {
            assert!((seconds * 1e6 - f64::from(u32::try_from(microseconds).unwrap())).abs() < 1e-6);
        }
        assert_eq!([bucket_of(0), bucket_of(250), bucket_of(251), bucket_of(u64::MAX)], [0, 0, 1, 15]);
    }

    #[test]
    fn statuses_fall_into_three_classes() {
        assert_eq!(
            [200, 304, 400, 429, 500, 503].map(|status| StatusClass::of(status).name()),
            ["2xx", "2xx", "4xx", "4xx", "5xx", "5xx"]
        );
    }
}
