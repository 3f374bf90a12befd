//! All conditions of a bundle, asked together. Owns the sharing of leaves; each distinct leaf is evaluated at most once a row.

use std::cell::Cell;
use std::collections::HashMap;

use crate::condition::{Condition, Leaf, LeafId, Truth};
use crate::signal::Reading;

/// The number of a condition in its index.
pub type ConditionId = u32;

/// Collects conditions that were compiled against one signal table.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    entries: Vec<Entry>,
    leaves: Vec<Leaf>,
    interned: HashMap<String, LeafId>,
}

#[derive(Debug)]
struct Entry {
    condition: Condition,
    /// For each leaf of the condition its number in the index.
    shared: Box<[LeafId]>,
}

impl IndexBuilder {
    /// Adds a condition; numbers are given in order, from 0.
    pub fn add(&mut self, condition: Condition) -> ConditionId {
        let id = ConditionId::try_from(self.entries.len()).unwrap_or(ConditionId::MAX);
        let shared = condition.leaves().iter().map(|leaf| self.share(leaf)).collect();
        self.entries.push(Entry { condition, shared });
        id
    }

    /// Closes the index.
    pub fn build(self) -> Index {
        Index { entries: self.entries, leaves: self.leaves }
    }

    fn share(&mut self, leaf: &Leaf) -> LeafId {
        if let Some(id) = self.interned.get(leaf.text()) {
            return *id;
        }
        let id = LeafId::try_from(self.leaves.len()).unwrap_or(LeafId::MAX);
        self.interned.insert(leaf.text().to_owned(), id);
        self.leaves.push(leaf.clone());
        id
    }
}

/// Compiled conditions that share their leaves.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    leaves: Vec<Leaf>,
}

impl Index {
    /// A matcher for one row of readings, by slot.
    pub fn matcher<'i, 'r>(&'i self, readings: &'r [Reading<'r>]) -> Matcher<'i, 'r> {
        Matcher { index: self, readings, seen: vec![Cell::new(None); self.leaves.len()] }
    }

    /// The condition of a number.
    pub fn condition(&self, id: ConditionId) -> Option<&Condition> {
        self.entries.get(id as usize).map(|entry| &entry.condition)
    }

    /// How many conditions there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The answers of an index for one row; each leaf is evaluated when it is first asked.
#[derive(Debug)]
pub struct Matcher<'i, 'r> {
    index: &'i Index,
    readings: &'r [Reading<'r>],
    seen: Vec<Cell<Option<Truth>>>,
}

impl Matcher<'_, '_> {
    /// Whether the condition holds; a condition that is not there does not.
    pub fn is_true(&self, id: ConditionId) -> bool {
        self.truth(id) == Truth::True
    }

    /// The truth of the condition; Unknown for a condition that is not there.
    pub fn truth(&self, id: ConditionId) -> Truth {
        let Some(entry) = self.index.entries.get(id as usize) else { return Truth::Unknown };
        entry.condition.truth_by(&|leaf| entry.shared.get(leaf as usize).map_or(Truth::Unknown, |id| self.leaf(*id)))
    }

    fn leaf(&self, id: LeafId) -> Truth {
        let (Some(leaf), Some(seen)) = (self.index.leaves.get(id as usize), self.seen.get(id as usize)) else {
            return Truth::Unknown;
        };
        if let Some(truth) = seen.get() {
            return truth;
        }
        let truth = leaf.truth(self.readings);
        seen.set(Some(truth));
        truth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Policy;
    use crate::signal::{Signal, SignalTable};
    use crate::value::{Type, Value};

    #[test]
    fn conditions_share_their_leaves_and_keep_their_answers() {
        let mut table = SignalTable::default();
        for name in ["a", "b"] {
            let values = Vec::new();
            table.push(Signal { name: name.to_owned(), kind: Some(Type::Int), values, min: None, max: None });
        }
        let mut builder = IndexBuilder::default();
        for text in ["a == 1 && b > 2", "b > 2 || a == 1", "!(a == 1)", "a != 1 && b > 2"] {
            builder.add(Condition::compile(text, &table, &Policy::default()).unwrap());
        }
        let index = builder.build();
        assert_eq!((index.len(), index.leaves.len()), (4, 3));
        for row in [
            [Reading::Known(Value::Int(1)), Reading::Missing],
            [Reading::Known(Value::Int(2)), Reading::Known(Value::Int(3))],
            [Reading::Denied, Reading::Invalid],
        ] {
            let matcher = index.matcher(&row);
            for id in 0..4 {
                assert_eq!(matcher.truth(id), index.condition(id).unwrap().truth(&row));
                assert_eq!(matcher.is_true(id), matcher.truth(id) == Truth::True);
            }
        }
        assert!(!index.matcher(&[]).is_true(4));
        assert!(index.condition(4).is_none());
    }
}
