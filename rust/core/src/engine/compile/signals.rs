//! Declared and built-in signals of a document: types, sources, purposes, aggregates.

use serde_json::Number;

use super::policy::number_value;
use crate::bundle::{AggregateDocument, OutputDocument, SignalDocument, Source};
use crate::clock::ClockSignals;
use crate::consent::{PurposeSet, Purposes};
use crate::engine::SignalFacts;
use crate::error::BundleError;
use crate::signal::{Signal, SignalId, SignalTable};
use crate::state::{Aggregate, AggregateKind, AggregateSpec, Scope};
use crate::value::Type;

/// Declared and built-in signals while they are being collected.
pub(super) struct SignalSet {
    pub(super) table: SignalTable,
    pub(super) facts: Vec<SignalFacts>,
    pub(super) aggregates: Vec<(Scope, SignalId, Aggregate)>,
    /// Signals that models set.
    pub(super) outputs: Vec<(SignalId, OutputDocument)>,
    pub(super) clock: ClockSignals,
    pub(super) country: SignalId,
}

impl SignalSet {
    pub(super) fn new() -> Self {
        let mut table = SignalTable::default();
        let clock = ClockSignals::declare(&mut table);
        let country = table.push(Signal {
            name: "geo.country".to_owned(),
            kind: Some(Type::String),
            values: Vec::new(),
            min: None,
            max: None,
        });
        let built_in = |source| SignalFacts { source, purposes: PurposeSet::default(), max_age_ms: None, label: None };
        let sources = [Source::Clock, Source::Clock, Source::Clock, Source::Edge];
        Self { table, facts: sources.map(built_in).into(), aggregates: Vec::new(), outputs: Vec::new(), clock, country }
    }

    pub(super) fn declare(
        &mut self,
        name: &str,
        declared: &SignalDocument,
        purposes: &Purposes,
    ) -> Result<(), BundleError> {
        let place = || format!("signals.{name}");
        let kind = Type::from_name(&declared.kind)
            .ok_or_else(|| BundleError::new(place(), format!("`{}` is not a type", declared.kind)))?;
        if self.table.slot(name).is_some() {
            return Err(BundleError::new(place(), "is built in"));
        }
        let bound = |number: &Option<Number>| number.as_ref().and_then(number_value);
        let slot = self.table.push(Signal {
            name: name.to_owned(),
            kind: Some(kind),
            values: declared.values.clone(),
            min: bound(&declared.min),
            max: bound(&declared.max),
        });
        let mut set = PurposeSet::default();
        for purpose in &declared.purposes {
            let found = purposes
                .slot(purpose)
                .ok_or_else(|| BundleError::new(place(), format!("purpose `{purpose}` is not declared")))?;
            set = set.union(PurposeSet::single(found));
        }
        self.facts.push(SignalFacts {
            source: declared.source,
            purposes: set,
            max_age_ms: declared.max_age_ms,
            label: declared.label.clone(),
        });
        self.outputs.extend(declared.model.clone().map(|output| (slot, output)));
        let scope = match declared.source {
            Source::Session => Scope::Session,
            Source::Journey => Scope::Journey,
            _ => return Ok(()),
        };
        let aggregate = declared.aggregate.as_ref().ok_or_else(|| BundleError::new(place(), "has no aggregate"))?;
        let aggregate = aggregate_of(aggregate, kind).map_err(|detail| BundleError::new(place(), detail))?;
        self.aggregates.push((scope, slot, aggregate.for_purposes(&declared.purposes)));
        Ok(())
    }

    /// Signals that a refused purpose can deny.
    pub(super) fn guarded(&self) -> Vec<(SignalId, PurposeSet)> {
        (0..)
            .zip(&self.facts)
            .filter(|(_, facts)| !facts.purposes.is_empty())
            .map(|(slot, facts)| (slot, facts.purposes))
            .collect()
    }
}

fn aggregate_of(declared: &AggregateDocument, kind: Type) -> Result<Aggregate, String> {
    let name = &declared.kind;
    let spec = AggregateSpec {
        kind: AggregateKind::from_name(name).ok_or_else(|| format!("`{name}` is not an aggregate"))?,
        event: declared.event.clone(),
        property: declared.property.clone(),
        half_life_ms: declared.half_life_ms,
        size: declared.size,
        equals: declared.equals.clone(),
        cap_ms: declared.cap_ms,
        value_type: kind,
    };
    Aggregate::new(spec).map_err(|error| error.to_string())
}
