//! What is remembered of a decision as evidence: the same facts in every arm, so that arms can be compared. Written nowhere
//! by this crate.

use serde::Serialize;

use crate::decide::{Decided, Decision};
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
}

impl Decision<'_> {
    /// The record of this decision.
    pub(crate) fn record<'d>(&'d self, decision_point: &'d str, decision_id: &'d str) -> DecisionRecord<'d> {
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
        }
    }
}

impl Decided<'_, '_> {
    /// The records of all decisions of this request.
    pub fn records(&self) -> impl Iterator<Item = DecisionRecord<'_>> {
        self.decisions.iter().map(|(point, id, decision)| decision.record(point, id))
    }
}
