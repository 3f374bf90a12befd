//! What a leaf asks, for those who answer many leaves at once: which signal, and which of its values make it hold.

use super::leaf::{Leaf, Method, Operand, Test};
use super::syntax::Relation;
use crate::signal::SignalId;
use crate::value::Value;

/// What is compared with constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// The value of a signal.
    Value(SignalId),
    /// Its size.
    Size(SignalId),
    /// Each item of a set.
    Items(SignalId),
    /// Each prefix of a text.
    Prefixes(SignalId),
    /// Each suffix of a text.
    Suffixes(SignalId),
    /// Whether there is a value.
    Presence(SignalId),
}

/// How the subject has to stand to the constants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question<'l> {
    /// Always the same.
    Constant(bool),
    /// It equals this one.
    Equal(Subject, &'l Value<'static>),
    /// It equals one of these, which are sorted and differ.
    OneOf(Subject, &'l [Value<'static>]),
    /// It lies above this one, or equals it.
    Above(Subject, &'l Value<'static>, bool),
    /// It lies below this one, or equals it.
    Below(Subject, &'l Value<'static>, bool),
    /// None of these: it has to be asked by itself.
    Other,
}

const TRUE: &Value<'static> = &Value::Bool(true);

impl Leaf {
    /// What it asks, or the opposite of that; and whether the answer has to be turned round.
    pub(crate) fn question(&self) -> (Question<'_>, bool) {
        match &self.test {
            Test::Constant(value) => (Question::Constant(*value), false),
            Test::Flag(signal) => (Question::Equal(Subject::Value(*signal), TRUE), false),
            Test::Has(signal) => (Question::Equal(Subject::Presence(*signal), TRUE), false),
            Test::Compare(left, relation, Operand::Literal(value)) => compared(left, *relation, value),
            Test::OneOf(operand, list) => {
                (subject(operand).map_or(Question::Other, |of| Question::OneOf(of, list)), false)
            }
            Test::Member(Operand::Literal(item), set) => (Question::Equal(Subject::Items(*set), item), false),
            Test::Method(Method::StartsWith, Operand::Signal(text), Operand::Literal(part)) => {
                (Question::Equal(Subject::Prefixes(*text), part), false)
            }
            Test::Method(Method::EndsWith, Operand::Signal(text), Operand::Literal(part)) => {
                (Question::Equal(Subject::Suffixes(*text), part), false)
            }
            Test::Compare(..) | Test::Member(..) | Test::Method(..) | Test::Matches(..) => (Question::Other, false),
        }
    }
}

/// Texts are looked up, not sorted: their order has to be asked.
fn compared<'l>(left: &Operand, relation: Relation, value: &'l Value<'static>) -> (Question<'l>, bool) {
    let Some(of) = subject(left) else { return (Question::Other, false) };
    match (relation, value) {
        (Relation::Equal, _) => (Question::Equal(of, value), false),
        (Relation::NotEqual, _) => (Question::Equal(of, value), true),
        (_, Value::String(_)) | (Relation::In, _) => (Question::Other, false),
        (Relation::Greater, _) => (Question::Above(of, value, false), false),
        (Relation::AtLeast, _) => (Question::Above(of, value, true), false),
        (Relation::Less, _) => (Question::Below(of, value, false), false),
        (Relation::AtMost, _) => (Question::Below(of, value, true), false),
    }
}

fn subject(operand: &Operand) -> Option<Subject> {
    match operand {
        Operand::Signal(signal) => Some(Subject::Value(*signal)),
        Operand::Size(signal) => Some(Subject::Size(*signal)),
        Operand::Literal(_) => None,
    }
}
