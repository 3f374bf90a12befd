//! Where a caller waits for what writers did with its updates, for at most a deadline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use edgewise_core::state::{Applied, StateUnavailable};

/// What became of one job: of an update what it did, of an erasure whether there was a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Applied(Applied),
    Erased(bool),
}

pub(super) type Outcome = Result<Done, StateUnavailable>;

/// The outcomes of the jobs of one call.
pub(super) struct Reply {
    outcomes: Mutex<Outcomes>,
    complete: Condvar,
    abandoned: AtomicBool,
}

struct Outcomes {
    open: usize,
    slots: Vec<Option<Outcome>>,
}

impl Reply {
    pub(super) fn new(jobs: usize) -> Self {
        let outcomes = Outcomes { open: jobs, slots: vec![None; jobs] };
        Self { outcomes: Mutex::new(outcomes), complete: Condvar::new(), abandoned: AtomicBool::new(false) }
    }

    /// Sets the outcome of one job.
    pub(super) fn set(&self, job: usize, outcome: Outcome) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot @ None) = outcomes.slots.get_mut(job) {
            *slot = Some(outcome);
            outcomes.open -= 1;
        }
        if outcomes.open == 0 {
            self.complete.notify_one();
        }
    }

    /// Whether nobody waits any more, so that jobs not yet begun need not be.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// The outcomes in the order of the jobs; those still open after the deadline have failed by it.
    pub(super) fn wait(&self, deadline: Duration) -> Vec<Outcome> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut outcomes, _) = self
            .complete
            .wait_timeout_while(outcomes, deadline, |outcomes| outcomes.open > 0)
            .unwrap_or_else(PoisonError::into_inner);
        self.abandoned.store(true, Ordering::Release);
        outcomes.slots.drain(..).map(|slot| slot.unwrap_or(Err(StateUnavailable::Deadline))).collect()
    }
}
