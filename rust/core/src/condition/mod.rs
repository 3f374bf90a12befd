//! Conditions: text of the closed, typed subset of CEL, compiled once and asked often. Reads no clock and no request.
//!
//! `lex` and `escape` make tokens, `parse` a `syntax` tree, `check` (with `call` and `types`) a typed tree whose negations
//! are at the leaves, written as a flat `program`; that and `leaf` evaluate it. Everything but Known is Unknown; only True matches.

mod call;
mod canonical;
mod check;
mod compare;
mod escape;
mod fault;
mod leaf;
mod leaves;
mod lex;
mod many;
mod names;
mod nearest;
mod parse;
mod pattern;
mod policy;
mod program;
mod question;
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

pub(crate) use leaf::{Leaf, size};
pub(crate) use many::{Collector, Conditions};
pub(crate) use program::{Literal, Part, literals, root};
pub(crate) use question::{Question, Subject};
pub(crate) use truth::LeafId;

use self::check::{Checked, Checker};
use self::leaves::Leaves;
use crate::signal::{Reading, SignalId, SignalTable};

/// A compiled condition. It holds slots of the signal table it was compiled against.
#[derive(Clone, Debug)]
pub struct Condition {
    words: Vec<u32>,
    leaves: Vec<Leaf>,
    signals: Vec<SignalId>,
    constants: Vec<String>,
}

/// Compiles a text: its program goes to the end of `words`, which stay as they are where it is refused.
fn compile(
    text: &str,
    table: &SignalTable,
    policy: &Policy,
    leaves: &mut Leaves,
    words: &mut Vec<u32>,
) -> Result<Checked, ConditionError> {
    let syntax = parse::parse(text).map_err(|fault| fault.locate(text, FaultKind::Syntax))?;
    let mut checker = Checker::new(table, policy, leaves);
    let tree = checker.node(&syntax, false).map_err(|fault| fault.locate(text, FaultKind::Type))?;
    program::write(&tree, words);
    Ok(checker.checked)
}

impl Condition {
    /// Compiles `text` against the signals and constants it may name.
    pub fn compile(text: &str, table: &SignalTable, policy: &Policy) -> Result<Self, ConditionError> {
        let (mut leaves, mut words) = (Leaves::default(), Vec::new());
        let Checked { signals, constants } = compile(text, table, policy, &mut leaves, &mut words)?;
        Ok(Self { words, leaves: leaves.into_all(), signals, constants })
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

    /// See [`ConditionRef::truth`].
    pub fn truth(&self, readings: &[Reading<'_>]) -> Truth {
        self.borrow().truth(readings)
    }

    /// See [`ConditionRef::blocking`].
    pub fn blocking(&self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        self.borrow().blocking(readings)
    }

    /// See [`ConditionRef::support`].
    pub fn support(&self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        self.borrow().support(readings)
    }

    /// The same condition, borrowed.
    pub fn borrow(&self) -> ConditionRef<'_> {
        ConditionRef { words: &self.words, leaves: &self.leaves }
    }
}

/// A compiled condition that lies elsewhere: by itself, or with others in an index.
#[derive(Clone, Copy, Debug)]
pub struct ConditionRef<'c> {
    words: &'c [u32],
    leaves: &'c [Leaf],
}

impl<'c> ConditionRef<'c> {
    pub(crate) const fn new(words: &'c [u32], leaves: &'c [Leaf]) -> Self {
        Self { words, leaves }
    }

    /// Its truth over one row of readings, by slot; a slot beyond the row is missing.
    pub fn truth(self, readings: &[Reading<'_>]) -> Truth {
        self.truth_by(&self.of_literal(readings))
    }

    /// The signals that keep it unknown, in order of first occurrence; empty unless it is unknown.
    pub fn blocking(self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        let truth = self.of_literal(readings);
        let mut found = Vec::new();
        if let Some(part) = root(self.words).filter(|part| part.truth(&truth) == Truth::Unknown) {
            part.visit_blocking(&truth, &mut |literal| {
                found.extend(self.leaf(literal).into_iter().flat_map(|leaf| leaf.unknown_signals(readings)));
            });
        }
        self.in_order(found)
    }

    /// The signals that made it true, in order of first occurrence: those of all operands of an and, of the first true
    /// operand of an or. Empty unless it is true.
    pub fn support(self, readings: &[Reading<'_>]) -> Vec<SignalId> {
        let truth = self.of_literal(readings);
        let mut found = Vec::new();
        if let Some(part) = root(self.words).filter(|part| part.truth(&truth) == Truth::True) {
            part.visit_support(&truth, &mut |literal| {
                found.extend(self.leaf(literal).into_iter().flat_map(Leaf::signals));
            });
        }
        self.in_order(found)
    }

    /// The signals it reads, in order of first occurrence.
    pub fn signals(self) -> Vec<SignalId> {
        let leaves = literals(self.words).filter_map(|literal| self.leaf(literal));
        self.in_order(leaves.flat_map(Leaf::signals).collect())
    }

    /// The signals whose presence it asks for, with `has`.
    pub fn presences(self) -> impl Iterator<Item = SignalId> {
        literals(self.words).filter_map(move |literal| self.leaf(literal)).filter_map(Leaf::presence)
    }

    /// Its truth, asking `literal` for that of each literal.
    pub(crate) fn truth_by(self, literal: &impl Fn(Literal) -> Truth) -> Truth {
        root(self.words).map_or(Truth::Unknown, |part| part.truth(literal))
    }

    fn of_literal(self, readings: &[Reading<'_>]) -> impl Fn(Literal) -> Truth {
        move |literal| literal.truth(self.leaf(literal).map_or(Truth::Unknown, |leaf| leaf.truth(readings)))
    }

    fn leaf(self, literal: Literal) -> Option<&'c Leaf> {
        self.leaves.get(literal.leaf() as usize)
    }

    /// What was found, each signal once, in the order of the whole condition.
    fn in_order(self, mut found: Vec<SignalId>) -> Vec<SignalId> {
        found.sort_unstable();
        found.dedup();
        let mut ordered = Vec::with_capacity(found.len());
        for signal in literals(self.words).filter_map(|literal| self.leaf(literal)).flat_map(Leaf::signals) {
            if found.binary_search(&signal).is_ok() && !ordered.contains(&signal) {
                ordered.push(signal);
            }
        }
        ordered
    }
}

/// The canonical text: compiling it again gives an equal condition.
impl fmt::Display for ConditionRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |literal: Literal| match (self.leaf(literal), literal.is_negated()) {
            (Some(leaf), true) => leaf.negated_text(),
            (Some(leaf), false) => leaf.text().to_owned(),
            (None, _) => String::new(),
        };
        f.write_str(&root(self.words).map_or_else(String::new, |part| part.text(&text)))
    }
}

/// The canonical text, as of [`ConditionRef`].
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

#[cfg(test)]
mod tests;
