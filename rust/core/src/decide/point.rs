//! The decision for one decision point, step by step as the contract numbers them. Reads the prepared request and the
//! compiled bundle; changes neither.

use super::explain::{ConditionOf, Explanation, Step, Told, Trace};
use super::prepare::Prepared;
use super::{Action, Decision, Reason, Switches};
use crate::bucket::bucket;
use crate::condition::{ConditionRef, Truth};
use crate::consent::PurposeSet;
use crate::engine::{Engine, Point};
use crate::index::{ConditionId, Matcher};
use crate::model::ModelSet;
use crate::request::{Arm, Explain};
use crate::scenario::{Experience, Holdout, Overlay, Pathway, PathwayPlan, Plan, Scenario};

/// Decides the points of one request.
pub(super) struct Decider<'e, 'p, 'b> {
    engine: &'e Engine,
    prepared: &'p Prepared<'b>,
    switches: &'p Switches,
    matcher: &'p Matcher<'e, 'p>,
    /// Refused purposes that blocked something on the way to the present decision.
    limited_by: PurposeSet,
    /// Models whose outputs a condition on the way is waiting for.
    wanted: ModelSet,
    trace: Option<Trace<'e>>,
}

/// What steps 3 and 4 make of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assignment {
    HeldOut,
    /// An arm that counts in the experiment.
    Assigned(Arm),
    /// An arm that does not: no experiment, not eligible, or forced.
    Served(Arm),
}

impl<'e, 'p, 'b> Decider<'e, 'p, 'b> {
    pub(super) fn new(
        engine: &'e Engine,
        prepared: &'p Prepared<'b>,
        switches: &'p Switches,
        matcher: &'p Matcher<'e, 'p>,
    ) -> Self {
        Self {
            engine,
            prepared,
            switches,
            matcher,
            limited_by: PurposeSet::default(),
            wanted: ModelSet::default(),
            trace: None,
        }
    }

    /// The models that were asked for and have not run; with any, the decisions so far do not count.
    pub(super) const fn wanted(&self) -> ModelSet {
        self.wanted
    }

