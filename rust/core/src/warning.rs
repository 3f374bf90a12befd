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
}

impl WarningCode {
    /// Every code.
    pub const ALL: [Self; 9] = [
        Self::UnknownField,
        Self::UnknownSignal,
        Self::InvalidSignal,
        Self::IgnoredSignal,
        Self::UnknownPurpose,
        Self::ConsentStringIgnored,
        Self::UnknownTimezone,
        Self::EventRejected,
        Self::StateUnavailable,
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
