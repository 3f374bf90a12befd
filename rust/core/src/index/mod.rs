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
use crate::condition::{Condition, ConditionRef, Leaf, LeafId, Truth, renumbered};
use crate::dictionary::{Table, hash};
use crate::signal::{Reading, SignalId};

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

/// Collects conditions that were compiled against one signal table.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    conditions: Conditions,
    posted: Vec<ConditionId>,
    interned: Table,
    /// The shared numbers of the leaves of the condition that is being added.
    numbers: Vec<LeafId>,
}

/// Conditions that share their leaves, in flat memory.
#[derive(Debug, Default)]
struct Conditions {
    words: Vec<u32>,
    /// By condition: where its words end.
    ends: Vec<u32>,
    leaves: Vec<Leaf>,
}

impl IndexBuilder {
    /// Adds a condition that is evaluated when it is asked for; numbers are given in order, from 0.
    pub fn add(&mut self, condition: Condition) -> ConditionId {
        let (words, leaves) = condition.into_parts();
        let Self { conditions, interned, numbers, .. } = self;
        let id = ConditionId::try_from(conditions.ends.len()).unwrap_or(ConditionId::MAX);
        numbers.clear();
        numbers.extend(leaves.into_iter().map(|leaf| share(interned, &mut conditions.leaves, leaf)));
        let number = |leaf: LeafId| numbers.get(leaf as usize).copied().unwrap_or(LeafId::MAX);
        conditions.words.extend(renumbered(&words, number));
        conditions.ends.push(u32::try_from(conditions.words.len()).unwrap_or(u32::MAX));
        id
    }

    /// Adds a condition that a pass finds, together with all others of its kind.
    pub fn post(&mut self, condition: Condition) -> ConditionId {
        let id = self.add(condition);
        self.posted.push(id);
        id
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
        let Self { mut conditions, posted, .. } = self;
        conditions.words.shrink_to_fit();
        let search = (strategy != Strategy::Ask).then(|| Search::new(&conditions, &posted, strategy));
        let posted = Set::new(posted, conditions.len());
        Index { conditions, posted, search }
    }
}

/// The number of a leaf, a new one if there is none of its text yet.
fn share(interned: &mut Table, leaves: &mut Vec<Leaf>, leaf: Leaf) -> LeafId {
    let hash = hash(leaf.text().as_bytes());
    let is = |id: u32| leaves.get(id as usize).is_some_and(|known| known.text() == leaf.text());
    if let Some(id) = interned.find(hash, is) {
        return id;
    }
    let id = LeafId::try_from(leaves.len()).unwrap_or(LeafId::MAX);
    interned.insert(hash, id);
    leaves.push(leaf);
    id
}

impl Conditions {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn words(&self, id: ConditionId) -> &[u32] {
        let end = |id: u32| self.ends.get(id as usize).map(|end| *end as usize);
        let start = id.checked_sub(1).map_or(Some(0), end);
        start.zip(end(id)).and_then(|(start, end)| self.words.get(start..end)).unwrap_or_default()
    }

    fn truth(&self, id: ConditionId, readings: &[Reading<'_>]) -> Truth {
        ConditionRef::new(self.words(id), &self.leaves).truth(readings)
    }

    fn leaf_truth(&self, id: LeafId, readings: &[Reading<'_>]) -> Truth {
        self.leaves.get(id as usize).map_or(Truth::Unknown, |leaf| leaf.truth(readings))
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
        self.posted.iter().filter(|id| self.conditions.truth(*id, readings) == Truth::True).collect()
    }

    /// The condition of a number.
    pub fn condition(&self, id: ConditionId) -> Option<ConditionRef<'_>> {
        self.conditions.ends.get(id as usize)?;
        Some(ConditionRef::new(self.conditions.words(id), &self.conditions.leaves))
    }

    /// The signals that any condition reads, ascending.
    pub fn signals(&self) -> Vec<SignalId> {
        let mut signals: Vec<SignalId> = self.conditions.leaves.iter().flat_map(Leaf::signals).collect();
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
