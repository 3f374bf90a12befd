//! Where records come from. Owns the seam between the engine and a node's store; stores nothing itself.

use std::fmt;

/// What a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One visit, keyed by `sessionId`.
    Session,
    /// One errand that may span visits, keyed by `journeyId`.
    Journey,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Session, Self::Journey];

    /// The word of the contract: `session` or `journey`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Journey => "journey",
        }
    }

    /// The scope of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why state could not be read or written. The decision goes on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateUnavailable {
    /// The store did not answer in time.
    Deadline,
    /// Too many updates are waiting already.
    Busy,
    /// The store is closed.
    Closed,
    /// The store was opened before this process was forked.
    Forked,
    /// The store failed.
    Failed(String),
}

impl fmt::Display for StateUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the session store did not answer in time"),
            Self::Busy => f.write_str("too many updates wait for the session store"),
            Self::Closed => f.write_str("the session store is closed"),
            Self::Forked => f.write_str("the session store was opened before this process was forked: open it again"),
            Self::Failed(detail) => write!(f, "the session store failed: {detail}"),
        }
    }
}

impl std::error::Error for StateUnavailable {}

/// Hands out copies of live records.
pub trait StateSource {
    /// The encoded record of a key, or `None` if there is none that has not expired at `now_ms`.
    fn read(&self, scope: Scope, key: &str, now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable>;
}

/// A source without records: every key is new.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshState;

impl StateSource for FreshState {
    fn read(&self, _scope: Scope, _key: &str, _now_ms: i64) -> Result<Option<Vec<u8>>, StateUnavailable> {
        Ok(None)
    }
}
