//! Events of a request or of the ingest route, from raw parts to what the state applies. Owns acceptance and rejection; the
//! arithmetic of aggregates is in [`crate::state`].

use serde_json::value::RawValue;

use crate::consent::PurposeSet;
use crate::engine::{Engine, ScopeState};
use crate::error::RequestError;
use crate::request::{Bounded, EventError, EventRequest, INGEST_MAX, Pairs, id, parse};
use crate::signal::SignalId;
use crate::state::{Event, Scope, Update};
use crate::warning::{Warning, WarningCode, Warnings};

/// The events of a decision request that are acceptable; each other one leaves a warning.
pub(crate) fn inline<'b>(parts: &[&'b RawValue], now_ms: i64, warnings: &mut Warnings) -> Vec<Event<'b>> {
    let mut events = Vec::with_capacity(parts.len());
    for (position, part) in parts.iter().enumerate() {
        match EventRequest::parse(part).and_then(|event| accept(event, now_ms)) {
            Ok(event) => events.push(event),
            Err(error) => {
                let detail = format!("{}: {}", error.code, error.detail);
                warnings.push(Warning::new(WarningCode::EventRejected, format!("events[{position}]"), detail));
            }
        }
    }
    events
}

fn accept(event: EventRequest<'_>, now_ms: i64) -> Result<Event<'_>, EventError> {
    let time_ms = event.time_ms(now_ms)?;
    let EventRequest { id, event: name, properties, .. } = event;
    let properties = properties.map(Pairs::into_inner).unwrap_or_default();
    Ok(Event { id: id.into_inner(), name: name.into_inner(), time_ms, properties })
}

/// How a body of the ingest route holds its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IngestFormat {
    /// One JSON array.
    Array,
    /// One JSON object a line.
    Lines,
}

/// What one body of the ingest route changes, and what of it was rejected.
#[derive(Debug, Default)]
pub struct Ingest {
    /// One entry per event that was acceptable, in order.
    pub accepted: Vec<Accepted>,
    /// One entry per event that was not, with its position.
    pub rejected: Vec<(usize, EventError)>,
}

/// One acceptable event and the records it changes.
#[derive(Debug)]
pub struct Accepted {
    /// Position in the body.
    pub position: usize,
    /// The event's id.
    pub id: String,
    /// Updates by scope and key; none when no aggregate wants this event.
    pub updates: Vec<KeyedUpdate>,
}

impl Accepted {
    /// Adds what another bundle keeps of the same event.
    pub fn join(&mut self, other: Self) {
        join(&mut self.updates, other.updates);
    }
}

/// Adds updates that another bundle makes of the same events; a record that both write is written once, and lives as long
/// as the one that wants it longer says.
pub(crate) fn join(updates: &mut Vec<KeyedUpdate>, others: Vec<KeyedUpdate>) {
    for other in others {
        match updates.iter_mut().find(|own| own.scope == other.scope && own.key == other.key) {
            Some(own) => {
                own.ttl_ms = own.ttl_ms.max(other.ttl_ms);
                own.update.merge(other.update);
            }
            None => updates.push(other),
        }
    }
}

/// An update of one record.
#[derive(Clone, Debug)]
pub struct KeyedUpdate {
    /// Which kind of record.
    pub scope: Scope,
    /// Whose record.
    pub key: String,
    /// How long the record lives from now.
    pub ttl_ms: i64,
    /// What to apply.
    pub update: Update,
}

impl Engine {
    /// Parses a body of the ingest route: a JSON array, or one JSON object a line. A bad event is rejected by its position,
    /// the rest are taken.
    pub fn ingest(&self, body: &[u8], format: IngestFormat, now_ms: i64, gpc: bool) -> Result<Ingest, RequestError> {
        let mut ingest = Ingest::default();
        for (position, part) in parts(body, format)?.into_iter().enumerate() {
            match part.and_then(|part| self.ingest_one(part, now_ms, gpc)) {
                Ok((id, updates)) => ingest.accepted.push(Accepted { position, id, updates }),
                Err(error) => ingest.rejected.push((position, error)),
            }
        }
        Ok(ingest)
    }

