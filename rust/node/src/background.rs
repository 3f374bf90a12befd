//! Work that decisions must not feel: it gets the processor time that nobody else wants, on one thread of its own.
//!
//! The thread lives as long as the process, so that its memory is never handed to a thread that answers requests: then
//! one of them could wait for a lock of the allocator whose holder nobody lets run. For the same reason work given to it
//! takes no lock that a decision takes, and never the interpreter's. A thread of such low priority can be kept from
//! running for ever, so who waits for it waits a bounded time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

/// Most pieces of work that wait.
const QUEUE_MAX: usize = 64;

type Work = Box<dyn FnOnce() + Send>;

/// Where work is handed in; nothing where no thread could be started.
static QUEUE: LazyLock<Option<SyncSender<Work>>> = LazyLock::new(start);

fn start() -> Option<SyncSender<Work>> {
    let (queue, works) = sync_channel::<Work>(QUEUE_MAX);
    let run = move || {
        give_way();
        for work in works {
            // Whoever waits for it sees that it ended without a result.
            let _ = catch_unwind(AssertUnwindSafe(work));
        }
    };
    thread::Builder::new().name("background".to_owned()).spawn(run).ok().map(|_| queue)
}

/// Lets this thread run only where nobody else wants to, so that whoever wakes up takes its processor at once.
fn give_way() {
    // SAFETY: plain data of which all zeroes is a value.
    let param: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: 0 is the calling thread, and `param` lives throughout the call. Nobody is refused less priority; were it
    // refused all the same, the next call asks for the least of the ordinary ones.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const param) } != 0 {
        // SAFETY: plain numbers; on Linux, 0 is the calling thread and no other.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    }
}

/// Runs some work in the background, some time; here and now where that is impossible.
pub fn later(work: impl FnOnce() + Send + 'static) {
    let Some(queue) = QUEUE.as_ref() else { return work() };
    if let Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) = queue.try_send(Box::new(work)) {
        work();
    }
}

/// Does some work in the background, and waits for it; what does not come of it in time is done anew, here and now.
///
/// `work` is asked to look now and then whether to go on: once nobody waits for its result, it need not. The background
/// may be the last to let go of it, so it holds nothing that takes a lock to be let go of.
pub fn patiently<T, F>(patience: Duration, work: F) -> T
where
    T: Send + 'static,
    F: Fn(&dyn Fn() -> bool) -> T + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let is_given_up = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = sync_channel(1);
    let (ours, watched) = (Arc::clone(&work), Arc::clone(&is_given_up));
    later(move || {
        if !watched.load(Ordering::Relaxed) {
            // Nobody may be there to take it any more.
            let _ = sender.send(ours(&|| !watched.load(Ordering::Relaxed)));
        }
    });
    receiver.recv_timeout(patience).unwrap_or_else(|_| {
        is_given_up.store(true, Ordering::Relaxed);
        work(&|| true)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    fn policy() -> i32 {
        // SAFETY: 0 is the calling thread.
        unsafe { libc::sched_getscheduler(0) }
    }

    #[test]
    fn work_is_done_at_the_lowest_priority_and_its_result_comes_back() {
        let (policy_there, thread_there) =
            patiently(Duration::from_secs(60), |_| (policy(), thread::current().name().map(str::to_owned)));
        assert_eq!((policy_there, thread_there.as_deref()), (libc::SCHED_IDLE, Some("background")));
        assert_eq!(policy(), libc::SCHED_OTHER);
    }

    #[test]
    fn work_that_does_not_get_done_in_time_is_done_here_and_the_other_is_told_to_end() {
        let (sender, told) = channel();
        let began = Instant::now();
        let thread = patiently(Duration::from_millis(50), move |go_on| {
            let is_behind = thread::current().name() == Some("background");
            while is_behind && go_on() {
                thread::sleep(Duration::from_millis(1));
            }
            let _ = sender.send(is_behind);
            thread::current().id()
        });
        assert_eq!(thread, thread::current().id());
        assert!(began.elapsed() < Duration::from_secs(30));
        // Ends once the other has: then nobody holds the work any more. On a busy machine it never even began.
        assert!(told.iter().filter(|is_behind| !is_behind).count() == 1);
    }

    #[test]
    fn work_that_panics_ends_nobody_elses() {
        later(|| {
            // Ends this piece of work alone.
            std::panic::resume_unwind(Box::new("no use"));
        });
        assert_eq!(patiently(Duration::from_secs(60), |_| 7), 7);
    }
}
