//! What is said about a decision: the text and labels for visitors, the trace for people who debug. Records steps as they
//! are taken and words them only when asked, so that explaining can never decide.

use serde_json::{Value as Json, json};

use super::point::Assignment;
use super::prepare::Prepared;
use crate::condition::Truth;
use crate::engine::Engine;
use crate::index::ConditionId;
use crate::model::ModelSet;
use crate::scenario::Scenario;
use crate::signal::SignalId;

/// Why a model was not asked: nothing on the way depended on it.
const NOT_ASKED: &str = "not_asked";
/// Why a model was not asked: there is no record of the visit to run it on.
const NO_STATE: &str = "no_state";

/// What a visitor may be told of a served experience, not yet worked out.
#[derive(Debug)]
pub(crate) struct Told<'e> {
    pub(crate) text: Option<&'e str>,
    /// The conditions that led here: context, pathway, segment.
    pub(crate) conditions: [Option<ConditionId>; 3],
}

/// The explanation of one decision.
#[derive(Debug)]
pub(crate) struct Explanation<'e> {
    pub(crate) text: Option<&'e str>,
    pub(crate) labels: Vec<&'e str>,
    pub(crate) trace: Option<Json>,
}

/// One step on the way to a decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'e> {
    /// A candidate is looked at.
    Scenario(&'e Scenario),
    /// A condition of the present candidate was asked.
    Condition(ConditionOf<'e>, ConditionId),
    /// The candidate applies and the unit is assigned.
    Assigned(Assignment),
}

/// What a condition belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConditionOf<'e> {
    Context,
    Pathway(&'e str),
    Segment(&'e str),
}

/// The steps of one decision.
#[derive(Debug, Default)]
pub(crate) struct Trace<'e> {
    steps: Vec<Step<'e>>,
}

impl<'e> Trace<'e> {
    pub(crate) fn push(&mut self, step: Step<'e>) {
        self.steps.push(step);
    }

    /// One entry per candidate: how far it got, and what blocked it by which signal in which state.
    pub(crate) fn render(&self, engine: &Engine, prepared: &Prepared<'_>) -> Json {
        let starts = self.steps.chunk_by(|_, next| !matches!(next, Step::Scenario(_)));
        let candidates = starts.filter_map(|steps| match steps.split_first() {
            Some((Step::Scenario(scenario), steps)) => Some(candidate(scenario, steps, engine, prepared)),
            _ => None,
        });
        Json::Array(candidates.collect())
    }
}

fn candidate(scenario: &Scenario, steps: &[Step<'_>], engine: &Engine, prepared: &Prepared<'_>) -> Json {
    let mut conditions = Vec::new();
    let mut assignment = Json::Null;
    for step in steps {
        match step {
            Step::Condition(of, id) => conditions.push(condition(*of, *id, engine, prepared)),
            Step::Assigned(assigned) => assignment = assigned_json(*assigned, scenario, engine, prepared),
            Step::Scenario(_) => {}
        }
    }
    let reached = if assignment.is_null() { "context" } else { "served" };
    json!({"scenario": scenario.id, "reached": reached, "conditions": conditions, "assignment": assignment})
}

fn condition(of: ConditionOf<'_>, id: ConditionId, engine: &Engine, prepared: &Prepared<'_>) -> Json {
    let (part, name) = match of {
        ConditionOf::Context => ("context", None),
        ConditionOf::Pathway(id) => ("pathway", Some(id)),
        ConditionOf::Segment(name) => ("segment", Some(name)),
    };
    let Some(condition) = engine.index.condition(id) else { return Json::Null };
    let value = match condition.truth(&prepared.row) {
        Truth::True => Json::Bool(true),
        Truth::False => Json::Bool(false),
        Truth::Unknown => Json::from("unknown"),
    };
    let blocking: Vec<Json> =
        condition.blocking(&prepared.row).into_iter().map(|slot| blocked(slot, engine, prepared)).collect();
    let mut entry =
        json!({"part": part, "name": name, "when": condition.to_string(), "value": value, "blocking": blocking});
    let models: Vec<Json> = condition.signals().into_iter().filter_map(|slot| asked(slot, engine, prepared)).collect();
    if let (false, Some(entry)) = (models.is_empty(), entry.as_object_mut()) {
        entry.insert("models".to_owned(), Json::from(models));
    }
    entry
}

/// What a model had to do with a signal that it sets: the output, or why there is none.
fn asked(slot: SignalId, engine: &Engine, prepared: &Prepared<'_>) -> Option<Json> {
    let index = engine.model_of(slot).iter().next()?;
    let model = engine.models.get(index)?;
    let place = model.outputs.iter().find_map(|(output, place)| (*output == slot).then_some(*place))?;
    let given = prepared.outcomes.iter().find(|outcome| outcome.model == index).map(|outcome| &outcome.outputs);
    let value = given.and_then(|outputs| outputs.as_ref().ok()).and_then(|outputs| outputs.get(place));
    let reason = match given {
        Some(Ok(_)) => None,
        Some(Err(reason)) => Some(reason.name()),
        None if !prepared.is_missing(slot) => Some(NOT_ASKED),
        None if prepared.runnable(engine, ModelSet::single(index)).is_empty() => Some(NO_STATE),
        None => Some(NOT_ASKED),
    };
    Some(json!({
        "signal": engine.signals.name(slot), "model": model.name, "digest": model.digest, "output": model.heads.get(place),
        "value": value, "reason": reason,
    }))
}

fn blocked(slot: SignalId, engine: &Engine, prepared: &Prepared<'_>) -> Json {
    let state = prepared.row.get(slot as usize).map_or("missing", |reading| reading.state().name());
    let refused = engine.purposes_of(slot).intersection(prepared.refused);
    let purposes: Vec<&str> = engine.purposes.names(refused).collect();
    json!({"signal": engine.signals.name(slot), "state": state, "refusedPurposes": purposes})
}

fn assigned_json(assigned: Assignment, scenario: &Scenario, engine: &Engine, prepared: &Prepared<'_>) -> Json {
    let refused: Vec<&str> = engine.purposes.names(scenario.purposes.intersection(prepared.refused)).collect();
    let (held_out, arm, counted) = match assigned {
        Assignment::HeldOut => (true, None, false),
        Assignment::Assigned(arm) => (false, Some(arm.name()), true),
        Assignment::Served(arm) => (false, Some(arm.name()), false),
    };
    let unit_known = scenario.experiment.as_ref().map(|experiment| prepared.unit(experiment.unit).is_some());
    json!({
        "heldOut": held_out, "arm": arm, "inExperiment": counted, "forced": prepared.force.arm.is_some(),
        "unitKnown": unit_known, "refusedPurposes": refused,
    })
}
