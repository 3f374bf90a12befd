//! The canonical text of a question: compiling it again gives the same question. Owns how literals are written.

use std::fmt::{self, Display, Formatter};

use super::escape::Quoted;
use super::leaf::{Operand, Test};
use crate::signal::SignalTable;
use crate::temporal::duration_text;
use crate::value::Value;

/// A test with the names of its signals.
pub(super) struct Canonical<'t> {
    pub(super) test: &'t Test,
    pub(super) table: &'t SignalTable,
}

impl Display for Canonical<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = |signal: u32| self.table.name(signal);
        let of = |operand| Named { operand, table: self.table };
        match self.test {
            Test::Constant(value) => write!(f, "{value}"),
            Test::Flag(signal) => f.write_str(name(*signal)),
            Test::Has(signal) => write!(f, "has({})", name(*signal)),
            Test::Compare(left, relation, right) => write!(f, "{} {} {}", of(left), relation.sign(), of(right)),
            Test::OneOf(operand, list) => {
                write!(f, "{} in ", of(operand))?;
                listed(f, list.iter().map(Literal))
            }
            Test::Member(item, set) => write!(f, "{} in {}", of(item), name(*set)),
            Test::Method(method, text, part) => write!(f, "{}.{}({})", of(text), method.name(), of(part)),
            Test::Matches(signal, pattern) => write!(f, "{}.matches({})", name(*signal), Quoted(&pattern.text)),
        }
    }
}

/// An operand with the name of its signal.
struct Named<'t> {
    operand: &'t Operand,
    table: &'t SignalTable,
}

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.operand {
            Operand::Signal(signal) => f.write_str(self.table.name(*signal)),
            Operand::Size(signal) => write!(f, "size({})", self.table.name(*signal)),
            Operand::Literal(value) => Literal(value).fmt(f),
        }
    }
}

/// A literal that reads back as the same value. Zero has no sign: both zeros are one number.
struct Literal<'v>(&'v Value<'v>);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{:?}", value + 0.0),
            Value::String(text) => Quoted(text).fmt(f),
            Value::StringSet(items) => listed(f, items.iter().map(|item| Quoted(item))),
            Value::Timestamp(value) => write!(f, "timestamp({})", Quoted(&value.to_string())),
            Value::Duration(value) => write!(f, "duration({})", Quoted(&duration_text(*value))),
        }
    }
}

fn listed(f: &mut Formatter<'_>, items: impl Iterator<Item = impl Display>) -> fmt::Result {
    f.write_str("[")?;
    for (place, item) in items.enumerate() {
        f.write_str(if place > 0 { ", " } else { "" })?;
        item.fmt(f)?;
    }
    f.write_str("]")
}
