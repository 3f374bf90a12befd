//! State of a key (a session, a journey): what a bundle remembers of its events, in one small record.
//!
//! Owns the aggregates, their arithmetic and the bytes of a record. It does no I/O and has no clock: a [`StateSource`]
//! hands records in, an [`Update`] says what has to be written, and whoever stores records applies that same update again.

mod aggregate;
mod change;
mod check;
mod codec;
mod decay;
mod dwell;
mod event;
mod fact;
mod field;
mod fields;
mod hash;
mod kind;
mod literal;
mod plan;
mod record;
mod scalar;
mod sequence;
mod source;
mod sum;
#[cfg(test)]
mod tests;

pub use aggregate::{Aggregate, AggregateError, AggregateSpec, union_bytes};
pub use codec::RecordError;
pub use event::Event;
pub use fact::{Fact, Texts};
pub use hash::stable_hash;
pub use kind::AggregateKind;
pub use literal::Literal;
pub use plan::{Plan, Update};
pub use record::{Applied, Record, expires_at_ms};
pub use source::{FreshState, Scope, StateSource, StateUnavailable};

/// Largest encoded record. One LMDB page holds it; a bundle whose aggregates could need more is refused.
pub const RECORD_BYTES_MAX: usize = 4_000;

/// The event of an aggregate that looks at all of them.
pub const ANY_EVENT: &str = "*";

/// Event ids a key remembers to recognize an event that is sent again.
pub const EVENT_IDS_MAX: usize = 16;

/// Distinct values counted exactly; a `distinct` that has seen more stays at this number.
pub const DISTINCT_MAX: usize = 64;

/// Largest declared size of a `ring`, `repeats` or `ewma`.
pub const RING_SIZE_MAX: u16 = 32;

/// Longest text, in UTF-8 bytes, that `last` and `first` keep. An event with a longer one leaves the aggregate as it is.
pub const TEXT_BYTES_MAX: usize = 128;

/// Longest text, in UTF-8 bytes, that a `ring` keeps. An event with a longer one leaves the ring as it is.
pub const RING_TEXT_BYTES_MAX: usize = 64;

/// Caps a record counts; when one more is counted, the one counted first goes.
pub const CAPS_MAX: usize = 64;
