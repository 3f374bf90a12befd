//! What one process saw of the session store: failures and what was given up. Counts only; exported by the caller.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers since the store was opened by this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Reads that failed.
    pub read_failures: u64,
    /// Updates that were not written, or not in time.
    pub commit_failures: u64,
    /// Records that could not be decoded and were started anew.
    pub decode_failures: u64,
    /// Updates written.
    pub commits: u64,
    /// Transactions they took.
    pub transactions: u64,
    /// Buckets emptied early because a file was full.
    pub evictions: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) read_failures: AtomicU64,
    pub(super) commit_failures: AtomicU64,
    pub(super) decode_failures: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) evictions: AtomicU64,
}

impl Tally {
    pub(super) fn stats(&self) -> SessionStats {
        SessionStats {
            read_failures: self.read_failures.load(Ordering::Relaxed),
            commit_failures: self.commit_failures.load(Ordering::Relaxed),
            decode_failures: self.decode_failures.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }
}

/// Adds to a number.
pub(super) fn count(number: &AtomicU64, by: u64) {
    number.fetch_add(by, Ordering::Relaxed);
}
