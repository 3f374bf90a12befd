//! A compiled bundle: everything that is the same for all requests, built once and never changed. Deciding is in
//! [`crate::decide`]; the state of visitors is elsewhere.

mod compile;
mod describe;
mod rehearse;

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::tz::TimeZone;

use crate::bundle::{Document, GoldenDocument, Source};
use crate::clock::ClockSignals;
use crate::consent::{PurposeSet, Purposes};
use crate::error::BundleError;
use crate::index::{ConditionId, Index};
use crate::model::{Model, ModelSet};
use crate::scenario::{Holdout, Plan, Scenario};
use crate::signal::{SignalId, SignalTable};
use crate::state::{self, Scope};

/// A compiled bundle.
#[derive(Debug)]
pub struct Engine {
    pub(crate) digest: String,
    pub(crate) zone: TimeZone,
    pub(crate) signals: SignalTable,
    pub(crate) facts: Vec<SignalFacts>,
    /// Signals that a refused purpose can deny, with their purposes.
    pub(crate) guarded: Vec<(SignalId, PurposeSet)>,
    /// The clock's signals, when a condition reads one.
    pub(crate) clock: Option<ClockSignals>,
    pub(crate) country: SignalId,
    pub(crate) purposes: Purposes,
    pub(crate) index: Index,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) points: HashMap<String, Point>,
    pub(crate) holdout: Option<Holdout>,
    pub(crate) scopes: Vec<ScopeState>,
    pub(crate) models: Vec<Model>,
    /// By condition: whether it reads a signal that a model sets.
    reads_model: Vec<bool>,
    /// Whether some context asks for a model's signal with `has`: then one that is false may yet want that model.
    pub(crate) asks_for_models: bool,
    golden: Vec<GoldenDocument>,
    declared_models: Vec<u8>,
    defaults: OnceLock<Vec<u8>>,
}

/// What the engine knows of a signal beyond its type.
#[derive(Debug)]
pub(crate) struct SignalFacts {
    pub(crate) source: Source,
    pub(crate) purposes: PurposeSet,
    pub(crate) max_age_ms: Option<i64>,
    pub(crate) label: Option<String>,
}

/// A registered decision point.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) fallback: Vec<u8>,
    /// What each scenario serves here, by descending priority.
    pub(crate) plans: Vec<Plan>,
    /// By plan: the context of its scenario. They ascend, as scenarios are compiled by descending priority.
    pub(crate) contexts: Vec<ConditionId>,
}

/// The state that one scope keeps for this bundle.
#[derive(Debug)]
pub(crate) struct ScopeState {
    pub(crate) scope: Scope,
    pub(crate) ttl_ms: i64,
    pub(crate) plan: state::Plan,
    /// For each field of the plan, the signals that have its value.
    pub(crate) slots: Vec<Vec<SignalId>>,
    /// For each field of the plan, the signals for which it is kept: those that have its value, and those of models.
    pub(crate) kept_for: Vec<Vec<SignalId>>,
    pub(crate) has_caps: bool,
}

impl Point {
    /// Adds what the next scenario serves here.
    pub(crate) fn push(&mut self, plan: Plan, context: ConditionId) {
        self.plans.push(plan);
        self.contexts.push(context);
    }

    /// The plan of the scenario with this context.
    pub(crate) fn plan(&self, context: ConditionId) -> Option<&Plan> {
        let place = self.contexts.partition_point(|other| *other < context);
        self.contexts.get(place).filter(|found| **found == context).and_then(|_| self.plans.get(place))
    }
}

impl ScopeState {
    /// Whether this bundle keeps anything in this scope.
    pub(crate) fn is_used(&self) -> bool {
        self.has_caps || !self.plan.is_empty()
    }
}

/// Ends work that nobody wants any more.
fn heed(go_on: &dyn Fn() -> bool) -> Result<(), BundleError> {
    if go_on() { Ok(()) } else { Err(BundleError::new("$", "given up")) }
}

impl Engine {
    /// Decodes and compiles a bundle.
    pub fn from_bundle(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::from_bundle_while(bytes, &|| true)
    }

    /// The same, given up as soon as `go_on`, which is asked again and again, says no.
    pub fn from_bundle_while(bytes: &[u8], go_on: &dyn Fn() -> bool) -> Result<Self, BundleError> {
        let document = Document::decode(bytes)?;
        compile::compile(document, crate::bundle::digest(bytes), go_on)
    }

    /// The bundle's digest, `sha256:...`.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many golden decisions a self-test replays.
    pub fn golden_count(&self) -> usize {
        self.golden.len()
    }

    /// How many scenarios are live.
    pub fn scenario_count(&self) -> usize {
        self.scenarios.len()
    }

    /// The facts of a signal.
    pub(crate) fn facts(&self, slot: SignalId) -> Option<&SignalFacts> {
        self.facts.get(slot as usize)
    }

    /// The purposes of a signal.
    pub(crate) fn purposes_of(&self, slot: SignalId) -> PurposeSet {
        self.facts(slot).map_or_else(PurposeSet::default, |facts| facts.purposes)
    }

    /// Whether a condition reads a signal that a model sets.
    pub(crate) fn reads_model(&self, condition: ConditionId) -> bool {
        self.reads_model.get(condition as usize).copied().unwrap_or_default()
    }

    /// The model that sets a signal.
    pub(crate) fn model_of(&self, slot: SignalId) -> ModelSet {
        let sets = |model: &Model| model.outputs.iter().any(|(output, _)| *output == slot);
        self.models.iter().position(sets).map_or_else(ModelSet::default, ModelSet::single)
    }

    /// What one scope keeps, where this bundle keeps anything there.
    pub(crate) fn scope(&self, scope: Scope) -> Option<&ScopeState> {
        self.scopes.iter().find(|state| state.scope == scope)
    }
}
