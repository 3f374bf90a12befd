//! The answers of an index for one row of readings. Owns what is remembered between questions: each leaf is evaluated at most
//! once, and posted conditions are found in one pass when the first of them is asked for.

use std::cell::{Cell, OnceCell};

use super::column::Pass;
use super::set::Set;
use super::{ConditionId, Index};
use crate::condition::{LeafId, Truth};
use crate::signal::Reading;

/// Answers for one row of readings.
#[derive(Debug)]
pub struct Matcher<'i, 'r> {
    index: &'i Index,
    readings: &'r [Reading<'r>],
    leaves: Vec<Cell<Option<Truth>>>,
    holds: OnceCell<Set>,
    may_hold: OnceCell<Set>,
}

impl<'i, 'r> Matcher<'i, 'r> {
    pub(super) fn new(index: &'i Index, readings: &'r [Reading<'r>]) -> Self {
        let (holds, may_hold) = (OnceCell::new(), OnceCell::new());
        Self { index, readings, leaves: vec![Cell::new(None); index.conditions.leaves.len()], holds, may_hold }
    }

    /// Whether the condition is true; a condition that is not there is not.
    pub fn is_true(&self, id: ConditionId) -> bool {
        if self.index.is_posted(id) { self.found(&self.holds, Pass::Holds, id) } else { self.asked(id) == Truth::True }
    }

    /// The truth of the condition; Unknown for a condition that is not there.
    pub fn truth(&self, id: ConditionId) -> Truth {
        if !self.index.is_posted(id) {
            return self.asked(id);
        }
        match (self.is_true(id), self.found(&self.may_hold, Pass::MayHold, id)) {
            (true, _) => Truth::True,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::False,
        }
    }

    fn asked(&self, id: ConditionId) -> Truth {
        let Some(condition) = self.index.condition(id) else { return Truth::Unknown };
        condition.truth_by(&|literal| literal.truth(self.leaf(literal.leaf())))
    }

    fn leaf(&self, id: LeafId) -> Truth {
        let Some(seen) = self.leaves.get(id as usize) else { return Truth::Unknown };
        if let Some(truth) = seen.get() {
            return truth;
        }
        let truth = self.index.conditions.leaf_truth(id, self.readings);
        seen.set(Some(truth));
        truth
    }

    fn found(&self, set: &OnceCell<Set>, pass: Pass, id: ConditionId) -> bool {
        let set = set.get_or_init(|| {
            let found =
                self.index.search.iter().flat_map(|search| search.run(&self.index.conditions, self.readings, pass));
            Set::new(found, self.index.len())
        });
        set.has(id)
    }
}
