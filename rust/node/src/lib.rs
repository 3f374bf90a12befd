//! Node-local durable state: session and journey records in LMDB, counters that the workers of a node share, and the loop
//! that reads one, decides, and writes both.
//!
//! Owns files on this node's disk. Leaves every decision to the core and opens no network connection.

pub mod background;
pub mod counters;
pub mod loading;
pub mod node;
pub mod pending;
pub mod sessions;
