//! From a parsed request to a row of readings: consent first, then callers' signals, the clock, and state with this request's
//! events applied to a copy. Nothing is written here.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::bundle::{Source, Unit};
use crate::clock;
use crate::consent::PurposeSet;
use crate::engine::{Engine, ScopeState};
use crate::error::RequestError;
use crate::events::{self, KeyedUpdate};
use crate::model::{Model, ModelSet, Outcome};
use crate::request::{Consent, Context, Explain, Force, Given, Identity, Observed, Options, Pairs, Request, Text, id};
use crate::signal::{Reading, Signal, SignalId};
use crate::state::{Event, Record, Scope, StateSource, Update};
use crate::value::Value;
use crate::warning::{Warning, WarningCode, Warnings};

/// What a node knows of a call beside its body.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two of them make one state")]
pub struct Call<'c> {
    /// The instant of the call.
    pub now: Timestamp,
    /// Which item of a batch it is; 0 outside a batch.
    pub item: usize,
    /// `Sec-GPC: 1` came with it.
    pub gpc: bool,
    /// The caller may use what needs the debug scope.
    pub debug: bool,
    /// `at` may move the clock without `dryRun`.
    pub allow_at: bool,
    /// Signals of every source may be set: tests and golden decisions only.
    pub trusted: bool,
    /// Name of the node.
    pub node: &'c str,
    /// Generation that the node serves.
    pub generation: u64,
}

/// A request with all that is needed to decide it.
#[derive(Debug)]
pub struct Prepared<'b> {
    pub(crate) request_id: Cow<'b, str>,
    pub(crate) points: Vec<Text<'b>>,
    pub(crate) identity: Identity<'b>,
    pub(crate) row: Vec<Reading<'b>>,
    pub(crate) refused: PurposeSet,
    pub(crate) held: Vec<Held>,
    /// What a bundle that serves others keeps of the events.
    pub(crate) beside: Vec<KeyedUpdate>,
    pub(crate) explain: Explain,
    pub(crate) force: Force,
    pub(crate) dry_run: bool,
    pub(crate) now_ms: i64,
    pub(crate) events_accepted: usize,
    pub(crate) warnings: Warnings,
    /// A record could not be read.
    pub(crate) state_failed: bool,
    /// Models that have run or were given up.
    pub(crate) settled: ModelSet,
    /// What each of them gave, in the order of the bundle's models.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The record of one scope, with this request's events applied, and the update that did it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) scope: Scope,
    pub(crate) record: Record,
    pub(crate) update: Update,
    pub(crate) writes: bool,
}

