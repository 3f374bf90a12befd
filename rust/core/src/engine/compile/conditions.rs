//! Conditions of a document, compiled once and remembered with what they read.

use std::collections::{BTreeMap, HashMap};

use super::signals::SignalSet;
use crate::bundle::Source;
use crate::condition::{Condition, Policy};
use crate::error::BundleError;
use crate::index::{ConditionId, IndexBuilder};
use crate::signal::SignalId;

/// Compiles conditions and remembers what they read.
pub(super) struct Conditions<'c> {
    pub(super) signals: &'c SignalSet,
    policy: &'c Policy,
    pub(super) builder: IndexBuilder,
    pub(super) reads_clock: bool,
}

/// A compiled condition with the signals it reads.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) id: ConditionId,
    pub(super) signals: Vec<SignalId>,
}

impl<'c> Conditions<'c> {
    pub(super) fn new(signals: &'c SignalSet, policy: &'c Policy) -> Self {
        Self { signals, policy, builder: IndexBuilder::default(), reads_clock: false }
    }

    pub(super) fn compile(&mut self, text: &str, place: &str) -> Result<Read, BundleError> {
        let condition = Condition::compile(text, &self.signals.table, self.policy)
            .map_err(|error| BundleError::new(place, error.to_string()))?;
        let signals = condition.signals().to_vec();
        let is_clock =
            |slot: &SignalId| self.signals.facts.get(*slot as usize).is_some_and(|facts| facts.source == Source::Clock);
        self.reads_clock |= signals.iter().any(is_clock);
        Ok(Read { id: self.builder.add(condition), signals })
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
