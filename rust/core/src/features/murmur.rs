//! `MurmurHash3_x86_32` with seed 0, taking its bytes piece by piece, so that a token is hashed without being put together.

/// A hash in the making. Copying one hashes many tokens that begin alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Murmur {
    hash: u32,
    /// Up to three bytes that wait for their block, lowest first.
    rest: u32,
    length: u32,
}

impl Murmur {
    /// The hash of some bytes at once.
    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> u32 {
        Self::default().feed(bytes).finish()
    }

    /// Takes more bytes. Inlined, so that what is hashed so far stays in registers.
    #[inline]
    #[must_use]
    pub(super) fn feed(mut self, bytes: &[u8]) -> Self {
        let shift = self.waiting_bits();
        for block in bytes.as_chunks::<4>().0 {
            let joined = u64::from(self.rest) | u64::from(u32::from_le_bytes(*block)) << shift;
            let (block, rest) = halves(joined);
            self.mix(block);
            self.rest = rest;
        }
        let (bits, bits_left) = tail(bytes);
        let (block, rest) = halves(u64::from(self.rest) | u64::from(bits) << shift);
        self.rest = block;
        if shift + bits_left >= u32::BITS {
            self.mix(block);
            self.rest = rest;
        }
        self.length = self.length.wrapping_add(length(bytes));
        self
    }

    /// The hash of all bytes taken.
    #[inline]
    pub(super) const fn finish(self) -> u32 {
        let hash = self.hash ^ scrambled(self.rest) ^ self.length;
        let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
        let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
        hash ^ hash >> 16
    }

    const fn waiting_bits(self) -> u32 {
        self.length % 4 * 8
    }

    const fn mix(&mut self, block: u32) {
        let hash = (self.hash ^ scrambled(block)).rotate_left(13);
        self.hash = hash.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
}

/// The bytes after the last whole block, lowest first, and how many bits they have. Lengths vary from token to token, so
/// nothing here branches on what is left over.
#[inline]
fn tail(bytes: &[u8]) -> (u32, u32) {
    let bits_left = length(bytes) % 4 * 8;
    if let Some(last) = bytes.last_chunk::<4>() {
        return (halves(u64::from(u32::from_le_bytes(*last)) << bits_left).1, bits_left);
    }
    let at = |place: usize| u32::from(bytes.get(place).copied().unwrap_or_default()) << (8 * place);
    // Of one byte all three are the first, of two the last two are the second.
    (at(0) | at(bytes.len() / 2) | at(bytes.len().saturating_sub(1)), bits_left)
}

const fn scrambled(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

#[allow(clippy::cast_possible_truncation, reason = "taking the lower half is what this is for")]
const fn halves(both: u64) -> (u32, u32) {
    (both as u32, (both >> 32) as u32)
}

#[allow(clippy::cast_possible_truncation, reason = "the algorithm takes the length modulo 2^32")]
const fn length(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_makes_no_difference_how_bytes_are_split() {
        let bytes: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(37) ^ 0xa5).collect();
        for end in 0..bytes.len() {
            for cut in 0..=end {
                for second in cut..=end {
                    let pieces = [&bytes[..cut], &bytes[cut..second], &bytes[second..end]];
                    let joined = pieces.into_iter().fold(Murmur::default(), Murmur::feed).finish();
                    assert_eq!(joined, Murmur::of(&bytes[..end]), "{cut} {second} {end}");
                }
            }
        }
    }
}
