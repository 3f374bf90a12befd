//! Time spent: the gap from an event to the next, capped, credited to the event before it. Owns that arithmetic.

use super::codec::{Reader, RecordError, put_time, put_varint};

/// The time credited so far, and whether the latest event is credited with what comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dwell {
    total_ms: u64,
    latest_ms: i64,
    open: bool,
}

impl Dwell {
    pub(super) const fn new(time_ms: i64) -> Self {
        Self { total_ms: 0, latest_ms: time_ms, open: true }
    }

    /// Takes the next event; one that comes late stands between others already counted and changes nothing.
    pub(super) fn add(&mut self, time_ms: i64, credits: bool, cap_ms: i64) {
        if time_ms < self.latest_ms {
            return;
        }
        if self.open {
            let gap_ms = time_ms.saturating_sub(self.latest_ms).min(cap_ms);
            self.total_ms = self.total_ms.saturating_add(gap_ms.unsigned_abs());
        }
        (self.latest_ms, self.open) = (time_ms, credits);
    }

    pub(super) fn total_ms(&self) -> i64 {
        i64::try_from(self.total_ms).unwrap_or(i64::MAX)
    }

    pub(super) fn encode(&self, base_ms: i64, out: &mut Vec<u8>) {
        put_varint(out, u128::from(self.total_ms));
        put_time(out, self.latest_ms, base_ms);
        out.push(u8::from(self.open));
    }

    pub(super) fn decode(reader: &mut Reader<'_>, base_ms: i64) -> Result<Self, RecordError> {
        let (total_ms, latest_ms) = (reader.varint_u64()?, reader.time(base_ms)?);
        match reader.byte()? {
            open @ (0 | 1) => Ok(Self { total_ms, latest_ms, open: open == 1 }),
            _ => Err(RecordError::Malformed("a dwell is neither open nor closed")),
        }
    }
}