impl Engine {
    /// Parses a request, reads its state and fills the row that conditions are decided on.
    pub fn prepare<'b>(
        &self,
        body: &'b [u8],
        call: &Call<'_>,
        source: &impl StateSource,
    ) -> Result<Prepared<'b>, RequestError> {
        self.prepare_beside(body, call, source, None)
    }

    /// The same, on a node where another bundle serves other visitors: the events count for what that one keeps, too.
    pub fn prepare_beside<'b>(
        &self,
        body: &'b [u8],
        call: &Call<'_>,
        source: &impl StateSource,
        beside: Option<&Self>,
    ) -> Result<Prepared<'b>, RequestError> {
        let mut warnings = Warnings::default();
        let request = Request::parse(body, |path| warnings.push(unknown_field(&path)))?;
        let options = request.options();
        allow(&options, call)?;
        let now = options.at.map_or(call.now, |at| at.0);
        let refused = self.refused(&request, call, &mut warnings);
        let beside = beside.map(|other| (other, other.refused(&request, call, &mut Warnings::default())));
        let Request { request_id, decision_points, identity, signals, events, context, .. } = request;
        let mut row = vec![Reading::Missing; self.signals.len()];
        for (slot, purposes) in &self.guarded {
            if !purposes.intersection(refused).is_empty() {
                set(&mut row, *slot, Reading::Denied);
            }
        }
        let mut prepared = Prepared {
            request_id: request_id.map_or(Cow::Borrowed(""), Text::into_inner),
            points: unique(decision_points.0),
            identity: identity.unwrap_or_default().0,
            row,
            refused,
            held: Vec::new(),
            beside: Vec::new(),
            explain: options.explain.unwrap_or_default(),
            force: options.force.unwrap_or_default().0,
            dry_run: options.dry_run.unwrap_or(false),
            now_ms: now.as_millisecond(),
            events_accepted: 0,
            warnings,
            state_failed: false,
            settled: ModelSet::default(),
            outcomes: Vec::new(),
        };
        if prepared.request_id.is_empty() {
            prepared.request_id = Cow::Owned(derived_id(body, now, call.item));
        }
        prepared.read_context(self, context.unwrap_or_default().0, now);
        let events = events::inline(&events.unwrap_or_default().0, prepared.now_ms, &mut prepared.warnings);
        prepared.events_accepted = events.len();
        prepared.read_state(self, &events, source);
        if let Some((other, refused)) = beside.filter(|_| !events.is_empty()) {
            prepared.beside = other.keeps(&events, refused, |scope| prepared.key(scope));
        }
        prepared.read_signals(self, signals.map(Pairs::into_inner).unwrap_or_default(), call.trusted);
        Ok(prepared)
    }

    fn refused(&self, request: &Request<'_>, call: &Call<'_>, warnings: &mut Warnings) -> PurposeSet {
        let consent = request.consent.as_ref().map(|consent| &consent.0);
        for name in consent.into_iter().flat_map(Consent::strings) {
            let detail = "is not yet understood and grants nothing";
            warnings.push(Warning::new(WarningCode::ConsentStringIgnored, format!("consent.{name}"), detail));
        }
        let gpc = call.gpc || consent.and_then(|consent| consent.gpc).unwrap_or(false);
        self.purposes.refused(request.granted(), gpc, |name| {
            let field = format!("consent.purposes.{name}");
            warnings.push(Warning::new(WarningCode::UnknownPurpose, field, "is not a declared purpose"));
        })
    }
}

/// What needs the debug scope, and when the clock may be moved.
fn allow(options: &Options, call: &Call<'_>) -> Result<(), RequestError> {
    let debug_only = [
        ("options.explain", options.explain == Some(Explain::Full)),
        ("options.at", options.at.is_some()),
        ("options.force", options.force.as_ref().is_some_and(|force| force.0.arm.is_some())),
    ];
    if let Some((field, _)) = debug_only.into_iter().find(|(_, used)| *used && !call.debug) {
        return Err(RequestError::forbidden(field));
    }
    if options.at.is_some() && !call.allow_at && options.dry_run != Some(true) {
        return Err(RequestError::bad("options.at", "moves the clock only with `dryRun`"));
    }
    Ok(())
}

/// Asked twice, answered once: the answer is an object.
pub(crate) fn unique(points: Vec<Text<'_>>) -> Vec<Text<'_>> {
    let mut unique: Vec<Text<'_>> = Vec::with_capacity(points.len());
    for point in points {
        if !unique.contains(&point) {
            unique.push(point);
        }
    }
    unique
}

fn unknown_field(path: &str) -> Warning {
    Warning::new(WarningCode::UnknownField, path.replace(".?", ""), "is not a field of this request")
}

/// An id for a request that brought none. It depends on the request and its clock alone, so that deciding again gives the
/// same bytes.
pub(crate) fn derived_id(body: &[u8], now: Timestamp, item: usize) -> String {
    let hash =
        Sha256::new_with_prefix(body).chain_update(now.as_nanosecond().to_le_bytes()).chain_update(item.to_le_bytes());
    super::hex_id(hash)
}

fn set<'b>(row: &mut [Reading<'b>], slot: SignalId, reading: Reading<'b>) {
    if let Some(place) = row.get_mut(slot as usize) {
        *place = reading;
    }
}

impl<'b> Prepared<'b> {
    /// The key of a scope's record, if the request names one.
    pub(crate) fn key(&self, scope: Scope) -> Option<&str> {
        match scope {
            Scope::Session => id(self.identity.session_id.as_ref()),
            Scope::Journey => id(self.identity.journey_id.as_ref()),
        }
    }

