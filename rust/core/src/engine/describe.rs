//! What a bundle says of itself: the defaults that an edge worker keeps for when nothing else answers.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{Engine, Point};
use crate::signal::SignalId;

impl Engine {
    /// The purposes of every declared signal that has any, by name: those it declares and those it inherits from what its
    /// model reads.
    pub fn signal_purposes(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let named = |(slot, set): &(SignalId, _)| (self.signals.name(*slot), self.purposes.names(*set).collect());
        self.guarded.iter().map(named)
    }

    /// The part of the bundle's document that says which models it uses.
    pub fn declared_models(&self) -> &[u8] {
        &self.declared_models
    }

    /// The body of `GET /v1/defaults`: each decision point's fallback and the signals that decisions there read.
    pub fn defaults(&self) -> &[u8] {
        self.defaults.get_or_init(|| self.render_defaults())
    }

    fn render_defaults(&self) -> Vec<u8> {
        let points: Map<String, Json> =
            self.points.iter().map(|(id, point)| (id.clone(), self.point_defaults(point))).collect();
        json!({"bundle": self.digest, "decisionPoints": points}).to_string().into_bytes()
    }

    fn point_defaults(&self, point: &Point) -> Json {
        let scenarios = point.plans.iter().filter_map(|plan| self.scenarios.get(plan.scenario));
        let mut slots: BTreeSet<SignalId> = scenarios.flat_map(|scenario| scenario.reads.iter().copied()).collect();
        slots.extend(self.inputs_of_models(&slots));
        let mut reads: Vec<SignalId> = slots.into_iter().collect();
        reads.sort_by_key(|slot| self.signals.name(*slot));
        let fallback: Json = serde_json::from_slice(&point.fallback).unwrap_or_default();
        json!({"fallback": fallback, "reads": reads.into_iter().map(|slot| self.read(slot)).collect::<Vec<_>>()})
    }

    /// What the models read that set some of these signals: callers have to send that too.
    fn inputs_of_models(&self, slots: &BTreeSet<SignalId>) -> Vec<SignalId> {
        let models =
            slots.iter().flat_map(|slot| self.model_of(*slot).iter()).filter_map(|index| self.models.get(index));
        models.flat_map(|model| model.inputs.iter().copied()).collect()
    }

    fn read(&self, slot: SignalId) -> Json {
        let kind = self.signals.get(slot).and_then(|signal| signal.kind).map(crate::value::Type::name);
        let purposes: Vec<&str> = self.purposes.names(self.purposes_of(slot)).collect();
        let source = self.facts(slot).map(|facts| facts.source.name());
        json!({"signal": self.signals.name(slot), "type": kind, "source": source, "purposes": purposes})
    }
}
