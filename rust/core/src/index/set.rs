//! A set of conditions, one bit each.

use super::ConditionId;

/// Numbers below a bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Set(Vec<u64>);

impl Set {
    /// With these numbers, all below `room`.
    pub(super) fn new(conditions: impl IntoIterator<Item = ConditionId>, room: usize) -> Self {
        let mut words = vec![0; room.div_ceil(64)];
        for id in conditions {
            if let Some(word) = words.get_mut(id as usize / 64) {
                *word |= 1 << (id % 64);
            }
        }
        Self(words)
    }

    pub(super) fn has(&self, id: ConditionId) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| (word >> (id % 64)) & 1 == 1)
    }

    /// All of them, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = ConditionId> {
        (0..).step_by(64).zip(&self.0).flat_map(|(base, word)| Bits(*word).map(move |bit| base + bit))
    }
}

/// The places of the bits that are set, ascending.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = self.0.trailing_zeros();
        self.0 &= self.0.checked_sub(1)?;
        Some(bit)
    }
}
