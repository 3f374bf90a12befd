//! Conditions: text of the closed, typed subset of CEL, compiled once and asked often. Reads no clock and no request.
//!
//! `lex` and `escape` make tokens, `parse` a `syntax` tree, `check` (with `call` and `types`) a typed tree whose negations
//! are at the leaves; `truth` and `leaf` evaluate it. Everything but Known is Unknown; only True matches.

mod call;
mod check;
mod compare;
mod escape;
mod fault;
mod leaf;
mod lex;
mod names;
mod nearest;
mod parse;
mod pattern;
mod policy;
mod syntax;
mod truth;
mod types;

use std::fmt;

pub use compare::compare;
pub use fault::{ConditionError, FaultKind};
pub use names::{MAX_NAME_BYTES, NameError, check_names};
pub use nearest::nearest;
pub use parse::{MAX_DEPTH, MAX_TEXT_BYTES};
pub use policy::{Constant, Policy};
pub use truth::Truth;

pub(crate) use leaf::Leaf;
pub(crate) use truth::LeafId;
use truth::Node;

use crate::signal::{Reading, SignalId, SignalTable};

/// A compiled condition. It holds slots of the signal table it was compiled against.
#[derive(Clone, Debug)]
pub struct Condition {
    tree: Node,
    leaves: Vec<Leaf>,
    signals: Vec<SignalId>,
    constants: Vec<String>,
    text: String,
}

impl Condition {
    /// Compiles `text` against the signals and constants it may name.
    pub fn compile(text: &str, table: &SignalTable, policy: &Policy) -> Result<Self, ConditionError> {
        let syntax = parse::parse(text).map_err(|fault| fault.locate(text, FaultKind::Syntax))?;
        let mut checker = check::Checker::new(table, policy);
        let tree = checker.node(&syntax, false).map_err(|fault| fault.locate(text, FaultKind::Type))?;
        let check::Checked { leaves, signals, constants } = checker.checked;
        let mut condition = Self { tree, leaves, signals, constants, text: String::new() };
        condition.text = condition.node_text(&condition.tree);
        Ok(condition)
    }

    /// The signals it reads, in order of first occurrence.
    pub fn signals(&self) -> &[SignalId] {
        &self.signals
    }

    /// The constants it was compiled with, by name below `policy.`, in order of first occurrence. The canonical text
    /// holds their values instead.
    pub fn constants(&self) -> &[String] {
        &self.constants
    }

    /// Its truth over one row of readings, by slot; a slot beyond the row is missing.
    pub fn truth(&self, readings: &[Reading<'_>]) -> Truth {
        self.tree.truth(&self.leaf_truth(readings))
    }

    /// The signals that keep it unknown, in order of first occurrence; empty unless it is unknown.
    pub fn blocking(&self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        if self.truth(readings) != Truth::Unknown {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.tree.visit_blocking(&self.leaf_truth(readings), &mut |leaf| {
            found.extend(self.leaf(leaf).into_iter().flat_map(|leaf| leaf.unknown_signals(readings)));
        });
        self.in_order(&found)
    }

    /// The signals that made it true, in order of first occurrence: those of all operands of an and, of the first true
    /// operand of an or. Empty unless it is true.
    pub fn support(&self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        if self.truth(readings) != Truth::True {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.tree.visit_support(&self.leaf_truth(readings), &mut |leaf| {
            found.extend(self.leaf(leaf).into_iter().flat_map(Leaf::signals));
        });
        self.in_order(&found)
    }

    /// Its truth, asking `leaf` for that of each leaf, by the leaf's number in [`Self::leaves`].
    pub(crate) fn truth_by(&self, leaf: &impl Fn(LeafId) -> Truth) -> Truth {
        self.tree.truth(leaf)
    }

    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    fn leaf(&self, leaf: LeafId) -> Option<&Leaf> {
        self.leaves.get(leaf as usize)
    }

    fn leaf_truth<'r>(&'r self, readings: &'r [Reading<'_>]) -> impl Fn(LeafId) -> Truth + 'r {
        |leaf| self.leaf(leaf).map_or(Truth::Unknown, |leaf| leaf.truth(readings))
    }

    fn in_order(&self, found: &[SignalId]) -> Vec<SignalId> {
        self.signals.iter().copied().filter(|signal| found.contains(signal)).collect()
    }

    fn node_text(&self, node: &Node) -> String {
        match node {
            Node::Leaf { leaf, negated } => self.leaf(*leaf).map_or_else(String::new, |leaf| match negated {
                true => leaf.negated_text(),
                false => leaf.text().to_owned(),
            }),
            Node::And(nodes) => {
                let operands = nodes.iter().map(|node| match node {
                    Node::Or(_) => format!("({})", self.node_text(node)),
                    _ => self.node_text(node),
                });
                operands.collect::<Vec<_>>().join(" && ")
            }
            Node::Or(nodes) => nodes.iter().map(|node| self.node_text(node)).collect::<Vec<_>>().join(" || "),
        }
    }
}

/// The canonical text: compiling it again gives an equal condition.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
