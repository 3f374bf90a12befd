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
        Self::spawn(name, move |desk| run(desk, &shard, &tally))
    }

    fn spawn(name: String, work: impl FnOnce(&Desk) + Send + 'static) -> std::io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let leaves = Leaves(Arc::clone(&desk));
        let thread = std::thread::Builder::new().name(name).spawn(move || work(&leaves.0))?;
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

/// Closes the desk when the thread ends, also by a panic: whoever comes then is refused at once, and what is queued fails.
struct Leaves(Arc<Desk>);

impl Drop for Leaves {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.is_closing = true;
        queue.has_ended = true;
        let left = std::mem::take(&mut queue.jobs);
        drop(queue);
        fail(left.iter(), &StateUnavailable::Closed);
        self.0.ended.notify_all();
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
            Err(error) => fail(jobs.iter(), &StateUnavailable::Failed(error.to_string())),
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

fn fail<'j>(jobs: impl Iterator<Item = &'j Job>, error: &StateUnavailable) {
    for job in jobs {
        job.reply.set(job.index, Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    fn job(reply: &Arc<Reply>) -> Job {
        let task = Task::Erase { scope: Scope::Session, key: "s-1".to_owned(), now_ms: 0 };
        Job { task, reply: Arc::clone(reply), index: 0 }
    }

    #[test]
    fn a_thread_that_panics_leaves_nobody_waiting() {
        let writer = Writer::spawn("panics".to_owned(), |desk| {
            assert!(await_jobs(desk));
            panic!("as a test wants");
        });
        let (writer, reply) = (writer.unwrap(), Arc::new(Reply::new(1)));
        let started = Instant::now();
        assert!(writer.submit(vec![job(&reply)], DEADLINE).is_ok());
        assert_eq!(reply.wait(DEADLINE), [Err(StateUnavailable::Closed)]);
        let refused = writer.submit(vec![job(&reply)], DEADLINE);
        assert!(matches!(refused, Err((_, StateUnavailable::Closed))));
        writer.close();
        assert!(started.elapsed() < DEADLINE);
    }
}
