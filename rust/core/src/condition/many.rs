//! Many conditions, compiled into one piece of memory. Owns their numbers; what they are together is the index's.

use super::compile;
use super::leaf::Leaf;
use super::leaves::Leaves;
use super::{ConditionError, ConditionRef, Policy};
use crate::signal::SignalTable;

/// Collects conditions of one signal table.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    words: Vec<u32>,
    ends: Vec<u32>,
    leaves: Leaves,
}

impl Collector {
    /// Compiles a condition; its number is how many there were before.
    pub(crate) fn compile(&mut self, text: &str, table: &SignalTable, policy: &Policy) -> Result<u32, ConditionError> {
        compile(text, table, policy, &mut self.leaves, &mut self.words)?;
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.ends.push(u32::try_from(self.words.len()).unwrap_or(u32::MAX));
        Ok(number)
    }

    pub(crate) fn get(&self, number: u32) -> Option<ConditionRef<'_>> {
        words(&self.words, &self.ends, number).map(|words| ConditionRef::new(words, self.leaves.all()))
    }

    pub(crate) fn finish(self) -> Conditions {
        let Self { mut words, mut ends, leaves } = self;
        words.shrink_to_fit();
        ends.shrink_to_fit();
        Conditions { words, ends, leaves: leaves.into_all() }
    }
}

/// Conditions that share their leaves, in flat memory.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    words: Vec<u32>,
    /// By condition: where its words end.
    ends: Vec<u32>,
    leaves: Vec<Leaf>,
}

impl Conditions {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, number: u32) -> Option<ConditionRef<'_>> {
        words(&self.words, &self.ends, number).map(|words| ConditionRef::new(words, &self.leaves))
    }

    /// The program of a condition; empty for one that is not there.
    pub(crate) fn words(&self, number: u32) -> &[u32] {
        words(&self.words, &self.ends, number).unwrap_or_default()
    }

    /// The leaves of all, by the numbers that the programs use.
    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }
}

fn words<'w>(words: &'w [u32], ends: &[u32], number: u32) -> Option<&'w [u32]> {
    let end = |number: u32| ends.get(number as usize).map(|end| *end as usize);
    let start = number.checked_sub(1).map_or(Some(0), end)?;
    words.get(start..end(number)?)
}
