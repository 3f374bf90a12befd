//! All conditions of a bundle, or all rules, asked together. Owns the sharing of leaves and which conditions one pass finds.
//!
//! A *posted* condition is found by a pass over the readings: `roles` says how each leaf is looked up, `branches` turns a
//! condition into rows, `assign` numbers tests and keys, a `column` marks what holds of one subject, `postings` are walked,
//! `search` is the pass. Any other condition is evaluated when it is asked for.
//!
//! A pass never walks trees. A row is a key it lies under and up to four tests, all of which must hold; what does not fit
//! there is asked of the few rows that pass. Negation is not pushed into the look-ups: a leaf and its opposite are two
//! literals, both untrue while the leaf is unknown.

mod assign;
mod branches;
mod column;
mod constants;
mod matcher;
mod postings;
mod roles;
mod search;
mod set;
#[cfg(test)]
mod tests;

use self::column::Pass;
use self::search::Search;
use self::set::Set;
use crate::condition::{Collector, ConditionError, ConditionRef, Conditions, Leaf, LeafId, Policy, Truth};
use crate::signal::{Reading, SignalId, SignalTable};

pub use self::matcher::Matcher;
pub use self::search::Effort;

/// The number of a condition in its index.
pub type ConditionId = u32;

/// With fewer posted conditions than this, evaluating them takes less than a pass.
const POSTED_MIN: usize = 16;
/// With fewer posted conditions than this, looking at all rows takes less than finding the keys that lead to some.
const SCANNED_MAX: usize = 64;

/// How posted conditions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Each is evaluated.
    Ask,
    /// A pass looks at all rows.
    Scan,
    /// A pass looks at the rows under the keys that the readings open.
    Post,
}

/// Compiles conditions against one signal table and the constants they may name, straight into the memory they stay in.
#[derive(Debug)]
pub struct IndexBuilder<'c> {
    table: &'c SignalTable,
    policy: &'c Policy,
    conditions: Collector,
    posted: Vec<ConditionId>,
}

impl<'c> IndexBuilder<'c> {
    /// A builder without conditions.
    pub fn new(table: &'c SignalTable, policy: &'c Policy) -> Self {
        Self { table, policy, conditions: Collector::default(), posted: Vec::new() }
    }

    /// Adds a condition that is evaluated when it is asked for; numbers are given in order, from 0.
    pub fn add(&mut self, text: &str) -> Result<ConditionId, ConditionError> {
        self.conditions.compile(text, self.table, self.policy)
    }

    /// Adds a condition that a pass finds, together with all others of its kind.
    pub fn post(&mut self, text: &str) -> Result<ConditionId, ConditionError> {
        let id = self.add(text)?;
        self.posted.push(id);
        Ok(id)
    }

    /// A condition that was added.
    pub fn condition(&self, id: ConditionId) -> Option<ConditionRef<'_>> {
        self.conditions.get(id)
    }

    /// Closes the index, with the strategy that suits its size.
    pub fn build(self) -> Index {
        let strategy = match self.posted.len() {
            0..POSTED_MIN => Strategy::Ask,
            POSTED_MIN..SCANNED_MAX => Strategy::Scan,
            _ => Strategy::Post,
        };
        self.build_by(strategy)
    }

    /// Closes the index with a strategy, whatever its size: for tests and measurements.
    pub fn build_by(self, strategy: Strategy) -> Index {
        let conditions = self.conditions.finish();
        let search = (strategy != Strategy::Ask).then(|| Search::new(&conditions, &self.posted, strategy));
        let posted = Set::new(self.posted, conditions.len());
        Index { conditions, posted, search }
    }
}

/// Compiled conditions that share their leaves.
#[derive(Debug, Default)]
pub struct Index {
    conditions: Conditions,
    posted: Set,
    search: Option<Search>,
}

impl Index {
    /// A matcher for one row of readings, by slot.
    pub fn matcher<'i, 'r>(&'i self, readings: &'r [Reading<'r>]) -> Matcher<'i, 'r> {
        Matcher::new(self, readings)
    }

    /// The posted conditions that are true, ascending.
    pub fn matching(&self, readings: &[Reading<'_>]) -> Vec<ConditionId> {
        if let Some(search) = &self.search {
            return search.run(&self.conditions, readings, Pass::Holds);
        }
        self.posted.iter().filter(|id| truth(&self.conditions, *id, readings) == Truth::True).collect()
    }

    /// The condition of a number.
    pub fn condition(&self, id: ConditionId) -> Option<ConditionRef<'_>> {
        self.conditions.get(id)
    }

    /// The signals that any condition reads, ascending.
    pub fn signals(&self) -> Vec<SignalId> {
        let mut signals: Vec<SignalId> = self.conditions.leaves().iter().flat_map(Leaf::signals).collect();
        signals.sort_unstable();
        signals.dedup();
        signals
    }

    /// How many conditions there are.
    pub fn len(&self) -> usize {
        self.conditions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.conditions.len() == 0
    }

    /// What a pass over these readings looks at; nothing where there is no pass.
    pub fn effort(&self, readings: &[Reading<'_>]) -> Effort {
        self.search.as_ref().map(|search| search.effort(&self.conditions, readings)).unwrap_or_default()
    }

    /// Bytes that a pass walks over and looks up in, and the rows among them. The conditions themselves lie apart.
    pub fn size(&self) -> (usize, usize) {
        self.search.as_ref().map(Search::size).unwrap_or_default()
    }

    /// Whether a pass answers for this condition.
    fn is_posted(&self, id: ConditionId) -> bool {
        self.search.is_some() && self.posted.has(id)
    }
}

fn truth(conditions: &Conditions, id: ConditionId, readings: &[Reading<'_>]) -> Truth {
    conditions.get(id).map_or(Truth::Unknown, |condition| condition.truth(readings))
}

fn leaf_truth(conditions: &Conditions, id: LeafId, readings: &[Reading<'_>]) -> Truth {
    conditions.leaves().get(id as usize).map_or(Truth::Unknown, |leaf| leaf.truth(readings))
}
