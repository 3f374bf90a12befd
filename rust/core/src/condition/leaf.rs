//! Leaves: the smallest questions a condition asks of a row of readings. Owns their evaluation; `canonical` writes their text.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compare::compare;
use super::pattern::Pattern;
use super::syntax::Relation;
use super::truth::Truth;
use crate::signal::{Reading, SignalId, State};
use crate::value::Value;

/// One question. Two leaves of one signal table are the same if their text is.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(super) test: Test,
    text: Box<str>,
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Constant(bool),
    /// A bool signal.
    Flag(SignalId),
    Has(SignalId),
    /// Any relation but `in`.
    Compare(Operand, Relation, Operand),
    /// In a literal list, which is sorted and has no duplicates.
    OneOf(Operand, Vec<Value<'static>>),
    /// In a set signal.
    Member(Operand, SignalId),
    Method(Method, Operand, Operand),
    Matches(SignalId, Pattern),
}

/// What a leaf asks about.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Signal(SignalId),
    Size(SignalId),
    Literal(Value<'static>),
}

/// The methods that take two strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    StartsWith,
    EndsWith,
    Contains,
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        }
    }

    pub(super) fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

impl Operand {
    pub(super) fn signal(&self) -> Option<SignalId> {
        match self {
            Self::Signal(signal) | Self::Size(signal) => Some(*signal),
            Self::Literal(_) => None,
        }
    }

    fn value<'v>(&'v self, readings: &'v [Reading<'v>]) -> Option<Cow<'v, Value<'v>>> {
        match self {
            Self::Signal(signal) => known(readings, *signal).map(Cow::Borrowed),
            Self::Size(signal) => size(known(readings, *signal)?).map(|size| Cow::Owned(Value::Int(size))),
            Self::Literal(value) => Some(Cow::Borrowed(value)),
        }
    }
}

impl Leaf {
    /// From a test and its canonical text.
    pub(super) fn new(test: Test, canonical: &str) -> Self {
        Self { test, text: canonical.into() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The canonical text of this leaf negated. Only `in` binds looser than `!`.
    pub(super) fn negated_text(&self) -> String {
        match self.test {
            Test::OneOf(..) | Test::Member(..) => format!("!({})", self.text),
            _ => format!("!{}", self.text),
        }
    }

    /// The signals it reads, in the order of the text; a signal may be there twice.
    pub(crate) fn signals(&self) -> impl Iterator<Item = SignalId> {
        let (first, second) = match &self.test {
            Test::Constant(_) => (None, None),
            Test::Flag(signal) | Test::Has(signal) | Test::Matches(signal, _) => (Some(*signal), None),
            Test::Compare(left, _, right) | Test::Method(_, left, right) => (left.signal(), right.signal()),
            Test::OneOf(operand, _) => (operand.signal(), None),
            Test::Member(item, set) => (item.signal(), Some(*set)),
        };
        first.into_iter().chain(second)
    }

    /// The signal whose presence it asks for.
    pub(super) const fn presence(&self) -> Option<SignalId> {
        match self.test {
            Test::Has(signal) => Some(signal),
            _ => None,
        }
    }

    /// The signals that keep it unknown.
    pub(crate) fn unknown_signals<'s>(&'s self, readings: &'s [Reading<'_>]) -> impl Iterator<Item = SignalId> + 's {
        self.signals().filter(|signal| state(readings, *signal) != State::Known)
    }

    pub(crate) fn truth(&self, readings: &[Reading<'_>]) -> Truth {
        match &self.test {
            Test::Constant(value) => (*value).into(),
            Test::Has(signal) => match state(readings, *signal) {
                State::Known => Truth::True,
                State::Denied => Truth::Unknown,
                State::Missing | State::Stale | State::Invalid => Truth::False,
            },
            test => test.holds(readings).map_or(Truth::Unknown, Truth::from),
        }
    }
}

impl Test {
    /// Whether it holds; `None` where a signal it reads is not known.
    fn holds(&self, readings: &[Reading<'_>]) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Has(_) => None,
            Self::Flag(signal) => match known(readings, *signal)? {
                Value::Bool(value) => Some(*value),
                _ => None,
            },
            Self::Compare(left, relation, right) => {
                let ordering = compare(left.value(readings)?.as_ref(), right.value(readings)?.as_ref())?;
                Some(relation.holds(ordering))
            }
            Self::OneOf(operand, list) => Some(is_one_of(operand.value(readings)?.as_ref(), list)),
            Self::Member(item, set) => is_member(item.value(readings)?.as_ref(), known(readings, *set)?),
            Self::Method(method, text, part) => match (&*text.value(readings)?, &*part.value(readings)?) {
                (Value::String(text), Value::String(part)) => Some(method.holds(text, part)),
                _ => None,
            },
            Self::Matches(signal, pattern) => match known(readings, *signal)? {
                Value::String(text) => Some(pattern.occurs_in(text)),
                _ => None,
            },
        }
    }
}

fn known<'r>(readings: &'r [Reading<'r>], signal: SignalId) -> Option<&'r Value<'r>> {
    match readings.get(signal as usize) {
        Some(Reading::Known(value)) => Some(value),
        _ => None,
    }
}

fn state(readings: &[Reading<'_>], signal: SignalId) -> State {
    readings.get(signal as usize).map_or(State::Missing, Reading::state)
}

/// Code points of a string, items of a set.
pub(crate) fn size(value: &Value<'_>) -> Option<i64> {
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::StringSet(items) => items.len(),
        _ => return None,
    };
    i64::try_from(size).ok()
}

/// Searches a list that [`sort_list`] made.
pub(super) fn is_one_of(value: &Value<'_>, list: &[Value<'static>]) -> bool {
    list.binary_search_by(|item| compare(item, value).unwrap_or(Ordering::Less)).is_ok()
}

/// Sorts a list whose items have a common order and drops duplicates.
pub(super) fn sort_list(list: &mut Vec<Value<'static>>) {
    list.sort_by(|left, right| compare(left, right).unwrap_or(Ordering::Equal));
    list.dedup_by(|left, right| compare(left, right) == Some(Ordering::Equal));
}

fn is_member(item: &Value<'_>, set: &Value<'_>) -> Option<bool> {
    match (item, set) {
        (Value::String(item), Value::StringSet(items)) => Some(items.binary_search(item).is_ok()),
        _ => None,
    }
}
