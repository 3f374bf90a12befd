//! One row of slots while it is filled. Owns its end: what does not fit is counted, what stays free is zero.

pub(super) struct Row<'o> {
    ids: &'o mut [i32],
    vals: &'o mut [f32],
    /// Selects the low bits of a hash: a slot.
    mask: u32,
    used: usize,
    dropped: usize,
}

impl<'o> Row<'o> {
    /// A row of slots below `width`, a power of two.
    pub(super) const fn new(ids: &'o mut [i32], vals: &'o mut [f32], width: u32) -> Self {
        Self { ids, vals, mask: width - 1, used: 0, dropped: 0 }
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
        let hash = hash.cast_signed();
        // The low bits of the absolute value, which is not the same as those of the hash.
        *id = (hash.unsigned_abs() & self.mask).cast_signed();
        *val = if hash >= 0 { weight } else { -weight };
        self.used += 1;
    }

    /// Clears the rest, and returns how many slots are used and how many tokens found none.
    pub(super) fn finish(self) -> (usize, usize) {
        self.ids.iter_mut().skip(self.used).for_each(|id| *id = 0);
        self.vals.iter_mut().skip(self.used).for_each(|val| *val = 0.0);
        (self.used, self.dropped)
    }
}
