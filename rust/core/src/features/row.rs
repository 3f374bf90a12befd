//! One row of slots while it is filled. Owns its end: what does not fit is counted, what stays free is zero.

use super::hash::placed;

pub(super) struct Row<'o> {
    ids: &'o mut [i32],
    vals: &'o mut [f32],
    width: u32,
    used: usize,
    dropped: usize,
}

impl<'o> Row<'o> {
    pub(super) const fn new(ids: &'o mut [i32], vals: &'o mut [f32], width: u32) -> Self {
        Self { ids, vals, width, used: 0, dropped: 0 }
    }

    /// Puts a token of some weight in the next slot; a weight of zero is no token.
    pub(super) fn put(&mut self, hash: u32, weight: f32) {
        if weight == 0.0 {
            return;
        }
        let (Some(id), Some(val)) = (self.ids.get_mut(self.used), self.vals.get_mut(self.used)) else {
            self.dropped += 1;
            return;
        };
        let (slot, sign) = placed(hash, self.width);
        (*id, *val) = (slot, weight * sign);
        self.used += 1;
    }

    /// Clears the rest, and returns how many slots are used and how many tokens found none.
    pub(super) fn finish(self) -> (usize, usize) {
        self.ids.iter_mut().skip(self.used).for_each(|id| *id = 0);
        self.vals.iter_mut().skip(self.used).for_each(|val| *val = 0.0);
        (self.used, self.dropped)
    }
}
