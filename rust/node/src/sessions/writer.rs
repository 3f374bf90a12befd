//! The thread that writes one file, and the bounded queue in front of it.
//!
//! A thread of its own, because the lock of a file is shared by all workers: should one be stopped while it holds the
//! lock, this thread waits, and nobody else has to.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use edgewise_core::state::{Scope, StateUnavailable};

use super::reply::Reply;
use super::shard::Shard;
use super::stats::{Tally, count};
use super::{BATCH_JOBS_MAX, Clocks, QUEUE_JOBS_MAX, Write};

/// How often the thread looks for the reader slots of processes that died.
const READER_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// When the thread has been busy for this many deadlines, callers fail at once instead of waiting for it in turn.
const PATIENCE_DEADLINES: u32 = 4;

/// How long closing waits for a thread; one that hangs at a lock is left behind.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// Something to write.
pub(super) enum Task {
    Update { write: Write, clocks: Clocks },
    Erase { scope: Scope, key: String, now_ms: i64 },
}

/// A task, and who waits for it.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) reply: Arc<Reply>,
    pub(super) index: usize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_closing: bool,
    has_ended: bool,
    busy_since: Option<Instant>,
}

#[derive(Default)]
struct Desk {
    queue: Mutex<Queue>,
    changed: Condvar,
    ended: Condvar,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Writer {
    desk: Arc<Desk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(shard: Arc<Shard>, tally: Arc<Tally>, name: String) -> std::io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let worker = Arc::clone(&desk);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            run(&worker, &shard, &tally);
            worker.lock().has_ended = true;
            worker.ended.notify_all();
        })?;
        Ok(Self { desk, thread: Mutex::new(Some(thread)) })
    }

    /// Hands jobs over; all of them are refused if the queue has no room or the thread hangs.
    pub(super) fn submit(&self, jobs: Vec<Job>, deadline: Duration) -> Result<(), (Vec<Job>, StateUnavailable)> {
        let mut queue = self.desk.lock();
        if queue.is_closing {
            return Err((jobs, StateUnavailable::Closed));
        }
        if queue.busy_since.is_some_and(|since| since.elapsed() > deadline * PATIENCE_DEADLINES) {
            return Err((jobs, StateUnavailable::Deadline));
        }
        if queue.jobs.len() + jobs.len() > QUEUE_JOBS_MAX {
            return Err((jobs, StateUnavailable::Busy));
        }
        queue.jobs.extend(jobs);
        drop(queue);
        self.desk.changed.notify_one();
        Ok(())
    }

    /// Lets the thread finish what is queued and end.
    pub(super) fn close(&self) {
        let mut queue = self.desk.lock();
        queue.is_closing = true;
        self.desk.changed.notify_one();
        let (queue, waited) = self
            .desk
            .ended
            .wait_timeout_while(queue, CLOSE_WAIT, |queue| !queue.has_ended)
            .unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if !waited.timed_out()
            && let Some(thread) = thread
        {
            // A panic of the thread has been reported by the runtime; there is nothing left to do about it.
            let _ = thread.join();
        }
    }
}

fn run(desk: &Desk, shard: &Shard, tally: &Tally) {
    let mut checked = Instant::now();
    while await_jobs(desk) {
        let (jobs, done) = shard.carry_out(|| gather(desk));
        match done {
            Ok(done) => {
                count(&tally.commits, done.len() as u64);
                jobs.iter().zip(done).for_each(|(job, done)| job.reply.set(job.index, Ok(done)));
            }
            Err(error) => fail(&jobs, &StateUnavailable::Failed(error.to_string())),
        }
        desk.lock().busy_since = None;
        if checked.elapsed() > READER_CHECK_INTERVAL {
            checked = Instant::now();
            // A failure shows at the next transaction, which is counted.
            let _ = shard.clear_stale_readers();
        }
    }
}

/// Waits for jobs; false when the queue is closed and empty.
fn await_jobs(desk: &Desk) -> bool {
    let queue = desk.lock();
    let mut queue = desk
        .changed
        .wait_while(queue, |queue| queue.jobs.is_empty() && !queue.is_closing)
        .unwrap_or_else(PoisonError::into_inner);
    queue.busy_since = Some(Instant::now());
    !queue.jobs.is_empty()
}

/// Takes what has gathered and is still waited for.
fn gather(desk: &Desk) -> Vec<Job> {
    let mut queue = desk.lock();
    let mut jobs = Vec::new();
    while jobs.len() < BATCH_JOBS_MAX
        && let Some(job) = queue.jobs.pop_front()
    {
        if !job.reply.is_abandoned() {
            jobs.push(job);
        }
    }
    jobs
}

fn fail(jobs: &[Job], error: &StateUnavailable) {
    for job in jobs {
        job.reply.set(job.index, Err(error.clone()));
    }
}
