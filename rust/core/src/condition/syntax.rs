//! The syntax tree of a condition, as written: names are not resolved, types not checked.

use std::cmp::Ordering;

use crate::value::Value;

/// A piece of syntax and the byte offset that an error about it should name.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) kind: ExprKind,
}

#[derive(Debug)]
pub(super) enum ExprKind {
    Literal(Value<'static>),
    List(Vec<Expr>),
    Name(String),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Relation(Relation, Box<Expr>, Box<Expr>),
    Call(Box<Call>),
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: String,
    /// What stands before the dot, as in `name.startsWith("a")`.
    pub(super) target: Option<Expr>,
    pub(super) arguments: Vec<Expr>,
}

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
}

impl Relation {
    /// The relation of a sign.
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            "in" => Self::In,
            _ => return None,
        })
    }

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
        }
    }

    /// Whether operands in this order stand in the relation; `in` is not about order.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal | Self::In => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// The relation that holds when this one does not.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
            Self::In => Self::In,
        }
    }

    /// The relation with its operands exchanged.
    pub(super) const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::AtMost => Self::AtLeast,
            Self::Greater => Self::Less,
            Self::AtLeast => Self::AtMost,
            Self::Equal | Self::NotEqual | Self::In => self,
        }
    }
}
