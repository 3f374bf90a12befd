//! Texts by number, and the hash table under them. Owns the hash and the probing.
//!
//! The hash has no secret: what is put in comes from a bundle, and what a request asks for is never put in.

/// Slots at first; always a power of two.
const FIRST_SLOTS: usize = 16;
/// An odd number without pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const NUMBER_BITS: u32 = 32;

/// Numbers of things kept elsewhere, by hash; at most half of the slots are taken, so that a look-up ends soon.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The upper half of a hash above a number plus one; 0 is free.
    slots: Vec<u64>,
    taken: usize,
}

impl Table {
    /// The number under this hash that `is` accepts.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = hash >> NUMBER_BITS;
        let mut place = self.start(tag);
        loop {
            let slot = *self.slots.get(place)?;
            let number = number_of(slot)?;
            if slot >> NUMBER_BITS == tag && is(number) {
                return Some(number);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds a number that is not there yet.
    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        if 2 * (self.taken + 1) > self.slots.len() {
            self.grow();
        }
        let tag = hash >> NUMBER_BITS;
        self.put((tag << NUMBER_BITS) | (u64::from(number) + 1));
        self.taken += 1;
    }

    fn grow(&mut self) {
        let slots = (2 * self.slots.len()).max(FIRST_SLOTS);
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        old.into_iter().filter(|slot| *slot != 0).for_each(|slot| self.put(slot));
    }

    fn put(&mut self, slot: u64) {
        let mut place = self.start(slot >> NUMBER_BITS);
        while self.slots.get(place).is_some_and(|slot| *slot != 0) {
            place = (place + 1) & (self.slots.len() - 1);
        }
        if let Some(free) = self.slots.get_mut(place) {
            *free = slot;
        }
    }

    fn start(&self, tag: u64) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let tag = tag as usize;
        tag & self.slots.len().wrapping_sub(1)
    }
}

fn number_of(slot: u64) -> Option<u32> {
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    let number = slot as u32;
    number.checked_sub(1)
}

/// A quick hash of bytes, well mixed in its upper half.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let start = (bytes.len() as u64).wrapping_mul(FACTOR);
    let hash = chunks.iter().fold(start, |hash, chunk| mixed(hash ^ u64::from_le_bytes(*chunk)));
    let last = rest.iter().fold(0, |last, byte| (last << 8) | u64::from(*byte));
    mixed(hash ^ last)
}

/// Both halves of the product, so that every bit reaches every other.
fn mixed(value: u64) -> u64 {
    let product = u128::from(value ^ FACTOR) * u128::from(FACTOR.rotate_left(23));
    #[allow(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// Texts by number, each once, in one piece of memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary {
    text: String,
    ends: Vec<u32>,
    table: Table,
}

impl Dictionary {
    /// The number of a text.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.table.find(hash(text.as_bytes()), |number| self.get(number) == Some(text))
    }

    /// The number of a text, a new one if there was none; `None` when there is no room.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.find(text) {
            return Some(number);
        }
        let number = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        self.table.insert(hash(text.as_bytes()), number);
        Some(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All texts, in order of number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..).map_while(|number| self.get(number))
    }

    fn get(&self, number: u32) -> Option<&str> {
        let end = *self.ends.get(number as usize)?;
        let start =
            number.checked_sub(1).and_then(|before| self.ends.get(before as usize)).copied().unwrap_or_default();
        self.text.get(start as usize..end as usize)
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.capacity() + 4 * self.ends.capacity() + 8 * self.table.slots.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_number() {
        let mut dictionary = Dictionary::default();
        assert_eq!(dictionary.find("a"), None);
        let texts: Vec<String> = (0..1_000).map(|number| format!("text {number}")).collect();
        for (number, text) in (0..).zip(&texts) {
            assert_eq!(dictionary.intern(text), Some(number));
            assert_eq!(dictionary.intern(text), Some(number));
        }
        assert_eq!(dictionary.intern(""), Some(1_000));
        assert!(dictionary.iter().eq(texts.iter().map(String::as_str).chain([""])));
        assert_eq!((dictionary.find("text 1000"), dictionary.find("text 999")), (None, Some(999)));
    }

    #[test]
    fn texts_that_differ_in_one_place_hash_apart() {
        let hashes: std::collections::HashSet<u64> = (0..64_u8)
            .flat_map(|bit| ["", "12345678"].map(|tail| (bit, tail)))
            .map(|(bit, tail)| {
                let mut bytes = [0_u8; 8];
                bytes[usize::from(bit / 8)] = 1 << (bit % 8);
                hash(&[&bytes[..], tail.as_bytes()].concat())
            })
            .collect();
        assert_eq!(hashes.len(), 128);
        assert_ne!(hash(b""), hash(b"\0"));
    }
}
