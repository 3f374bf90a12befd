//! Conditions of a document, compiled once and remembered with what they read.

use std::collections::{BTreeMap, HashMap};

use super::signals::SignalSet;
use crate::bundle::Source;
use crate::condition::{ConditionError, ConditionRef, Policy};
use crate::error::BundleError;
use crate::index::{ConditionId, IndexBuilder};
use crate::signal::SignalId;

/// Compiles conditions and remembers what they read.
pub(super) struct Conditions<'c> {
    pub(super) signals: &'c SignalSet,
    pub(super) builder: IndexBuilder<'c>,
    pub(super) reads_clock: bool,
    /// By condition: whether it reads a signal that a model sets.
    pub(super) reads_model: Vec<bool>,
}

/// A compiled condition with the signals it reads.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) id: ConditionId,
    pub(super) signals: Vec<SignalId>,
}

impl<'c> Conditions<'c> {
    pub(super) fn new(signals: &'c SignalSet, policy: &'c Policy) -> Self {
        let builder = IndexBuilder::new(&signals.table, policy);
        Self { signals, builder, reads_clock: false, reads_model: Vec::new() }
    }

    /// Compiles a condition that is evaluated when it is asked for.
    pub(super) fn compile(&mut self, text: &str, place: &str) -> Result<Read, BundleError> {
        self.read(text, place, IndexBuilder::add)
    }

    /// Compiles a condition that many others are asked together with.
    pub(super) fn post(&mut self, text: &str, place: &str) -> Result<Read, BundleError> {
        self.read(text, place, IndexBuilder::post)
    }

    fn read(
        &mut self,
        text: &str,
        place: &str,
        add: impl FnOnce(&mut IndexBuilder<'c>, &str) -> Result<ConditionId, ConditionError>,
    ) -> Result<Read, BundleError> {
        let id = add(&mut self.builder, text).map_err(|error| BundleError::new(place, error.to_string()))?;
        let signals = self.builder.condition(id).map(ConditionRef::signals).unwrap_or_default();
        self.reads_clock |= self.reads(&signals, Source::Clock);
        let reads_model = self.reads(&signals, Source::Model);
        if self.reads_model.len() <= id as usize {
            self.reads_model.resize(id as usize + 1, false);
        }
        self.reads_model.get_mut(id as usize).into_iter().for_each(|reads| *reads = reads_model);
        Ok(Read { id, signals })
    }

    fn reads(&self, signals: &[SignalId], source: Source) -> bool {
        let facts = signals.iter().filter_map(|slot| self.signals.facts.get(*slot as usize));
        facts.into_iter().any(|facts| facts.source == source)
    }

    pub(super) fn segments(
        &mut self,
        declared: &BTreeMap<String, String>,
    ) -> Result<HashMap<String, Read>, BundleError> {
        let compiled =
            declared.iter().map(|(name, text)| Ok((name.clone(), self.compile(text, &format!("segments.{name}"))?)));
        compiled.collect()
    }
}