    /// The records that were read for it, by scope and key.
    pub fn records(&self) -> impl Iterator<Item = (Scope, &str)> {
        self.held.iter().filter_map(|held| Some((held.scope, self.key(held.scope)?)))
    }

    /// The id that a unit of assignment is drawn on.
    pub(crate) fn unit(&self, unit: Unit) -> Option<&str> {
        let ids = &self.identity;
        id(match unit {
            Unit::User => ids.user_id.as_ref(),
            Unit::Visitor => ids.anonymous_id.as_ref(),
            Unit::Session => ids.session_id.as_ref(),
            Unit::Account => ids.account_id.as_ref(),
        })
    }

    /// Those models whose record was read; without one there is nothing to run them on, and their signals stay missing.
    pub(crate) fn runnable(&self, engine: &Engine, models: ModelSet) -> ModelSet {
        let held = |index: &usize| {
            let scope = engine.models.get(*index).map(Model::scope);
            self.held.iter().any(|held| Some(held.scope) == scope)
        };
        models.iter().filter(held).fold(ModelSet::default(), |set, index| set.union(ModelSet::single(index)))
    }

    /// The same request, borrowing nothing from the body.
    pub fn into_owned(self) -> Prepared<'static> {
        let owned = |text: Option<Text<'_>>| text.map(Text::into_owned);
        let Identity { user_id, anonymous_id, session_id, journey_id, account_id } = self.identity;
        Prepared {
            request_id: Cow::Owned(self.request_id.into_owned()),
            points: self.points.into_iter().map(Text::into_owned).collect(),
            identity: Identity {
                user_id: owned(user_id),
                anonymous_id: owned(anonymous_id),
                session_id: owned(session_id),
                journey_id: owned(journey_id),
                account_id: owned(account_id),
            },
            row: self.row.into_iter().map(Reading::into_owned).collect(),
            refused: self.refused,
            held: self.held,
            beside: self.beside,
            explain: self.explain,
            force: self.force,
            dry_run: self.dry_run,
            now_ms: self.now_ms,
            events_accepted: self.events_accepted,
            warnings: self.warnings,
            state_failed: self.state_failed,
            settled: self.settled,
            outcomes: self.outcomes,
        }
    }

    /// How often a capped overlay has been served, as far as is known.
    pub(crate) fn cap_count(&self, scope: Scope, digest: u64) -> u32 {
        let held = self.held.iter().find(|held| held.scope == scope);
        held.map_or(0, |held| held.record.cap_count(digest))
    }

    fn read_context(&mut self, engine: &Engine, context: Context<'b>, now: Timestamp) {
        if let Some(country) = context.country {
            set(&mut self.row, engine.country, Reading::Known(Value::String(country.into_inner())));
        }
        let zone = context.timezone.and_then(|name| {
            let zone = clock::zone(name.as_str());
            if zone.is_none() {
                let detail = format!("`{}` is not a time zone; the book's is used", name.as_str());
                self.warnings.push(Warning::new(WarningCode::UnknownTimezone, "context.timezone", detail));
            }
            zone
        });
        if let Some(clock) = engine.clock {
            for (slot, reading) in clock.read(now, zone.as_ref().unwrap_or(&engine.zone)) {
                set(&mut self.row, slot, reading);
            }
        }
    }

    /// Reads the record of each scope in use and applies the events to the copy.
    fn read_state(&mut self, engine: &Engine, events: &[Event<'_>], source: &impl StateSource) {
        for state in engine.scopes.iter().filter(|state| state.is_used()) {
            let Some(key) = self.key(state.scope) else { continue };
            let Ok(found) = source.read(state.scope, key, self.now_ms) else {
                self.state_failed = true;
                continue;
            };
            let existed = found.is_some();
            // A record that does not decode is as good as none: what it held was soft state.
            let mut record = found.and_then(|bytes| Record::decode(&bytes).ok()).unwrap_or_default();
            let update = self.update(state, events);
            record.apply(&update);
            self.read_fields(state, &record);
            let writes = !update.is_empty() || (existed && !events.is_empty() && !self.is_all_denied(state));
            self.held.push(Held { scope: state.scope, record, update, writes });
        }
        if self.state_failed {
            let detail = "state could not be read; its signals are missing";
            self.warnings.push(Warning::new(WarningCode::StateUnavailable, "identity", detail));
        }
    }

    fn update(&self, state: &ScopeState, events: &[Event<'_>]) -> Update {
        state.update(events, |slot| self.is_denied(slot))
    }

    fn is_all_denied(&self, state: &ScopeState) -> bool {
        state.all_denied(|slot| self.is_denied(slot))
    }

    /// Whether nothing is known of a signal, for no other reason than that it was not given.
    pub(crate) fn is_missing(&self, slot: SignalId) -> bool {
        self.row.get(slot as usize).is_none_or(|reading| *reading == Reading::Missing)
    }

    fn is_denied(&self, slot: SignalId) -> bool {
        matches!(self.row.get(slot as usize), Some(Reading::Denied))
    }

    fn read_fields(&mut self, state: &ScopeState, record: &Record) {
        for (aggregate, slots) in state.plan.fields().iter().zip(&state.slots) {
            let reading = record.read(aggregate, self.now_ms);
            for slot in slots {
                if let Some(place) = self.row.get_mut(*slot as usize).filter(|place| **place != Reading::Denied) {
                    *place = reading.clone();
                }
            }
        }
    }

    fn read_signals(&mut self, engine: &Engine, given: Vec<(Cow<'b, str>, &'b RawValue)>, trusted: bool) {
        for (name, given) in given {
            let Some(slot) = engine.signals.slot(&name) else {
                self.warn_signal(WarningCode::UnknownSignal, &name, "is not declared".to_owned());
                continue;
            };
            let (Some(signal), Some(facts)) = (engine.signals.get(slot), engine.facts(slot)) else { continue };
            if !trusted && !facts.source.is_callers() {
                let detail = format!("is a {} signal and cannot be set", facts.source.name());
                self.warn_signal(WarningCode::IgnoredSignal, &name, detail);
                continue;
            }
            if facts.source == Source::Model {
                // What a test says a model gave, or by `null` that it gave nothing, no model may contradict.
                self.settled = self.settled.union(engine.model_of(slot));
            }
            if self.is_denied(slot) {
                continue;
            }
            let reading = self.reading(signal, facts.max_age_ms, given);
            if reading == Reading::Invalid {
                self.warn_signal(
                    WarningCode::InvalidSignal,
                    &name,
                    "has a value that its declaration does not allow".to_owned(),
                );
            }
            set(&mut self.row, slot, reading);
        }
    }

    /// What cannot even be parsed, as `1e400`, is a value that no declaration allows.
    fn reading(&self, signal: &Signal, max_age_ms: Option<i64>, given: &'b RawValue) -> Reading<'b> {
        match serde_json::from_str::<Given<'b>>(given.get()) {
            Ok(given) => self.fresh(signal.admit(given.input), max_age_ms, given.observed),
            Err(_) => Reading::Invalid,
        }
    }

    /// A value is stale once it is older than `max_age`; one without a time was observed now.
    fn fresh(&self, reading: Reading<'b>, max_age_ms: Option<i64>, observed: Observed) -> Reading<'b> {
        match (reading, observed) {
            (Reading::Known(_), Observed::Unreadable) => Reading::Invalid,
            (Reading::Known(value), Observed::At(at)) => {
                let age_ms = self.now_ms.saturating_sub(at.as_millisecond());
                if max_age_ms.is_some_and(|max| age_ms > max) { Reading::Stale } else { Reading::Known(value) }
            }
            (reading, _) => reading,
        }
    }

    fn warn_signal(&mut self, code: WarningCode, name: &str, detail: String) {
        self.warnings.push(Warning::new(code, format!("signals.{name}"), detail));
    }
}
