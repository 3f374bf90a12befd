//! What a record or a request says of one thing, borrowed. Owns the view that features are made of.

use std::borrow::Cow;
use std::collections::VecDeque;

use jiff::SignedDuration;

use crate::instant::Instant;
use crate::signal::Reading;
use crate::value::Value;

/// One value, borrowed from where it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fact<'r> {
    /// Nothing is known.
    #[default]
    Missing,
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A text.
    Text(&'r str),
    /// An instant.
    Instant(Instant),
    /// A length of time.
    Length(SignedDuration),
    /// Several texts.
    Texts(Texts<'r>),
}

/// Several texts, in an order that matters where they come from a ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Texts<'r> {
    /// The values of a ring, in order of arrival.
    Ring(&'r VecDeque<Box<str>>),
    /// Any list.
    List(&'r [Cow<'r, str>]),
}

impl<'r> Texts<'r> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Self::Ring(texts) => texts.len(),
            Self::List(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The text at a place.
    pub fn get(self, place: usize) -> Option<&'r str> {
        match self {
            Self::Ring(texts) => texts.get(place).map(AsRef::as_ref),
            Self::List(texts) => texts.get(place).map(AsRef::as_ref),
        }
    }

    fn set(self) -> Value<'static> {
        let texts = (0..self.len()).filter_map(|place| self.get(place));
        let mut values: Vec<_> = texts.map(|text| Cow::Owned(text.to_owned())).collect();
        values.sort_unstable();
        values.dedup();
        Value::StringSet(values)
    }
}

impl<'r> Fact<'r> {
    /// What a reading says; every state but known is missing.
    pub fn of(reading: &'r Reading<'_>) -> Self {
        let Reading::Known(value) = reading else { return Self::Missing };
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(text) => Self::Text(text),
            Value::StringSet(texts) => Self::Texts(Texts::List(texts)),
            Value::Timestamp(instant) => Self::Instant(*instant),
            Value::Duration(length) => Self::Length(*length),
        }
    }

    /// The same as a reading; texts become a set.
    pub(super) fn reading(self) -> Reading<'static> {
        Reading::Known(match self {
            Self::Missing => return Reading::Missing,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::String(Cow::Owned(text.to_owned())),
            Self::Texts(texts) => texts.set(),
            Self::Instant(instant) => Value::Timestamp(instant),
            Self::Length(length) => Value::Duration(length),
        })
    }
}
