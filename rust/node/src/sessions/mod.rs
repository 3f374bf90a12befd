//! Records of sessions and journeys, shared by the workers of a node. Owns the folder `sessions/` of the data directory.
//!
//! Four LMDB files by hash of the key, not synced to disk: records are soft state that outlives a process, not a power
//! cut. One thread per file writes; whoever waits for it waits at most a deadline. Reads never wait for a writer.

mod clock;
mod error;
mod health;
mod key;
mod layout;
mod page;
mod reply;
mod shard;
mod stats;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use error::SessionsError;
pub use layout::{Prepared, Wiped, mark_clean, prepare};
pub use stats::SessionStats;
pub use store::{Clocks, Options, SessionStore, Write};

/// Files the keys are spread over. Each has one writer lock for all workers of the node.
pub const SHARDS: usize = 4;

/// Largest size of one file, hence of what a node remembers: about six million records of 300 bytes. Files are sparse
/// and grow with use.
pub const MAP_BYTES_MAX: usize = 1 << 30;

/// Threads of all workers that may have read a file.
const READERS_MAX: u32 = 1_024;

/// Updates that may wait for one file's writer.
const QUEUE_JOBS_MAX: usize = 4_096;

/// Updates in one transaction.
const BATCH_JOBS_MAX: usize = 1_024;
