//! One worker's decision loop: a compiled bundle, the node's session store and its counters, joined. Owns the order in which
//! state is read, a decision is made, state is written and the answer is rendered; decides nothing itself.

use std::sync::Arc;
use std::time::Duration;

use edgewise_core::answer::Committed;
use edgewise_core::decide::{Call, Decided, Reason, Switches};
use edgewise_core::error::RequestError;
use edgewise_core::events::{Accepted, Ingest, IngestFormat, KeyedUpdate};
use edgewise_core::request::EventError;
use edgewise_core::shed::{Fallbacks, Shed};
use edgewise_core::state::{Applied, FreshState, Scope, StateSource, StateUnavailable};
use edgewise_core::warning::{Warning, WarningCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::counters::{Counter, Counters, EventResult, StateOperation};
use crate::loading::SharedEngine;
use crate::pending::Turn;
use crate::sessions::{Clocks, SessionStore, Write};

/// How long an answer waits for its state to be written before it goes out without.
pub const COMMIT_DEADLINE: Duration = Duration::from_millis(50);

/// How long the ingest route waits: its callers send again what was not taken, and only that, as state knows an event
/// again only while its id is among the last 16 of its key.
pub const INGEST_DEADLINE: Duration = Duration::from_secs(2);

/// Most events of one body that are written together.
pub const INGEST_CHUNK: usize = 512;

/// Where the records of sessions and journeys are.
pub enum Records {
    /// Nowhere: every key is new, and what changes is forgotten with the answer.
    Fresh,
    /// In the node's session store.
    Stored(Arc<SessionStore>),
    /// In a store that this process could not open: reads fail, nothing is written, and answers say so.
    Down,
}

impl StateSource for Records {
    fn read(&self, scope: Scope, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        match self {
            Self::Fresh => FreshState.read(scope, key, now_ms),
            Self::Stored(sessions) => sessions.read(scope, key, now_ms),
            Self::Down => Err(StateUnavailable::Closed),
        }
    }
}

/// What is the same for all calls that a node answers with one bundle.
pub struct Node {
    /// The compiled bundle.
    pub engine: SharedEngine,
    /// Where records live.
    pub records: Records,
    /// What is counted; without it nothing is.
    pub counters: Option<Arc<Counters>>,
    /// Name of the node.
    pub name: String,
    /// Generation of the bundle.
    pub generation: u64,
    /// Whether `at` may move the clock of a request that is no dry run.
    pub allow_at: bool,
    /// What is switched off.
    pub switches: Switches,
    /// What is answered when there is no time to decide.
    pub fallbacks: Fallbacks,
    /// The bundle that serves other visitors of this node: what it keeps of events is kept, whoever they come from.
    pub beside: Option<SharedEngine>,
}

/// What differs from call to call, beside the body.
#[derive(Clone, Copy, Debug)]
pub struct CallFacts {
    /// The instant of the call.
    pub now: Timestamp,
    /// `Sec-GPC: 1` came with it.
    pub gpc: bool,
    /// The caller has the debug scope.
    pub debug: bool,
}

impl Node {
    /// The body of the answer to `POST /v1/decide`, with every model given up.
    pub fn decide(&self, body: &[u8], facts: CallFacts) -> Result<Vec<u8>, RequestError> {
        self.begin(body, facts).map(|turn| self.without_models(turn))
    }

    /// The body of the answer to `POST /v1/decide/batch`, with every model given up.
    pub fn decide_batch(&self, body: &[u8], facts: CallFacts) -> Result<Vec<u8>, RequestError> {
        self.begin_batch(body, facts).map(|turn| self.without_models(turn))
    }

    /// The body of the answer to `POST /v1/decide` when there is no time to decide; it changes nothing.
    pub fn shed(&self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, RequestError> {
        self.fallbacks.answer(body, now).map(|shed| self.count_shed(shed))
    }

    /// The body of the answer to `POST /v1/decide/batch` when there is no time to decide; it changes nothing.
    pub fn shed_batch(&self, body: &[u8], now: Timestamp) -> Result<Vec<u8>, RequestError> {
        self.fallbacks.answer_batch(body, now).map(|shed| self.count_shed(shed))
    }

    fn count_shed(&self, shed: Shed) -> Vec<u8> {
        self.add(Counter::Decisions(Reason::Shed), shed.decisions as u64);
        shed.body
    }

    fn without_models(&self, mut turn: Turn) -> Vec<u8> {
        loop {
            match turn {
                Turn::Answer(answer) => return answer,
                Turn::Pending(pending) => turn = self.resume(pending, &[]),
            }
        }
    }

    pub(crate) fn call(&self, facts: CallFacts, item: usize) -> Call<'_> {
        Call {
            now: facts.now,
            item,
            gpc: facts.gpc,
            debug: facts.debug,
            allow_at: self.allow_at,
            trusted: false,
            node: &self.name,
            generation: self.generation,
        }
    }

    /// Writes what a decided request changes, counts it, and renders its answer.
    pub(crate) fn finish(&self, decided: &Decided<'_, '_>, call: &Call<'_>) -> Vec<u8> {
        let committed = self.commit_decided(decided, call);
        self.count(decided);
        decided.render(call, committed)
    }

    /// Writes what a decision changes. Events that belong to a record which could not be read have failed, but not those of
    /// another scope.
    fn commit_decided(&self, decided: &Decided<'_, '_>, call: &Call<'_>) -> Committed {
        if decided.is_dry_run() {
            return Committed::DryRun;
        }
        let clocks = Clocks { now_ms: decided.now_ms(), wall_ms: call.now.as_millisecond() };
        let outcomes = self.commit(decided.updates(), clocks, COMMIT_DEADLINE);
        let has_lost_events = decided.state_failed() && decided.events_accepted() > 0;
        self.add(Counter::StateFailures(StateOperation::Commit), u64::from(has_lost_events));
        if has_lost_events || outcomes.iter().any(Result::is_err) {
            return Committed::Failed;
        }
        self.count_taken(decided.events_accepted(), duplicates(&outcomes));
        Committed::Done
    }

    /// Writes updates, one outcome each, and counts failures.
    fn commit(&self, updates: Vec<KeyedUpdate>, clocks: Clocks, deadline: Duration) -> Vec<Outcome> {
        if updates.is_empty() {
            return Vec::new();
        }
        let outcomes = match &self.records {
            Records::Fresh => updates.iter().map(|_| Ok(Applied::default())).collect(),
            Records::Stored(sessions) => sessions.commit(updates.into_iter().map(write).collect(), clocks, deadline),
            Records::Down => updates.iter().map(|_| Err(StateUnavailable::Closed)).collect(),
        };
        let failures = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        self.add(Counter::StateFailures(StateOperation::Commit), failures as u64);
        let restarted = outcomes.iter().flatten().filter(|applied| applied.restarted).count();
        self.add(Counter::StateFailures(StateOperation::Decode), restarted as u64);
        outcomes
    }

    fn count(&self, decided: &Decided<'_, '_>) {
        for (_, _, decision) in &decided.decisions {
            self.add(Counter::Decisions(decision.reason), 1);
        }
        for warning in decided.warnings() {
            self.add(Counter::Warnings(warning.code), 1);
            self.count_rejected(warning);
        }
        if decided.state_failed() {
            self.add(Counter::StateFailures(StateOperation::Read), 1);
        }
    }

    fn count_rejected(&self, warning: &Warning) {
        if warning.code == WarningCode::EventRejected {
            self.add(Counter::Events(EventResult::Rejected), 1);
        }
    }

    /// Counts events that were taken, those that state knew already apart.
    fn count_taken(&self, taken: usize, duplicates: usize) {
        self.add(Counter::Events(EventResult::Accepted), taken.saturating_sub(duplicates) as u64);
        self.add(Counter::Events(EventResult::Duplicate), duplicates.min(taken) as u64);
    }

    fn add(&self, counter: Counter, by: u64) {
        if let Some(counters) = &self.counters {
            counters.add(counter, by);
        }
    }

    /// The body of the answer to `POST /v1/events`.
    pub fn ingest(&self, body: &[u8], format: IngestFormat, facts: CallFacts) -> Result<Vec<u8>, RequestError> {
        let now_ms = facts.now.as_millisecond();
        let Ingest { mut accepted, mut rejected } = self.engine.ingest(body, format, now_ms, facts.gpc)?;
        if let Some(beside) = &self.beside {
            // Which events are acceptable depends on no bundle, so both have the same ones.
            let others = beside.ingest(body, format, now_ms, facts.gpc)?.accepted;
            accepted.iter_mut().zip(others).for_each(|(own, other)| own.join(other));
        }
        let (mut taken, mut known) = (0, 0);
        for mut events in chunks(accepted) {
            let (failed, duplicates) = self.write_events(&mut events, now_ms);
            taken += events.len() - failed.len();
            known += duplicates;
            rejected.extend(failed);
        }
        rejected.sort_by_key(|(position, _)| *position);
        self.count_taken(taken, known);
        self.add(Counter::Events(EventResult::Rejected), rejected.len() as u64);
        Ok(ingest_answer(taken, &rejected))
    }

    /// Writes what some events change, and returns those of them that state did not take, and how many it knew already.
    fn write_events(&self, events: &mut [Accepted], now_ms: i64) -> (Vec<(usize, EventError)>, usize) {
        let counts: Vec<usize> = events.iter().map(|event| event.updates.len()).collect();
        let updates = events.iter_mut().flat_map(|event| std::mem::take(&mut event.updates)).collect();
        let mut outcomes = self.commit(updates, now_ms.into(), INGEST_DEADLINE).into_iter();
        let (mut failed, mut known) = (Vec::new(), 0);
        for (event, count) in events.iter().zip(counts) {
            let of_event: Vec<_> = outcomes.by_ref().take(count).collect();
            if of_event.iter().any(Result::is_err) {
                failed.push((event.position, unavailable(event)));
            } else {
                known += duplicates(&of_event);
            }
        }
        (failed, known)
    }

    /// Erases a record; `None` when there is no such scope, else whether there was one.
    pub fn erase(&self, scope: &str, key: &str, now: Timestamp) -> Result<Option<bool>, StateUnavailable> {
        let Some(scope) = Scope::from_name(scope) else { return Ok(None) };
        match &self.records {
            Records::Fresh => Ok(Some(false)),
            Records::Stored(sessions) => sessions.erase(scope, key, now.as_millisecond(), INGEST_DEADLINE).map(Some),
            Records::Down => Err(StateUnavailable::Closed),
        }
    }
}

/// What became of one update.
type Outcome = Result<Applied, StateUnavailable>;

/// How many events of a body were known already. An event that several scopes know is one, hence the most that one knew.
fn duplicates(outcomes: &[Outcome]) -> usize {
    outcomes.iter().flatten().map(|applied| applied.duplicates as usize).max().unwrap_or(0)
}

fn write(keyed: KeyedUpdate) -> Write {
    Write { scope: keyed.scope, key: keyed.key, ttl_ms: keyed.ttl_ms, update: keyed.update }
}

/// Parts of a body that are written one after another, so that none of them fills the writers' queues.
fn chunks(mut events: Vec<Accepted>) -> impl Iterator<Item = Vec<Accepted>> {
    std::iter::from_fn(move || {
        let rest = events.split_off(events.len().min(INGEST_CHUNK));
        let chunk = std::mem::replace(&mut events, rest);
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn unavailable(event: &Accepted) -> EventError {
    let detail = "state was not written in time; send the event again".to_owned();
    EventError { id: Some(event.id.clone()), code: "state_unavailable", detail }
}

fn ingest_answer(accepted: usize, rejected: &[(usize, EventError)]) -> Vec<u8> {
    let errors: Vec<Json> = rejected
        .iter()
        .map(|(index, error)| json!({"index": index, "id": error.id, "code": error.code, "detail": error.detail}))
        .collect();
    json!({"accepted": accepted, "rejected": rejected.len(), "errors": errors}).to_string().into_bytes()
}
