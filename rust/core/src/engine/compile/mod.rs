//! From a decoded document to an [`Engine`]: resolves every name once, so that no request ever looks one up that it did not
//! bring itself. Refuses what does not resolve; a book is checked long before, this is the last line of defense.

mod conditions;
mod models;
mod policy;
mod scenario;
mod signals;
mod state;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use self::conditions::Conditions;
use self::scenario::ScenarioCompiler;
use self::signals::SignalSet;
use super::{Engine, Point, heed};
use crate::bundle::{Document, PointDocument, ScenarioDocument};
use crate::clock;
use crate::consent::{PURPOSES_MAX, Purposes};
use crate::error::BundleError;
use crate::scenario::{Holdout, Scenario};

/// Compiles a document for as long as that is wanted.
pub(super) fn compile(document: Document, digest: String, go_on: &dyn Fn() -> bool) -> Result<Engine, BundleError> {
    let zone = clock::zone(&document.timezone)
        .ok_or_else(|| BundleError::new("timezone", format!("`{}` is not a time zone", document.timezone)))?;
    let purposes = Purposes::new(&document.purposes)
        .ok_or_else(|| BundleError::new("purposes", format!("more than {PURPOSES_MAX}")))?;
    let mut signals = SignalSet::new();
    for (name, declared) in &document.signals {
        signals.declare(name, declared, &purposes)?;
    }
    let declared_models = serde_json::json!({"models": document.models}).to_string().into_bytes();
    let models = models::models(&document, &mut signals, &purposes)?;
    let policy = policy::policy_of(&document.policy)?;
    let mut conditions = Conditions::new(&signals, &policy);
    let segments = conditions.segments(&document.segments)?;
    let mut scopes = state::scopes(&document, &signals, &models)?;
    let mut points = registered(&document.decision_points);
    let mut scenarios = Vec::with_capacity(document.scenarios.len());
    for (position, declared) in by_priority(&document.scenarios) {
        heed(go_on)?;
        let place = format!("scenarios[{position}]");
        let mut compiler =
            ScenarioCompiler { place, declared, slot: scenarios.len(), segments: &segments, scopes: &mut scopes };
        let scenario = compiler.scenario(&mut conditions)?;
        compiler.plans(&scenario, &mut points)?;
        scenarios.push(scenario);
    }
    let Conditions { builder, reads_clock, reads_model, .. } = conditions;
    heed(go_on)?;
    let index = builder.build();
    let asks = |scenario: &Scenario| {
        let context = index.condition(scenario.context);
        let reads_model = reads_model.get(scenario.context as usize).copied().unwrap_or_default();
        reads_model && context.is_some_and(|context| context.presences().next().is_some())
    };
    let asks_for_models = scenarios.iter().any(asks);
    let holdout = document.global_holdout.map(|holdout| Holdout::new(holdout.unit, holdout.salt, holdout.percent));
    let clock = reads_clock.then_some(signals.clock);
    Ok(Engine {
        digest,
        zone,
        clock,
        guarded: signals.guarded(),
        country: signals.country,
        signals: signals.table,
        facts: signals.facts,
        purposes,
        index,
        scenarios,
        points,
        holdout,
        scopes,
        models,
        reads_model,
        asks_for_models,
        golden: document.golden,
        declared_models,
        defaults: OnceLock::new(),
    })
}

/// Scenarios with their place in the document, highest priority first; equal ones in the document's order.
fn by_priority(scenarios: &[ScenarioDocument]) -> Vec<(usize, &ScenarioDocument)> {
    let mut ordered: Vec<_> = scenarios.iter().enumerate().collect();
    ordered.sort_by_key(|(position, scenario)| (std::cmp::Reverse(scenario.priority), *position));
    ordered
}

fn registered(declared: &BTreeMap<String, PointDocument>) -> HashMap<String, Point> {
    let point = |point: &PointDocument| {
        let fallback = point.fallback.to_string().into_bytes();
        Point { fallback, plans: Vec::new(), contexts: Vec::new() }
    };
    declared.iter().map(|(id, declared)| (id.clone(), point(declared))).collect()
}
