//! Node-local durable state: session and journey records in LMDB, and counters that the workers of a node share.
//!
//! Owns files on this node's disk. Makes no decision and opens no network connection.

pub mod counters;
pub mod sessions;
