//! Counters of one worker in a file that outlives it, so that `/metrics` can add up all workers, dead ones too.
//!
//! The file is a header and one 64-bit number a series, mapped and counted in place: no lock, no system call. A worker
//! started again in the same place goes on counting. Owns files of numbers; what they mean is in [`series`].

mod file;
mod series;
mod total;

pub use file::Counters;
pub use series::{Counter, DURATION_BOUNDS_S, EventResult, Route, ShedCause, StateOperation, StatusClass, TimedRoute};
pub use total::{Family, Kind, Sample, Total, total};
