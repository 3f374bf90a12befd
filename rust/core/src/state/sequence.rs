//! How the values of events follow each other, in order of arrival: runs, switches, repeats. Values are kept as hashes.

use std::collections::VecDeque;

use super::RING_SIZE_MAX;
use super::codec::{Reader, RecordError, put_count, put_fixed, put_varint};
use super::hash::SHORT_HASH_BYTES;

/// The last value, and a number that the next one changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sequence {
    last: u64,
    count: u64,
}

impl Sequence {
    /// A run of one event.
    pub(super) const fn run(value: u64) -> Self {
        Self { last: value, count: 1 }
    }

    /// No switch so far.
    pub(super) const fn switches(value: u64) -> Self {
        Self { last: value, count: 0 }
    }

    pub(super) const fn extend_run(&mut self, value: u64) {
        *self = Self { last: value, count: if value == self.last { self.count.saturating_add(1) } else { 1 } };
    }

    pub(super) const fn add_switch(&mut self, value: u64) {
        *self = Self { last: value, count: self.count.saturating_add((value != self.last) as u64) };
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_fixed(out, self.last, SHORT_HASH_BYTES);
        put_varint(out, u128::from(self.count));
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        Ok(Self { last: reader.fixed(SHORT_HASH_BYTES)?, count: reader.varint_u64()? })
    }
}

/// The last few values, and how many events had one of those before them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repeats {
    recent: VecDeque<u64>,
    count: u64,
}

impl Repeats {
    pub(super) fn new(value: u64) -> Self {
        Self { recent: VecDeque::from([value]), count: 0 }
    }

    pub(super) fn add(&mut self, value: u64, size: usize) {
        while self.recent.len() > size.max(1) {
            self.recent.pop_front();
        }
        self.count = self.count.saturating_add(u64::from(self.recent.contains(&value)));
        if self.recent.len() >= size.max(1) {
            self.recent.pop_front();
        }
        self.recent.push_back(value);
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u128::from(self.count));
        put_count(out, self.recent.len());
        for value in &self.recent {
            put_fixed(out, *value, SHORT_HASH_BYTES);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let count = reader.varint_u64()?;
        let length = reader.count(usize::from(RING_SIZE_MAX))?;
        let recent = (0..length).map(|_| reader.fixed(SHORT_HASH_BYTES)).collect::<Result<_, _>>()?;
        Ok(Self { recent, count })
    }
}
