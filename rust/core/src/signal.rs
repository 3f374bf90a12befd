//! Signals: what a bundle declares and what one request knows of them. Owns names, slots and states; reads no values itself.

use std::fmt;

use crate::dictionary::Dictionary;
use crate::value::{Type, Value};

/// The slot of a signal in a [`SignalTable`] and in a row of [`Reading`]s.
pub type SignalId = u32;

/// What a condition has to know of a signal to be type-checked, and a value to be accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Dotted name, as `order.channel`.
    pub name: String,
    /// Declared type; `None` only in `eval`, where a signal given as `null` may take any type.
    pub kind: Option<Type>,
    /// Allowed values of an enum; empty for every other type.
    pub values: Vec<String>,
    /// Least allowed value of an int or float.
    pub min: Option<Value<'static>>,
    /// Greatest allowed value of an int or float.
    pub max: Option<Value<'static>>,
}

/// The signals of one bundle, by slot and by name.
#[derive(Clone, Debug, Default)]
pub struct SignalTable {
    signals: Vec<Signal>,
    /// Names in the order of the slots.
    names: Dictionary,
}

impl SignalTable {
    /// Adds a signal and returns its slot; a name declared twice keeps its first slot.
    pub fn push(&mut self, signal: Signal) -> SignalId {
        let slot = self.names.intern(&signal.name).unwrap_or(SignalId::MAX);
        if self.signals.len() == slot as usize {
            self.signals.push(signal);
        }
        slot
    }

    /// The slot of a name.
    pub fn slot(&self, name: &str) -> Option<SignalId> {
        self.names.find(name)
    }

    /// The signal in a slot.
    pub fn get(&self, slot: SignalId) -> Option<&Signal> {
        self.signals.get(slot as usize)
    }

    /// The name of a slot; empty for a slot that is not there.
    pub fn name(&self, slot: SignalId) -> &str {
        self.get(slot).map_or("", |signal| signal.name.as_str())
    }

    /// All signals in slot order.
    pub fn iter(&self) -> impl Iterator<Item = &Signal> {
        self.signals.iter()
    }

    /// How many signals there are.
    pub fn len(&self) -> usize {
        self.signals.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }
}

/// What one request knows of one signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Reading<'a> {
    /// A valid value, fresh enough, whose purposes are granted.
    Known(Value<'a>),
    /// Not given.
    #[default]
    Missing,
    /// Older than the signal's `max_age`.
    Stale,
    /// A purpose of the signal is refused; the value was never read.
    Denied,
    /// Of the wrong type, not finite, or outside min, max or values.
    Invalid,
}

impl Reading<'_> {
    /// The same reading, owning its text.
    pub fn into_owned(self) -> Reading<'static> {
        match self {
            Self::Known(value) => Reading::Known(value.into_owned()),
            Self::Missing => Reading::Missing,
            Self::Stale => Reading::Stale,
            Self::Denied => Reading::Denied,
            Self::Invalid => Reading::Invalid,
        }
    }

    /// The state without the value.
    pub const fn state(&self) -> State {
        match self {
            Self::Known(_) => State::Known,
            Self::Missing => State::Missing,
            Self::Stale => State::Stale,
            Self::Denied => State::Denied,
            Self::Invalid => State::Invalid,
        }
    }
}

/// The state of a signal, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// See [`Reading::Known`].
    Known,
    /// See [`Reading::Missing`].
    Missing,
    /// See [`Reading::Stale`].
    Stale,
    /// See [`Reading::Denied`].
    Denied,
    /// See [`Reading::Invalid`].
    Invalid,
}

impl State {
    /// The word used in answers: `known`, `missing`, `stale`, `denied` or `invalid`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
