//! Strong Kleene logic: the three values, and the tree that the checker makes before it is written as a program.

use std::ops::Not;

/// What a condition or a part of it is, given what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds, whatever the unknown signals are.
    True,
    /// It does not hold, whatever the unknown signals are.
    False,
    /// It depends on signals that are not known.
    Unknown,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// The number of a leaf among the leaves of its condition, or of its index.
pub(crate) type LeafId = u32;

/// A condition with negation only at its leaves.
#[derive(Debug)]
pub(super) enum Node {
    /// A leaf, negated or not.
    Leaf { leaf: LeafId, negated: bool },
    /// True if all are.
    And(Vec<Node>),
    /// True if one is.
    Or(Vec<Node>),
}