    pub(super) fn decide(&mut self, name: &str) -> Decision<'e> {
        self.limited_by = PurposeSet::default();
        self.trace = (self.prepared.explain == Explain::Full).then(Trace::default);
        let Some(point) = self.engine.points.get(name) else {
            return Decision::bare(Action::Own, None, Reason::Error);
        };
        let mut decision = if self.switches.points.contains(name) {
            Decision::bare(Action::Render, Some(&point.fallback), Reason::Disabled)
        } else {
            self.first_scenario(point)
        };
        decision.limited_by = self.limited_by;
        decision.explanation = self.explanation(&decision);
        decision
    }

    /// Step 1: the first live, enabled scenario whose context is true.
    fn first_scenario(&mut self, point: &'e Point) -> Decision<'e> {
        let found = match self.candidates() {
            Some(contexts) => contexts.iter().filter_map(|id| point.plan(*id)).find_map(|plan| self.enter(plan)),
            None => point.plans.iter().find_map(|plan| self.enter(plan)),
        };
        found.unwrap_or_else(|| Decision::bare(Action::Render, Some(&point.fallback), Reason::Fallback))
    }

    /// Contexts beside which no other has a say: those that are true, and those that are not known to be false where it
    /// matters what kept them from being known. None where all are to be told of.
    fn candidates(&self) -> Option<&'p [ConditionId]> {
        if self.trace.is_some() || self.engine.asks_for_models {
            return None;
        }
        let only_true = self.prepared.refused.is_empty() && self.engine.models.is_empty();
        if only_true { self.matcher.holding() } else { self.matcher.maybe_holding() }
    }

    /// The decision of a scenario, if its context is true.
    fn enter(&mut self, plan: &'e Plan) -> Option<Decision<'e>> {
        let scenario = self.engine.scenarios.get(plan.scenario)?;
        if self.switches.scenarios.contains(&scenario.id) {
            return None;
        }
        self.note(Step::Scenario(scenario));
        self.is_true(scenario.context, ConditionOf::Context).then(|| self.in_scenario(scenario, plan))
    }

    /// Steps 2 to 5, in every arm alike up to the point where the arm matters.
    fn in_scenario(&mut self, scenario: &'e Scenario, plan: &'e Plan) -> Decision<'e> {
        let Some((pathway, plan)) = self.pathway(scenario, plan) else {
            return Decision::bare(Action::Own, None, Reason::Error);
        };
        let overlay = self.overlay(plan);
        let assignment = self.assign(scenario);
        self.note(Step::Assigned(assignment));
        let decision = self.serve(assignment, plan, overlay);
        let served = overlay.filter(|_| decision.segment.is_some());
        let text = served.and_then(|overlay| overlay.explain.as_deref()).or(scenario.explanation.as_deref());
        let conditions = [Some(scenario.context), pathway.when, served.map(|overlay| overlay.when)];
        Decision {
            scenario: Some(scenario),
            pathway: Some(&pathway.id),
            told: Some(Told { text, conditions }),
            would_be_segment: overlay.map(|overlay| overlay.segment.as_str()),
            differs: overlay.is_some_and(|overlay| overlay.differs),
            ..decision
        }
    }

    fn pathway(&mut self, scenario: &'e Scenario, plan: &'e Plan) -> Option<(&'e Pathway, &'e PathwayPlan)> {
        scenario
            .pathways
            .iter()
            .zip(&plan.pathways)
            .find(|(pathway, _)| pathway.when.is_none_or(|when| self.is_true(when, ConditionOf::Pathway(&pathway.id))))
    }

    fn overlay(&mut self, plan: &'e PathwayPlan) -> Option<&'e Overlay> {
        plan.overlays.iter().find(|overlay| self.is_true(overlay.when, ConditionOf::Segment(&overlay.segment)))
    }

    /// Steps 3 and 4.
    fn assign(&mut self, scenario: &Scenario) -> Assignment {
        if let Some(arm) = self.prepared.force.arm {
            return Assignment::Served(arm);
        }
        let bucket_of = |unit, salt: &str| self.prepared.unit(unit).map(|id| bucket(salt, id));
        let held_out =
            |holdout: &Holdout| bucket_of(holdout.unit, &holdout.salt).is_some_and(|bucket| holdout.holds(bucket));
        if self.engine.holdout.as_ref().is_some_and(held_out) {
            return Assignment::HeldOut;
        }
        let Some(experiment) = &scenario.experiment else { return Assignment::Served(Arm::Personalized) };
        let refused = scenario.purposes.intersection(self.prepared.refused);
        let drawn = bucket_of(experiment.unit, &experiment.salt);
        self.limited_by = self.limited_by.union(refused);
        match drawn {
            Some(bucket) if refused.is_empty() => Assignment::Assigned(experiment.arm(bucket)),
            _ => Assignment::Served(Arm::Default),
        }
    }

    /// The rows of the contract's table from HOLDOUT to CAPPED.
    fn serve(&self, assignment: Assignment, plan: &'e PathwayPlan, overlay: Option<&'e Overlay>) -> Decision<'e> {
        let (arm, reason) = match assignment {
            Assignment::HeldOut => return Decision::bare(Action::Own, None, Reason::Holdout),
            Assignment::Assigned(arm) => (arm, Reason::Split),
            Assignment::Served(arm) => (arm, Reason::TargetingMatch),
        };
        let overlay = overlay.filter(|_| arm == Arm::Personalized);
        let capped = overlay.is_some_and(|overlay| self.is_capped(overlay));
        let served = overlay.filter(|_| !capped);
        let experience = served.map_or(&plan.base, |overlay| &overlay.experience);
        let (action, value) = match experience {
            _ if arm == Arm::AsIs => (Action::Own, None),
            Experience::Render(value) => (Action::Render, Some(value.as_slice())),
            Experience::Omit => (Action::Omit, None),
        };
        Decision {
            segment: served.map(|overlay| overlay.segment.as_str()),
            arm: Some(arm),
            in_experiment: reason == Reason::Split,
            cap: served.and_then(|overlay| overlay.cap),
            ..Decision::bare(action, value, if capped { Reason::Capped } else { reason })
        }
    }

    fn is_capped(&self, overlay: &Overlay) -> bool {
        overlay.cap.is_some_and(|cap| self.prepared.cap_count(cap.scope, cap.digest) >= cap.max)
    }

    /// Whether a condition is true; if it is not known, remembers which refused purposes keep it from being known.
    fn is_true(&mut self, condition: ConditionId, of: ConditionOf<'e>) -> bool {
        let is_true = self.matcher.is_true(condition);
        if self.engine.reads_model(condition) {
            self.want_models(condition);
        }
        if !is_true && self.limited_by != self.prepared.refused && self.matcher.truth(condition) == Truth::Unknown {
            let blocking = self.blocking(condition).into_iter();
            let purposes = blocking.map(|slot| self.engine.purposes_of(slot).intersection(self.prepared.refused));
            self.limited_by = purposes.fold(self.limited_by, PurposeSet::union);
        }
        if let Some(trace) = &mut self.trace {
            trace.push(Step::Condition(of, condition));
        }
        is_true
    }

    /// Wants the models that keep a condition from being known, and those whose signals it asks for with `has`: that is
    /// false of a signal which only has not been asked for yet.
    fn want_models(&mut self, condition: ConditionId) {
        let presences = self.engine.index.condition(condition).into_iter().flat_map(ConditionRef::presences);
        for slot in self.blocking(condition).into_iter().chain(presences) {
            if self.prepared.is_missing(slot) {
                let model = self.engine.model_of(slot).without(self.prepared.settled);
                self.wanted = self.wanted.union(self.prepared.runnable(self.engine, model));
            }
        }
    }

    fn blocking(&self, condition: ConditionId) -> Vec<crate::signal::SignalId> {
        self.engine
            .index
            .condition(condition)
            .map(|condition| condition.blocking(&self.prepared.row))
            .unwrap_or_default()
    }

    fn note(&mut self, step: Step<'e>) {
        if let Some(trace) = &mut self.trace {
            trace.push(step);
        }
    }

    /// What the visitor may be told: nothing where we served nothing of our own, unless a trace was asked for.
    fn explanation(&mut self, decision: &Decision<'e>) -> Option<Explanation<'e>> {
        let trace = self.trace.take();
        let told = decision.told.as_ref().filter(|_| decision.action != Action::Own);
        if self.prepared.explain == Explain::None || (told.is_none() && trace.is_none()) {
            return None;
        }
        Some(Explanation {
            text: told.and_then(|told| told.text),
            labels: told.map(|told| self.labels(told)).unwrap_or_default(),
            trace: trace.map(|trace| trace.render(self.engine, self.prepared)),
        })
    }

    /// The labels of the signals that made the conditions true, each once.
    fn labels(&self, told: &Told<'e>) -> Vec<&'e str> {
        let mut labels = Vec::new();
        for condition in told.conditions.iter().flatten().filter_map(|id| self.engine.index.condition(*id)) {
            for slot in condition.support(&self.prepared.row) {
                let label = self.engine.facts(slot).and_then(|facts| facts.label.as_deref());
                labels.extend(label.filter(|label| !labels.contains(label)));
            }
        }
        labels
    }
}
