//! What a bundle keeps of sessions and journeys: one plan per scope, one field per distinct declaration.

use super::signals::SignalSet;
use crate::bundle::Document;
use crate::engine::ScopeState;
use crate::error::BundleError;
use crate::model::Model;
use crate::state::{Aggregate, Plan, Scope};

/// Time to live of a session record when the bundle names none: 30 minutes.
const SESSION_TTL_MS: i64 = 30 * 60 * 1_000;
/// Time to live of a journey record when the bundle names none: 30 days.
const JOURNEY_TTL_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// The state of each scope.
pub(super) fn scopes(
    document: &Document,
    signals: &SignalSet,
    models: &[Model],
) -> Result<Vec<ScopeState>, BundleError> {
    let defaults = [(Scope::Session, SESSION_TTL_MS), (Scope::Journey, JOURNEY_TTL_MS)];
    let states = defaults.map(|(scope, ttl_ms)| {
        let ttl_ms = document.state.get(scope.name()).map_or(ttl_ms, |state| state.ttl_ms);
        scope_state(scope, ttl_ms, signals, models)
    });
    states.into_iter().collect()
}

fn scope_state(scope: Scope, ttl_ms: i64, signals: &SignalSet, models: &[Model]) -> Result<ScopeState, BundleError> {
    let (slots, kept_for) = (Vec::new(), Vec::new());
    let mut state = ScopeState { scope, ttl_ms, plan: Plan::default(), slots, kept_for, has_caps: false };
    for (_, slot, aggregate) in signals.aggregates.iter().filter(|(declared, _, _)| *declared == scope) {
        let field = add(&mut state, aggregate)?;
        state.slots.get_mut(field).into_iter().for_each(|slots| slots.push(*slot));
        state.kept_for.get_mut(field).into_iter().for_each(|slots| slots.push(*slot));
    }
    for model in models.iter().filter(|model| model.scope() == scope) {
        for aggregate in &model.aggregates {
            let field = add(&mut state, aggregate)?;
            let outputs = model.outputs.iter().map(|(slot, _)| *slot);
            state.kept_for.get_mut(field).into_iter().for_each(|slots| slots.extend(outputs.clone()));
        }
    }
    Ok(state)
}

/// The field of an aggregate, a new one if its declaration is new.
fn add(state: &mut ScopeState, aggregate: &Aggregate) -> Result<usize, BundleError> {
    let place = || format!("state.{}", state.scope.name());
    let field = state.plan.add(aggregate.clone()).map_err(|error| BundleError::new(place(), error.to_string()))?;
    state.slots.resize_with(state.plan.fields().len(), Vec::new);
    state.kept_for.resize_with(state.plan.fields().len(), Vec::new);
    Ok(field)
}
