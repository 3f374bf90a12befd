//! What is remembered of a decision as evidence: the same facts in every arm, so that arms can be compared. Written nowhere
//! by this crate.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::decide::{Decided, Decision};
use crate::model::{GivenUp, Model, Outcome};
use crate::request::Arm;

/// One decision as evidence needs it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord<'d> {
    /// Joins it with deliveries.
    pub decision_id: &'d str,
    /// Where.
    pub decision_point: &'d str,
    /// The scenario the visitor was in.
    pub scenario: Option<&'d str>,
    /// Its digest; records of different digests are never pooled.
    pub scenario_digest: Option<&'d str>,
    /// The pathway, found in every arm alike.
    pub pathway: Option<&'d str>,
    /// The segment whose overlay would be served in arm `personalized`.
    pub segment: Option<&'d str>,
    /// Whether that overlay changes what is served.
    pub differs: bool,
    /// The arm.
    pub arm: Option<&'static str>,
    /// Whether it counts in the experiment.
    pub in_experiment: bool,
    /// Why it came out as it did.
    pub reason: &'static str,
    /// What the page does.
    pub action: &'static str,
    /// What the models gave that the request was decided with.
    #[serde(skip_serializing_if = "ModelRecords::is_empty")]
    pub models: ModelRecords<'d>,
}

/// The models that were asked for one request, by name.
#[derive(Clone, Copy, Debug)]
pub struct ModelRecords<'d> {
    models: &'d [Model],
    outcomes: &'d [Outcome],
}

/// What one model gave: its outputs by name as they were compared, or the reason why there are none.
#[derive(Debug, Serialize)]
struct ModelRecord<'d> {
    digest: &'d str,
    outputs: Option<BTreeMap<&'d str, f64>>,
    reason: Option<&'static str>,
}

impl ModelRecords<'_> {
    fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }
}

impl Serialize for ModelRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named =
            self.outcomes.iter().filter_map(|outcome| Some((self.models.get(outcome.model)?, &outcome.outputs)));
        serializer.collect_map(named.map(|(model, outputs)| (&model.name, ModelRecord::new(model, outputs))))
    }
}

impl<'d> ModelRecord<'d> {
    fn new(model: &'d Model, outputs: &Result<Vec<f64>, GivenUp>) -> Self {
        let by_name =
            |outputs: &Vec<f64>| model.heads.iter().map(String::as_str).zip(outputs.iter().copied()).collect();
        Self {
            digest: &model.digest,
            outputs: outputs.as_ref().ok().map(by_name),
            reason: outputs.as_ref().err().map(|reason| reason.name()),
        }
    }
}

impl Decision<'_> {
    /// The record of this decision.
    fn record<'d>(
        &'d self,
        decision_point: &'d str,
        decision_id: &'d str,
        models: ModelRecords<'d>,
    ) -> DecisionRecord<'d> {
        DecisionRecord {
            decision_id,
            decision_point,
            scenario: self.scenario.map(|scenario| scenario.id.as_str()),
            scenario_digest: self.scenario.map(|scenario| scenario.digest.as_str()),
            pathway: self.pathway,
            segment: self.would_be_segment,
            differs: self.differs,
            arm: self.arm.map(Arm::name),
            in_experiment: self.in_experiment,
            reason: self.reason.name(),
            action: self.action.name(),
            models,
        }
    }
}

impl Decided<'_, '_> {
    /// The records of all decisions of this request.
    pub fn records(&self) -> impl Iterator<Item = DecisionRecord<'_>> {
        self.decisions.iter().map(|(point, id, decision)| self.record_of(point, id, decision))
    }

    pub(crate) fn record_of<'d>(
        &'d self,
        decision_point: &'d str,
        decision_id: &'d str,
        decision: &'d Decision<'_>,
    ) -> DecisionRecord<'d> {
        let models = ModelRecords { models: &self.engine.models, outcomes: &self.prepared.outcomes };
        decision.record(decision_point, decision_id, models)
    }
}
