//! The edgewise engine: typed conditions, scenario decisions, session state and feature hashing.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no threads, no Python. Time comes in with each
//! call, state comes in through [`state::StateSource`], and what has to be written comes back as an update.
#![forbid(unsafe_code)]

pub mod answer;
pub mod bucket;
pub mod bundle;
pub mod clock;
pub mod condition;
pub mod consent;
pub mod decide;
pub mod declaration;
mod dictionary;
pub mod engine;
pub mod error;
pub mod events;
pub mod features;
pub mod index;
pub mod input;
pub mod instant;
pub mod merge;
pub mod model;
pub mod record;
pub mod request;
pub mod rules;
pub mod scenario;
pub mod share;
pub mod shed;
pub mod signal;
pub mod state;
pub mod temporal;
pub mod value;
pub mod warning;
