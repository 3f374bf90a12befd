//! Features of models: from state and inputs to hashed, sparse rows. Owns no model and no request.
//!
//! A [`Spec`] is the one extractor: it serves, it trains, and it replays golden vectors.

mod check;
mod document;
mod extract;
mod feature;
mod form;
mod hash;
mod murmur;
mod number;
mod replay;
mod row;
mod row_order;
mod spec;
#[cfg(test)]
mod tests;

pub use document::SpecError;
pub use extract::Extracted;
pub use feature::FieldRef;
pub use hash::{Csr, FeatureHasher, HashError, MAX_FEATURES, Name, slot_and_sign};
pub use replay::Replay;
pub use spec::{Spec, SpecInput};

/// Largest text of a spec.
pub const SPEC_BYTES_MAX: usize = 256 * 1_024;

/// Most features of a spec.
pub const FEATURES_MAX: usize = 128;

/// Most crosses of a spec, and most features in one of them.
pub const CROSSES_MAX: usize = 128;

/// Most features in one cross.
pub const CROSS_PARTS_MAX: usize = 4;

/// Most slots of a row.
pub const SLOTS_MAX: usize = 1_024;

/// The least and the most bits of a slot's number.
pub const BITS: std::ops::RangeInclusive<u32> = 4..=24;
