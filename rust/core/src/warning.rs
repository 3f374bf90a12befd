//! What a request got wrong without being refused: said in the answer, counted by the node.

/// A kind of warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningCode {
    /// A field that nothing reads.
    UnknownField,
    /// A signal that the bundle does not declare.
    UnknownSignal,
    /// A value of the wrong type or outside its bounds.
    InvalidSignal,
    /// A signal that callers may not set.
    IgnoredSignal,
    /// A purpose that the bundle does not declare.
    UnknownPurpose,
    /// A consent string that is not yet understood.
    ConsentStringIgnored,
    /// A time zone that is not in the database.
    UnknownTimezone,
    /// An event that was not taken.
    EventRejected,
    /// State could not be read or written.
    StateUnavailable,
    /// There were more warnings than an answer lists.
    Truncated,
}

impl WarningCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::UnknownField,
        Self::UnknownSignal,
        Self::InvalidSignal,
        Self::IgnoredSignal,
        Self::UnknownPurpose,
        Self::ConsentStringIgnored,
        Self::UnknownTimezone,
        Self::EventRejected,
        Self::StateUnavailable,
        Self::Truncated,
    ];

    /// The word in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown_field",
            Self::UnknownSignal => "unknown_signal",
            Self::InvalidSignal => "invalid_signal",
            Self::IgnoredSignal => "ignored_signal",
            Self::UnknownPurpose => "unknown_purpose",
            Self::ConsentStringIgnored => "consent_string_ignored",
            Self::UnknownTimezone => "unknown_timezone",
            Self::EventRejected => "event_rejected",
            Self::StateUnavailable => "state_unavailable",
            Self::Truncated => "truncated",
        }
    }
}

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind.
    pub code: WarningCode,
    /// The field it is about, as `signals.order.channel`.
    pub field: String,
    /// A sentence for people.
    pub detail: String,
}

impl Warning {
    /// A warning about a field.
    pub fn new(code: WarningCode, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, field: field.into(), detail: detail.into() }
    }
}

/// Most warnings in one answer; more are counted and not listed.
pub const WARNINGS_MAX: usize = 100;

/// The warnings of one request.
#[derive(Debug, Default)]
pub struct Warnings {
    listed: Vec<Warning>,
    left_out: usize,
}

impl Warnings {
    /// Adds a warning, or only counts it once there are [`WARNINGS_MAX`].
    pub fn push(&mut self, warning: Warning) {
        if self.listed.len() < WARNINGS_MAX {
            self.listed.push(warning);
        } else {
            self.left_out += 1;
        }
    }

    /// Those that are listed.
    pub fn listed(&self) -> &[Warning] {
        &self.listed
    }

    /// How many are not.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}
