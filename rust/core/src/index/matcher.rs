//! The answers of an index for one row of readings. Owns what is remembered between questions: each leaf is evaluated at most
//! once, and posted conditions are found in one pass when the first of them is asked for.

use std::cell::{Cell, OnceCell};

use super::column::Pass;
use super::{ConditionId, Index, leaf_truth};
use crate::condition::{LeafId, Truth};
use crate::signal::Reading;

/// Answers for one row of readings.
#[derive(Debug)]
pub struct Matcher<'i, 'r> {
    index: &'i Index,
    readings: &'r [Reading<'r>],
    leaves: Vec<Cell<Option<Truth>>>,
    holds: OnceCell<Vec<ConditionId>>,
    may_hold: OnceCell<Vec<ConditionId>>,
}

impl<'i, 'r> Matcher<'i, 'r> {
    pub(super) fn new(index: &'i Index, readings: &'r [Reading<'r>]) -> Self {
        let (holds, may_hold) = (OnceCell::new(), OnceCell::new());
        Self { index, readings, leaves: vec![Cell::new(None); index.conditions.leaves().len()], holds, may_hold }
    }

    /// Whether the condition is true; a condition that is not there is not.
    pub fn is_true(&self, id: ConditionId) -> bool {
        match self.holding() {
            Some(holding) if self.index.is_posted(id) => holding.binary_search(&id).is_ok(),
            _ => self.asked(id) == Truth::True,
        }
    }

    /// The truth of the condition; Unknown for a condition that is not there.
    pub fn truth(&self, id: ConditionId) -> Truth {
        match (self.is_true(id), self.maybe_holding().filter(|_| self.index.is_posted(id))) {
            (true, _) => Truth::True,
            (false, Some(maybe)) if maybe.binary_search(&id).is_ok() => Truth::Unknown,
            (false, Some(_)) => Truth::False,
            (false, None) => self.asked(id),
        }
    }

    /// The posted conditions that are true, ascending; none where there is no pass.
    pub fn holding(&self) -> Option<&[ConditionId]> {
        self.found(&self.holds, Pass::Holds)
    }

    /// The posted conditions that are not false, ascending; none where there is no pass.
    pub fn maybe_holding(&self) -> Option<&[ConditionId]> {
        self.found(&self.may_hold, Pass::MayHold)
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
        let truth = leaf_truth(&self.index.conditions, id, self.readings);
        seen.set(Some(truth));
        truth
    }

    fn found<'m>(&'m self, found: &'m OnceCell<Vec<ConditionId>>, pass: Pass) -> Option<&'m [ConditionId]> {
        let search = self.index.search.as_ref()?;
        Some(found.get_or_init(|| search.run(&self.index.conditions, self.readings, pass)))
    }
}
