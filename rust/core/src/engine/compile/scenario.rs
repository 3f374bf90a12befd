//! One scenario of a document: its conditions by id, and every experience it can serve, merged and rendered.

use std::collections::HashMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::conditions::{Conditions, Read};
use crate::bundle::{CapDocument, OverlayDocument, ScenarioDocument, ScenarioPointDocument};
use crate::consent::PurposeSet;
use crate::engine::{Point, ScopeState};
use crate::error::BundleError;
use crate::merge::merge_patch;
use crate::scenario::{Cap, Experience, Experiment, Overlay, Pathway, PathwayPlan, Plan, Scenario};
use crate::signal::SignalId;

/// Compiles one scenario and what it serves.
pub(super) struct ScenarioCompiler<'c> {
    pub(super) place: String,
    pub(super) declared: &'c ScenarioDocument,
    pub(super) slot: usize,
    pub(super) segments: &'c HashMap<String, Read>,
    pub(super) scopes: &'c mut Vec<ScopeState>,
}

impl ScenarioCompiler<'_> {
    pub(super) fn scenario(&self, conditions: &mut Conditions<'_>) -> Result<Scenario, BundleError> {
        let declared = self.declared;
        let context = conditions.post(&declared.context, &format!("{}.context", self.place))?;
        let mut reads = context.signals.clone();
        let mut pathways = Vec::with_capacity(declared.pathways.len());
        for pathway in &declared.pathways {
            let place = format!("{}.pathways.{}", self.place, pathway.id);
            let when = pathway.when.as_ref().map(|text| conditions.compile(text, &place)).transpose()?;
            reads.extend(when.iter().flat_map(|read| &read.signals));
            pathways.push(Pathway { id: pathway.id.clone(), when: when.map(|read| read.id) });
        }
        for overlay in declared.decision_points.iter().flat_map(|point| &point.overlays) {
            reads.extend(&self.segment(overlay)?.signals);
        }
        reads.sort_unstable();
        reads.dedup();
        let facts = |slot: &SignalId| conditions.signals.facts.get(*slot as usize);
        let purposes =
            reads.iter().filter_map(facts).fold(PurposeSet::default(), |set, facts| set.union(facts.purposes));
        let experiment = declared.experiment.as_ref().map(|experiment| {
            let arms = &experiment.arms;
            Experiment::new(experiment.unit, experiment.salt.clone(), arms.as_is, arms.personalized)
        });
        if pathways.last().is_none_or(|pathway| pathway.when.is_some()) {
            return Err(self.error("pathways", "the last one must be `otherwise`"));
        }
        Ok(Scenario {
            id: declared.id.clone(),
            digest: declared.digest.clone(),
            context: context.id,
            pathways,
            experiment,
            purposes,
            reads,
            explanation: declared.explanation.clone(),
        })
    }

    pub(super) fn plans(
        &mut self,
        scenario: &Scenario,
        points: &mut HashMap<String, Point>,
    ) -> Result<(), BundleError> {
        let declared = self.declared;
        for point in &declared.decision_points {
            let pathways: Result<Vec<_>, _> =
                scenario.pathways.iter().map(|pathway| self.pathway_plan(&pathway.id, point)).collect();
            let plan = Plan { scenario: self.slot, pathways: pathways? };
            let registered =
                points.get_mut(&point.id).ok_or_else(|| self.error(&point.id, "is not a registered decision point"))?;
            registered.push(plan, scenario.context);
        }
        Ok(())
    }

    fn pathway_plan(&mut self, pathway: &str, point: &ScenarioPointDocument) -> Result<PathwayPlan, BundleError> {
        let mut served = Served { value: point.default.clone(), omit: false };
        if let Some(delta) = point.by_pathway.get(pathway) {
            served.apply(delta.set.as_ref(), delta.omit);
        }
        let base = served.render();
        let applies = |overlay: &&OverlayDocument| {
            overlay.pathways.as_ref().is_none_or(|pathways| pathways.iter().any(|id| id == pathway))
        };
        let mut overlays = Vec::new();
        for overlay in point.overlays.iter().filter(applies) {
            let mut served = served.clone();
            served.apply(overlay.delta.set.as_ref(), overlay.delta.omit);
            let experience = served.render();
            overlays.push(Overlay {
                segment: overlay.segment.clone(),
                when: self.segment(overlay)?.id,
                differs: experience != base,
                experience,
                explain: overlay.explain.clone(),
                cap: overlay.cap.as_ref().map(|cap| self.cap(cap, point, overlay)).transpose()?,
            });
        }
        Ok(PathwayPlan { base, overlays })
    }

    fn segment(&self, overlay: &OverlayDocument) -> Result<&Read, BundleError> {
        let unknown = || self.error("overlays", &format!("segment `{}` is not declared", overlay.segment));
        self.segments.get(&overlay.segment).ok_or_else(unknown)
    }

    fn cap(
        &mut self,
        cap: &CapDocument,
        point: &ScenarioPointDocument,
        overlay: &OverlayDocument,
    ) -> Result<Cap, BundleError> {
        let state = self.scopes.iter_mut().find(|state| state.scope.name() == cap.per);
        let Some(state) = state else {
            return Err(self.error("cap", &format!("`{}` is not a scope of state", cap.per)));
        };
        let digest = cap_digest(&[&self.declared.id, &point.id, &overlay.segment]);
        state.has_caps = true;
        Ok(Cap { digest, max: cap.max, scope: state.scope })
    }

    fn error(&self, part: &str, detail: &str) -> BundleError {
        BundleError::new(format!("{}.{part}", self.place), detail)
    }
}

/// Names the counter of a cap in a record; a scenario's next version goes on counting.
fn cap_digest(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new_with_prefix(b"edgewise cap");
    for part in parts {
        hash.update([0]);
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// What is served while deltas are applied to it.
#[derive(Clone)]
struct Served {
    value: Json,
    omit: bool,
}

impl Served {
    /// `omit` makes the moment disappear; a later `set` brings it back.
    fn apply(&mut self, set: Option<&Json>, omit: bool) {
        if let Some(patch) = set {
            merge_patch(&mut self.value, patch);
            self.omit = false;
        }
        self.omit |= omit;
    }

    fn render(&self) -> Experience {
        if self.omit { Experience::Omit } else { Experience::Render(self.value.to_string().into_bytes()) }
    }
}
