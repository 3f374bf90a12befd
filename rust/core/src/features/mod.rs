//! Features of models: from named values to hashed, sparse rows. Owns no model and no request.

mod hash;
mod row_order;

pub use hash::{Csr, FeatureHasher, HashError, MAX_FEATURES, slot_and_sign};
