//! The session store as a worker uses it: four files, their writers, and the checks that keep a misuse from doing harm.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edgewise_core::state::{Applied, Scope, StateSource, StateUnavailable, Update};

use super::clock::SteadyClock;
use super::error::SessionsError;
use super::layout::{Lock, enter, shard_dir};
use super::reply::{Done, Outcome, Reply};
use super::shard::Shard;
use super::stats::{SessionStats, Tally, count};
use super::writer::{Job, Task, Writer};
use super::{MAP_BYTES_MAX, SHARDS, key};

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Largest size of one file: a multiple of the page size, at most [`MAP_BYTES_MAX`], the same for all processes.
    pub map_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { map_bytes: MAP_BYTES_MAX }
    }
}

/// An update of one record.
#[derive(Clone, Debug)]
pub struct Write {
    /// What the record belongs to.
    pub scope: Scope,
    /// Its key.
    pub key: String,
    /// How long it lives after this update.
    pub ttl_ms: i64,
    /// What happens to it.
    pub update: Update,
}

/// The two clocks of an update. They differ where a request moves the decision's clock. Both are this machine's: the store
/// makes up for it when that one is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The decision's instant: what has expired by it is gone, and a record lives on from it.
    pub now_ms: i64,
    /// The instant of the call, by which the store frees what is old. Nothing a caller sends moves it.
    pub wall_ms: i64,
}

impl From<i64> for Clocks {
    fn from(now_ms: i64) -> Self {
        Self { now_ms, wall_ms: now_ms }
    }
}

/// The records of a node's sessions and journeys.
pub struct SessionStore {
    pub(super) shards: Vec<(Arc<Shard>, Writer)>,
    tally: Arc<Tally>,
    clock: SteadyClock,
    pub(super) process: u32,
    is_closed: AtomicBool,
    _lock: Lock,
}

impl SessionStore {
    /// Opens the store in a prepared folder. A process opens it once, and again after a fork.
    pub fn open(dir: &Path, options: Options) -> Result<Self, SessionsError> {
        let (lock, boot_ms) = enter(dir)?;
        let tally = Arc::new(Tally::default());
        let open = |number| Shard::open(&shard_dir(dir, number), options.map_bytes, Arc::clone(&tally)).map(Arc::new);
        let shards: Vec<_> = (0..SHARDS).map(open).collect::<Result<_, SessionsError>>()?;
        let process = std::process::id();
        let clock = SteadyClock::new(boot_ms);
        let mut store =
            Self { shards: Vec::new(), tally, clock, process, is_closed: AtomicBool::new(false), _lock: lock };
        // Should a thread not start, dropping the store ends those that did, which hold their files open.
        for (number, shard) in shards.into_iter().enumerate() {
            let writer = Writer::start(Arc::clone(&shard), Arc::clone(&store.tally), format!("sessions-{number}"));
            store.shards.push((shard, writer.map_err(SessionsError::io(dir))?));
        }
        Ok(store)
    }

    /// Applies updates to their records, in one transaction per file with whatever else waits there. Waits at most the
    /// deadline; an update without an outcome by then fails, and may yet be written if it was already under way.
    pub fn commit(
        &self,
        writes: Vec<Write>,
        clocks: impl Into<Clocks>,
        deadline: Duration,
    ) -> Vec<Result<Applied, StateUnavailable>> {
        let clocks = self.clock.steady(clocks.into());
        let tasks = writes.into_iter().map(|write| Task::Update { write, clocks });
        let outcomes = self.carry_out(tasks.collect(), deadline);
        let applied = |done| if let Done::Applied(applied) = done { applied } else { Applied::default() };
        outcomes.into_iter().map(|outcome| outcome.map(applied)).collect()
    }

    /// Deletes a record wherever it lies; whether there was a live one.
    pub fn erase(&self, scope: Scope, key: &str, now_ms: i64, deadline: Duration) -> Result<bool, StateUnavailable> {
        let Clocks { now_ms, .. } = self.clock.steady(now_ms.into());
        let task = Task::Erase { scope, key: key.to_owned(), now_ms };
        let outcome = self.carry_out(vec![task], deadline).pop().unwrap_or(Err(StateUnavailable::Closed));
        outcome.map(|done| done == Done::Erased(true))
    }

    /// What this process has seen of the store so far.
    pub fn stats(&self) -> SessionStats {
        self.tally.stats()
    }

    /// Ends the writers; later calls fail. The files are closed when the store is dropped.
    pub fn close(&self) {
        if self.process == std::process::id() && !self.is_closed.swap(true, Ordering::AcqRel) {
            self.shards.iter().for_each(|(_, writer)| writer.close());
        }
    }

    fn carry_out(&self, tasks: Vec<Task>, deadline: Duration) -> Vec<Outcome> {
        let outcomes = match self.check() {
            Ok(()) => self.hand_over(tasks, deadline).wait(deadline),
            Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
        };
        count(&self.tally.commit_failures, outcomes.iter().filter(|outcome| outcome.is_err()).count() as u64);
        outcomes
    }

    fn hand_over(&self, tasks: Vec<Task>, deadline: Duration) -> Arc<Reply> {
        let reply = Arc::new(Reply::new(tasks.len()));
        let mut batches: Vec<Vec<Job>> = self.shards.iter().map(|_| Vec::new()).collect();
        for (index, task) in tasks.into_iter().enumerate() {
            if let Some(batch) = batches.get_mut(shard_of(&task)) {
                batch.push(Job { task, reply: Arc::clone(&reply), index });
            }
        }
        for ((_, writer), batch) in self.shards.iter().zip(batches) {
            if !batch.is_empty()
                && let Err((refused, error)) = writer.submit(batch, deadline)
            {
                for job in refused {
                    reply.set(job.index, Err(error.clone()));
                }
            }
        }
        reply
    }

    fn check(&self) -> Result<(), StateUnavailable> {
        if self.process != std::process::id() {
            Err(StateUnavailable::Forked)
        } else if self.is_closed.load(Ordering::Acquire) {
            Err(StateUnavailable::Closed)
        } else {
            Ok(())
        }
    }

    fn read_record(&self, scope: Scope, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        self.check()?;
        let Clocks { now_ms, .. } = self.clock.steady(now_ms.into());
        let (shard, _) = self.shards.get(key::shard(scope, key)).ok_or(StateUnavailable::Closed)?;
        shard.read(scope, &key::stored(key), now_ms).map_err(|error| StateUnavailable::Failed(error.to_string()))
    }
}

impl StateSource for SessionStore {
    fn read(&self, scope: Scope, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        let record = self.read_record(scope, key, now_ms);
        if record.is_err() {
            count(&self.tally.read_failures, 1);
        }
        record
    }
}

impl Drop for SessionStore {
    fn drop(&mut self) {
        self.close();
    }
}

fn shard_of(task: &Task) -> usize {
    match task {
        Task::Update { write, .. } => key::shard(write.scope, &write.key),
        Task::Erase { scope, key, .. } => key::shard(*scope, key),
    }
}
