//! Strong Kleene logic over a tree of leaves. Owns `Truth` and the walks; what a leaf says comes from its caller.

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

/// The number of a leaf among the leaves of its condition.
pub(crate) type LeafId = u32;

/// A condition with negation only at its leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A leaf, negated or not.
    Leaf { leaf: LeafId, negated: bool },
    /// True if all are.
    And(Vec<Node>),
    /// True if one is.
    Or(Vec<Node>),
}

impl Node {
    /// The truth of the tree, asking `leaf` for that of each leaf it has to look at.
    pub(crate) fn truth(&self, leaf: &impl Fn(LeafId) -> Truth) -> Truth {
        match self {
            Self::Leaf { leaf: id, negated } => {
                let truth = leaf(*id);
                if *negated { !truth } else { truth }
            }
            Self::And(nodes) => decided(nodes, Truth::False, leaf),
            Self::Or(nodes) => decided(nodes, Truth::True, leaf),
        }
    }

    /// Visits the leaves that keep an unknown tree unknown.
    pub(crate) fn visit_blocking(&self, leaf: &impl Fn(LeafId) -> Truth, visit: &mut impl FnMut(LeafId)) {
        match self {
            Self::Leaf { leaf: id, .. } => visit(*id),
            Self::And(nodes) | Self::Or(nodes) => {
                for node in nodes.iter().filter(|node| node.truth(leaf) == Truth::Unknown) {
                    node.visit_blocking(leaf, visit);
                }
            }
        }
    }

    /// Visits the leaves that made a true tree true: all operands of an and, the first true one of an or.
    pub(crate) fn visit_support(&self, leaf: &impl Fn(LeafId) -> Truth, visit: &mut impl FnMut(LeafId)) {
        match self {
            Self::Leaf { leaf: id, .. } => visit(*id),
            Self::And(nodes) => nodes.iter().for_each(|node| node.visit_support(leaf, visit)),
            Self::Or(nodes) => {
                if let Some(node) = nodes.iter().find(|node| node.truth(leaf) == Truth::True) {
                    node.visit_support(leaf, visit);
                }
            }
        }
    }
}

/// One operand of the `deciding` kind decides; else one unknown leaves all unknown.
fn decided(nodes: &[Node], deciding: Truth, leaf: &impl Fn(LeafId) -> Truth) -> Truth {
    let mut truth = !deciding;
    for node in nodes {
        match node.truth(leaf) {
            found if found == deciding => return deciding,
            Truth::Unknown => truth = Truth::Unknown,
            _ => {}
        }
    }
    truth
}
