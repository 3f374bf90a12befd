//! What a bundle keeps of sessions and journeys: one plan per scope, one field per distinct declaration.

use super::signals::SignalSet;
use crate::bundle::Document;
use crate::engine::ScopeState;
use crate::error::BundleError;
use crate::state::{Plan, Scope};

/// Time to live of a session record when the bundle names none: 30 minutes.
const SESSION_TTL_MS: i64 = 30 * 60 * 1_000;
/// Time to live of a journey record when the bundle names none: 30 days.
const JOURNEY_TTL_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// The state of each scope.
pub(super) fn scopes(document: &Document, signals: &SignalSet) -> Result<Vec<ScopeState>, BundleError> {
    let defaults = [(Scope::Session, SESSION_TTL_MS), (Scope::Journey, JOURNEY_TTL_MS)];
    let states = defaults.map(|(scope, ttl_ms)| {
        let ttl_ms = document.state.get(scope.name()).map_or(ttl_ms, |state| state.ttl_ms);
        scope_state(scope, ttl_ms, signals)
    });
    states.into_iter().collect()
}

fn scope_state(scope: Scope, ttl_ms: i64, signals: &SignalSet) -> Result<ScopeState, BundleError> {
    let mut state = ScopeState { scope, ttl_ms, plan: Plan::default(), slots: Vec::new(), has_caps: false };
    for (_, slot, aggregate) in signals.aggregates.iter().filter(|(declared, _, _)| *declared == scope) {
        let field = state
            .plan
            .add(aggregate.clone())
            .map_err(|error| BundleError::new(format!("state.{}", scope.name()), error.to_string()))?;
        match state.slots.get_mut(field) {
            Some(slots) => slots.push(*slot),
            None => state.slots.push(vec![*slot]),
        }
    }
    Ok(state)
}