    fn ingest_one(&self, part: &RawValue, now_ms: i64, gpc: bool) -> Result<(String, Vec<KeyedUpdate>), EventError> {
        let event = EventRequest::parse(part)?;
        if !event.has_identity() {
            return Err(
                event.error("missing_identity", "names no userId, anonymousId, sessionId, journeyId or accountId")
            );
        }
        let consent = event.consent.as_ref().map(|consent| &consent.0);
        let gpc = gpc || consent.and_then(|consent| consent.gpc).unwrap_or(false);
        let granted = consent.and_then(|consent| consent.purposes.as_ref()).map_or(&[][..], Pairs::as_slice);
        let refused = self.purposes.refused(granted, gpc, |_| ());
        let keys = [
            (Scope::Session, id(event.session_id.as_ref()).map(str::to_owned)),
            (Scope::Journey, id(event.journey_id.as_ref()).map(str::to_owned)),
        ];
        let event = accept(event, now_ms)?;
        let key_of = |wanted| keys.iter().find(|(scope, _)| *scope == wanted).and_then(|(_, key)| key.as_deref());
        let updates = self.keeps(std::slice::from_ref(&event), refused, key_of);
        Ok((event.id.into_owned(), updates))
    }

    /// What this bundle keeps of events, by scope, of those scopes that have a key.
    pub(crate) fn keeps<'k>(
        &self,
        events: &[Event<'_>],
        refused: PurposeSet,
        key_of: impl Fn(Scope) -> Option<&'k str>,
    ) -> Vec<KeyedUpdate> {
        let denied = |slot| !self.purposes_of(slot).intersection(refused).is_empty();
        let keep = |scope| {
            let (key, state) = key_of(scope).zip(self.scope(scope))?;
            let is_kept = state.is_used() && !state.all_denied(denied);
            let update = is_kept.then(|| state.update(events, denied))?;
            Some(KeyedUpdate { scope, key: key.to_owned(), ttl_ms: state.ttl_ms, update })
        };
        Scope::ALL.into_iter().filter_map(keep).collect()
    }
}

impl ScopeState {
    /// The update that events make here. Signals of one field have the same purposes, so they are denied together.
    pub(crate) fn update(&self, events: &[Event<'_>], denied: impl Fn(SignalId) -> bool) -> Update {
        let field_denied =
            |field: usize| self.kept_for.get(field).is_some_and(|slots| slots.iter().all(|slot| denied(*slot)));
        self.plan.update(events, field_denied, &[])
    }

    /// Whether consent leaves nothing here that an event may touch, not even to prolong its life.
    pub(crate) fn all_denied(&self, denied: impl Fn(SignalId) -> bool) -> bool {
        !self.kept_for.is_empty() && self.kept_for.iter().flatten().all(|slot| denied(*slot))
    }
}

/// Splits a body into its events.
fn parts(body: &[u8], format: IngestFormat) -> Result<Vec<Result<&RawValue, EventError>>, RequestError> {
    if body.trim_ascii().is_empty() {
        return Err(RequestError::bad("", "is empty"));
    }
    let parts = match format {
        IngestFormat::Array => array(body)?,
        IngestFormat::Lines => lines(body),
    };
    if parts.len() > INGEST_MAX {
        return Err(RequestError::too_many("events", INGEST_MAX));
    }
    Ok(parts)
}

fn array(body: &[u8]) -> Result<Vec<Result<&RawValue, EventError>>, RequestError> {
    let parts: Bounded<&RawValue, INGEST_MAX> = parse(body, &mut |_| ())?;
    Ok(parts.0.into_iter().map(Ok).collect())
}

fn lines(body: &[u8]) -> Vec<Result<&RawValue, EventError>> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    // One line too many is enough to know that there are too many.
    lines.take(INGEST_MAX + 1).map(line).collect()
}

fn line(line: &[u8]) -> Result<&RawValue, EventError> {
    serde_json::from_slice(line).map_err(|error| EventError {
        id: None,
        code: "invalid_json",
        detail: error.to_string(),
    })
}
