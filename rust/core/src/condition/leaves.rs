//! Leaves that conditions share: equal questions become one leaf, however many conditions ask them.

use std::fmt::Write;

use super::canonical::Canonical;
use super::leaf::{Leaf, Test};
use super::truth::LeafId;
use crate::dictionary::{Table, hash};
use crate::signal::SignalTable;

/// The leaves so far, by number and by text.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    all: Vec<Leaf>,
    by_text: Table,
    /// Memory that is used again for each text.
    text: String,
}

impl Leaves {
    /// The number of the leaf that asks this, a new one if there is none.
    pub(super) fn share(&mut self, test: Test, table: &SignalTable) -> LeafId {
        let Self { all, by_text, text } = self;
        text.clear();
        // Writing to a text cannot fail.
        let _ = write!(text, "{}", Canonical { test: &test, table });
        let hash = hash(text.as_bytes());
        let is = |id: LeafId| all.get(id as usize).is_some_and(|leaf| leaf.text() == text);
        if let Some(id) = by_text.find(hash, is) {
            return id;
        }
        let id = LeafId::try_from(all.len()).unwrap_or(LeafId::MAX);
        by_text.insert(hash, id);
        all.push(Leaf::new(test, text));
        id
    }

    pub(super) fn all(&self) -> &[Leaf] {
        &self.all
    }

    pub(super) fn get(&self, id: LeafId) -> Option<&Leaf> {
        self.all.get(id as usize)
    }

    /// Without what only more of them would need.
    pub(super) fn into_all(self) -> Vec<Leaf> {
        self.all
    }
}
