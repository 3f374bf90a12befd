//! Kinds of aggregates: their words, and what each may look at. Owns no arithmetic.

use std::fmt;

use crate::value::Type;

/// How events become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// How many events, or how many whose property has one value.
    Count,
    /// The sum of a property.
    Sum,
    /// The property of the latest event, or its time.
    Last,
    /// The property of the earliest event, or its time.
    First,
    /// The greatest value of a property.
    Max,
    /// The least value of a property.
    Min,
    /// Time passed since the latest event.
    Since,
    /// How many different values of a property.
    Distinct,
    /// A sum that halves with each half-life.
    Decay,
    /// The property of the last events in order of arrival, read as a set.
    Ring,
    /// How many events in a row, up to the last, had the same value of a property.
    Run,
    /// How often a property changed from one event to the next.
    Switches,
    /// How many events had a value of a property that one of the last few before had.
    Repeats,
    /// Time from each event to the next of any name, capped.
    Dwell,
    /// A moving average of a property, by events and not by time.
    Ewma,
}

impl AggregateKind {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 15] = [
        Self::Count,
        Self::Sum,
        Self::Last,
        Self::First,
        Self::Max,
        Self::Min,
        Self::Since,
        Self::Distinct,
        Self::Decay,
        Self::Ring,
        Self::Run,
        Self::Switches,
        Self::Repeats,
        Self::Dwell,
        Self::Ewma,
    ];

    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Last => "last",
            Self::First => "first",
            Self::Max => "max",
            Self::Min => "min",
            Self::Since => "since",
            Self::Distinct => "distinct",
            Self::Decay => "decay",
            Self::Ring => "ring",
            Self::Run => "run",
            Self::Switches => "switches",
            Self::Repeats => "repeats",
            Self::Dwell => "dwell",
            Self::Ewma => "ewma",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The types a signal of this kind may have.
    pub const fn types(self) -> &'static [Type] {
        match self {
            Self::Count | Self::Distinct | Self::Run | Self::Switches | Self::Repeats => &[Type::Int],
            Self::Sum => &[Type::Int, Type::Float],
            Self::Max | Self::Min => &[Type::Int, Type::Float, Type::Timestamp],
            Self::Since | Self::Dwell => &[Type::Duration],
            Self::Decay | Self::Ewma => &[Type::Float],
            Self::Ring => &[Type::StringSet],
            Self::Last | Self::First => {
                &[Type::Bool, Type::Int, Type::Float, Type::String, Type::Enum, Type::Timestamp, Type::Duration]
            }
        }
    }

    /// Whether it makes no sense without a property.
    pub(super) const fn needs_property(self) -> bool {
        !matches!(self, Self::Count | Self::Last | Self::First | Self::Since | Self::Decay | Self::Dwell)
    }

    /// Whether, of any event, its name can stand for a property.
    pub(super) const fn takes_names(self) -> bool {
        matches!(self, Self::Distinct | Self::Ring | Self::Run | Self::Switches | Self::Repeats)
    }

    /// Whether it looks at whole events, or at those alone whose property equals a value.
    pub(super) const fn takes_equals(self) -> bool {
        matches!(self, Self::Count | Self::Dwell)
    }

    /// Whether it may look at a property for its own sake.
    pub(super) const fn takes_property(self) -> bool {
        !matches!(self, Self::Count | Self::Since | Self::Dwell)
    }

    /// Whether it remembers a declared number of events.
    pub(super) const fn takes_size(self) -> bool {
        matches!(self, Self::Ring | Self::Repeats | Self::Ewma)
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
