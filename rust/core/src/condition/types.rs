//! Which operands may meet. Owns the type rules of relations and their messages; evaluates nothing.

use super::fault::Fault;
use super::leaf::Operand;
use super::nearest::nearest;
use super::syntax::Relation;
use crate::signal::{Signal, SignalId, SignalTable};
use crate::value::{Type, Value};

/// At most this many values of an enum are named in a hint.
const MAX_LISTED_VALUES: usize = 8;

/// Types whose values can be compared with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Bool,
    Number,
    Text,
    Set,
    Timestamp,
    Duration,
}

fn family(kind: Type) -> Family {
    match kind {
        Type::Bool => Family::Bool,
        Type::Int | Type::Float => Family::Number,
        Type::String | Type::Enum => Family::Text,
        Type::StringSet => Family::Set,
        Type::Timestamp => Family::Timestamp,
        Type::Duration => Family::Duration,
    }
}

pub(super) fn value_type(value: &Value<'_>) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::String(_) => Type::String,
        Value::StringSet(_) => Type::StringSet,
        Value::Timestamp(_) => Type::Timestamp,
        Value::Duration(_) => Type::Duration,
    }
}

/// `int`, with its article.
pub(super) fn a(kind: Type) -> String {
    let article = if matches!(kind, Type::Int | Type::Enum) { "an" } else { "a" };
    format!("{article} {kind}")
}

/// The types of one condition's operands.
#[derive(Clone, Copy)]
pub(super) struct Types<'t> {
    pub(super) table: &'t SignalTable,
}

impl Types<'_> {
    pub(super) fn signal(self, slot: SignalId) -> Option<Type> {
        self.table.get(slot).and_then(|signal| signal.kind)
    }

    /// `None` where any type will do.
    pub(super) fn operand(self, operand: &Operand) -> Option<Type> {
        match operand {
            Operand::Signal(slot) => self.signal(*slot),
            Operand::Size(_) => Some(Type::Int),
            Operand::Literal(value) => Some(value_type(value)),
        }
    }

    /// An operand in words, as "`age` is an int".
    fn describe(self, operand: &Operand) -> String {
        let kind = self.operand(operand).map_or_else(|| "not typed".to_owned(), a);
        match operand {
            Operand::Signal(slot) => format!("`{}` is {kind}", self.table.name(*slot)),
            Operand::Size(slot) => format!("`size({})` is {kind}", self.table.name(*slot)),
            Operand::Literal(_) => format!("the literal is {kind}"),
        }
    }

    /// Whether the two may be compared at all, and in this relation.
    pub(super) fn check(self, at: usize, left: &Operand, relation: Relation, right: &Operand) -> Result<(), Fault> {
        let kinds = (self.operand(left), self.operand(right));
        for operand in [left, right] {
            self.check_relation(at, operand, relation)?;
        }
        let (Some(left_kind), Some(right_kind)) = kinds else { return Ok(()) };
        if family(left_kind) == family(right_kind) {
            return Ok(());
        }
        let message = match (left, right) {
            (Operand::Literal(_), Operand::Literal(_)) => {
                format!("types do not match: {} and {}", a(left_kind), a(right_kind))
            }
            _ => format!("types do not match: {}, {}", self.describe(left), self.describe(right)),
        };
        Err(Fault::new(at, message).maybe_hint(how_to_write(left, left_kind, right, right_kind)))
    }

    /// Whether values of this operand's type can stand in the relation.
    pub(super) fn check_relation(self, at: usize, operand: &Operand, relation: Relation) -> Result<(), Fault> {
        let ordering = !matches!(relation, Relation::Equal | Relation::NotEqual | Relation::In);
        let signal = operand.signal().is_some();
        match self.operand(operand) {
            Some(Type::StringSet) => {
                let fault =
                    Fault::new(at, format!("{}, which `{}` cannot compare", self.describe(operand), relation.sign()));
                Err(fault.hint("write `\"item\" in set` or `size(set)`"))
            }
            Some(kind @ (Type::Bool | Type::Enum)) if ordering && signal => {
                let fault = Fault::new(at, format!("{}, and {kind}s have no order", self.describe(operand)));
                Err(fault.hint("use `==`, `!=` or `in`"))
            }
            _ => Ok(()),
        }
    }

    /// An enum can only be compared with one of its values.
    pub(super) fn check_enum(self, at: usize, operand: &Operand, value: &Value<'_>) -> Result<(), Fault> {
        let (Operand::Signal(slot), Value::String(text)) = (operand, value) else { return Ok(()) };
        match self.table.get(*slot) {
            Some(signal @ Signal { kind: Some(Type::Enum), .. })
                if !signal.values.iter().any(|value| value == text) =>
            {
                let message = format!("`{}` is not a value of `{}`", text.escape_debug(), signal.name);
                Err(Fault::new(at, message).hint(enum_hint(text, &signal.values)))
            }
            _ => Ok(()),
        }
    }
}

fn enum_hint(text: &str, values: &[String]) -> String {
    if let Some(value) = nearest(text, values.iter().map(String::as_str)) {
        return format!("did you mean `{value}`?");
    }
    let listed: Vec<String> = values.iter().take(MAX_LISTED_VALUES).map(|value| format!("`{value}`")).collect();
    let more = if values.len() > MAX_LISTED_VALUES { ", ..." } else { "" };
    format!("its values are {}{more}", listed.join(", "))
}

/// How to write a literal that stands against a signal of another type.
fn how_to_write(left: &Operand, left_kind: Type, right: &Operand, right_kind: Type) -> Option<String> {
    let (value, wanted) = match (left, right) {
        (Operand::Literal(_), Operand::Literal(_)) => return None,
        (Operand::Literal(value), _) => (value, right_kind),
        (_, Operand::Literal(value)) => (value, left_kind),
        _ => return None,
    };
    match (wanted, value) {
        (Type::Timestamp, _) => Some("write `timestamp(\"2026-11-21T00:00:00Z\")`".to_owned()),
        (Type::Duration, _) => Some("write `duration(\"14h\")`".to_owned()),
        (Type::Int | Type::Float, Value::String(_)) => Some("write the number without quotes".to_owned()),
        (Type::String, Value::Duration(_) | Value::Timestamp(_)) => {
            Some(format!("declare the signal as {}", a(value_type(value))))
        }
        (Type::String | Type::Enum, _) => Some("write the text in quotes".to_owned()),
        (Type::Bool, Value::String(_)) => Some("write `true` or `false` without quotes".to_owned()),
        _ => None,
    }
}
