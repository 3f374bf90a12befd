//! Events replayed through the state of a spec, as a node would apply them. Owns the record and the instant it is read at.

use super::extract::Extracted;
use super::spec::Spec;
use crate::state::{Applied, Event, Fact, Record};

/// One session, event by event: what training and golden vectors see is what a node sees.
#[derive(Debug)]
pub struct Replay<'s> {
    spec: &'s Spec,
    record: Record,
    latest_ms: Option<i64>,
}

impl<'s> Replay<'s> {
    /// A session of which nothing is known.
    pub fn new(spec: &'s Spec) -> Self {
        Self { spec, record: Record::new(), latest_ms: None }
    }

    /// Applies one event.
    pub fn push(&mut self, event: &Event<'_>) -> Applied {
        self.latest_ms = self.latest_ms.max(Some(event.time_ms));
        let update = self.spec.plan.update(std::slice::from_ref(event), |_| false, &[]);
        self.record.apply(&update)
    }

    /// When the latest event was; the epoch before the first.
    pub fn now_ms(&self) -> i64 {
        self.latest_ms.unwrap_or(0)
    }

    /// The state so far.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Fills one row with what is known at the time of the latest event.
    pub fn extract<'r>(&'r self, inputs: impl Fn(usize) -> Fact<'r>, ids: &mut [i32], vals: &mut [f32]) -> Extracted {
        self.spec.extract_record(&self.record, self.now_ms(), inputs, ids, vals)
    }
}
