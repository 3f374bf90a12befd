//! What one bundle remembers in one scope, and what a request's events do to it.

use std::collections::HashMap;
use std::sync::Arc;

use super::RECORD_BYTES_MAX;
use super::aggregate::{Aggregate, AggregateError, union_bytes};
use super::change::Change;
use super::event::Event;
use super::hash::short_hash;
use super::kind::AggregateKind;

/// The aggregates of a bundle in one scope; equal declarations share a field.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    fields: Vec<Aggregate>,
    by_digest: HashMap<u64, usize>,
    by_event: HashMap<String, Vec<usize>>,
    /// Fields that every event touches: those of any event, and dwells, which the next event ends whatever its name.
    by_any: Vec<usize>,
    known: Arc<Vec<u64>>,
}

impl Plan {
    /// Adds an aggregate and returns its field, by which [`Plan::update`] asks whether it is denied. Refused if a
    /// record could then outgrow [`RECORD_BYTES_MAX`].
    pub fn add(&mut self, aggregate: Aggregate) -> Result<usize, AggregateError> {
        if let Some(field) = self.by_digest.get(&aggregate.digest()) {
            return Ok(*field);
        }
        let bytes = union_bytes(self.fields.iter().chain([&aggregate]));
        if bytes > RECORD_BYTES_MAX {
            return Err(AggregateError::new(format!(
                "a record could take {bytes} bytes, more than the {RECORD_BYTES_MAX} it may: \
                 declare fewer aggregates, smaller rings or fewer texts"
            )));
        }
        let field = self.fields.len();
        self.by_digest.insert(aggregate.digest(), field);
        let spec = aggregate.spec();
        if spec.is_of_any_event() || spec.kind == AggregateKind::Dwell {
            self.by_any.push(field);
        } else {
            self.by_event.entry(spec.event.clone()).or_default().push(field);
        }
        self.know(aggregate.digest());
        self.fields.push(aggregate);
        Ok(field)
    }

    fn know(&mut self, digest: u64) {
        let known = Arc::make_mut(&mut self.known);
        if let Err(place) = known.binary_search(&digest) {
            known.insert(place, digest);
        }
    }

    /// The aggregates by field.
    pub fn fields(&self) -> &[Aggregate] {
        &self.fields
    }

    /// Whether there is no aggregate.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// What these events and caps do to a record. An aggregate that is `denied` by its field is left alone, and an event
    /// that changes no aggregate leaves no trace, not even its id.
    pub fn update(&self, events: &[Event<'_>], denied: impl Fn(usize) -> bool, caps: &[u64]) -> Update {
        let events = events.iter().map(|event| self.effect(event, &denied)).filter(|effect| !effect.changes.is_empty());
        Update { events: events.collect(), caps: caps.to_vec(), known: Arc::clone(&self.known) }
    }

    fn effect(&self, event: &Event<'_>, denied: impl Fn(usize) -> bool) -> Effect {
        let touched = self.by_event.get(event.name.as_ref()).map(Vec::as_slice).unwrap_or_default();
        // With room for all of them, for nearly every field that an event touches it changes.
        let mut changes = Vec::with_capacity(touched.len() + self.by_any.len());
        changes.extend(touched.iter().chain(&self.by_any).filter(|field| !denied(**field)).filter_map(|field| {
            let aggregate = self.fields.get(*field)?;
            Some((aggregate.digest(), Change::of(aggregate, event)?))
        }));
        Effect { id: short_hash(b'e', event.id.as_bytes()), time_ms: event.time_ms, changes }
    }
}

/// What has to be done to a record; owns all it needs, so that it can be applied to a copy now and by a writer later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub(super) events: Vec<Effect>,
    pub(super) caps: Vec<u64>,
    /// Digests of the bundle's fields, sorted: what may stay when a record is full.
    pub(super) known: Arc<Vec<u64>>,
}

/// What one event does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Effect {
    pub(super) id: u64,
    pub(super) time_ms: i64,
    pub(super) changes: Vec<(u64, Change)>,
}

impl Update {
    /// Whether there is nothing to do, hence nothing to write.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.caps.is_empty()
    }

    /// Adds what another bundle keeps of the same events. What both keep, this one has said already, with its own consent.
    ///
    /// Both have the events in one order, and so has the outcome: some aggregates go by it. Its digests are not known
    /// here: they are the first to go from a record that is full.
    pub fn merge(&mut self, other: Self) {
        let mut next = 0;
        for Effect { id, time_ms, mut changes } in other.events {
            changes.retain(|(digest, _)| self.known.binary_search(digest).is_err());
            let Some(rest) = self.events.get_mut(next..) else { return };
            if let Some(place) = rest.iter().position(|own| own.id == id) {
                if let Some(own) = rest.get_mut(place) {
                    own.changes.extend(changes);
                }
                next += place + 1;
            } else if !changes.is_empty() {
                self.events.insert(next, Effect { id, time_ms, changes });
                next += 1;
            }
        }
    }

    /// Counts one more delivery under a cap.
    pub fn count_cap(&mut self, digest: u64) {
        self.caps.push(digest);
    }
}
