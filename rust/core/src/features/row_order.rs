//! The order of a row's entries, by slot. Owns one peculiarity: entries of equal slot come in the order in which `SciPy`,
//! which sorts with libstdc++'s `std::sort`, puts them; that order decides how the sum of three and more is rounded.

/// A slot and what is added there.
type Entry = (i32, f64);

/// A row in the making. Each entry is packed as slot and place, so that one comparison orders by both.
#[derive(Debug, Default)]
pub(super) struct Row {
    keys: Vec<u64>,
    values: Vec<f64>,
}

impl Row {
    /// Makes room for so many entries.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.keys.reserve(entries);
        self.values.reserve(entries);
    }

    #[inline]
    pub(super) fn push(&mut self, slot: u32, value: f64) {
        self.keys.push(u64::from(slot) << 32 | self.values.len() as u64);
        self.values.push(value);
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the slots ascend; equal neighbours are fine.
    pub(super) fn is_sorted(&self) -> bool {
        self.keys.is_sorted()
    }

    /// The entries as they came.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.keys.iter().copied().map(slot_of).zip(self.values.iter().copied())
    }
}

/// Up to this length libstdc++ sorts by insertion alone, which keeps equals in order.
pub(super) const SMALL: usize = 16;

/// Parts that keys are put into by their upper bits.
const PARTS: usize = 128;

/// The longest row that is parted; counts fit in a byte.
const PARTED_MAX: usize = 128;

/// How many entries of a row share a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// One each.
    None,
    /// Two at most.
    Pairs,
    /// Three or more.
    More,
}

/// What sorting needs besides the row, kept between rows.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The keys of the row in order.
    keys: Vec<u64>,
    copy: Vec<Entry>,
}

impl Scratch {
    /// Orders the row's keys, equals as they stand in the row.
    pub(super) fn order(&mut self, row: &Row) -> Ties {
        self.keys.clear();
        if row.len() <= PARTED_MAX {
            self.part(&row.keys);
        } else {
            self.keys.extend_from_slice(&row.keys);
            self.keys.sort_unstable();
        }
        let equal = |pair: &[u64]| pair.first().copied().map(slot_of) == pair.last().copied().map(slot_of);
        if !self.keys.windows(2).any(equal) {
            Ties::None
        } else if !self.keys.windows(3).any(equal) {
            Ties::Pairs
        } else {
            Ties::More
        }
    }

    /// Sorts keys: slots are hashes and so spread evenly, which parts them by their upper bits nearly into order.
    fn part(&mut self, keys: &[u64]) {
        let highest = keys.iter().fold(0, |all, key| all | key);
        let shift = (u64::BITS - highest.leading_zeros()).saturating_sub(PARTS.ilog2());
        let mut starts = [0_u8; PARTS];
        for key in keys {
            if let Some(count) = starts.get_mut(part_of(*key, shift)) {
                *count += 1;
            }
        }
        add_up(&mut starts);
        self.keys.resize(keys.len(), 0);
        for key in keys {
            let Some(start) = starts.get_mut(part_of(*key, shift)) else { continue };
            if let Some(there) = self.keys.get_mut(usize::from(*start)) {
                *there = *key;
            }
            *start += 1;
        }
        insert_each(&mut self.keys);
    }

    /// Slots of the row that was ordered, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = i32> {
        self.keys.iter().copied().map(slot_of)
    }

    /// Values of the row that was ordered, by their slots.
    pub(super) fn values(&self, row: &Row) -> impl Iterator<Item = f64> {
        self.keys.iter().map(|key| row.values.get(place_of(*key)).copied().unwrap_or_default())
    }

    /// The entries of the row that was ordered as `std::sort` puts them: median of three until parts are small, then one
    /// insertion sort over all.
    pub(super) fn entries(&mut self, row: &Row, ties: Ties) -> &[Entry] {
        let mut copy = std::mem::take(&mut self.copy);
        copy.clear();
        // Short rows it only sorts by insertion, and the sum of two does not depend on their order.
        if ties == Ties::More && row.len() > SMALL {
            copy.extend(row.entries());
            split(&mut copy, 2 * row.len().ilog2());
            // Elements are no further than a small part away from their place, where insertion keeps equals in order; so a
            // stable sort ends the same.
            copy.sort_by_key(slot);
        } else {
            copy.extend(self.slots().zip(self.values(row)));
        }
        self.copy = copy;
        &self.copy
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the remainder is all that is wanted")]
const fn part_of(key: u64, shift: u32) -> usize {
    (key >> shift) as usize % PARTS
}

/// Turns counts into the sum of those before each, eight at a time: no sum exceeds a byte.
fn add_up(counts: &mut [u8; PARTS]) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut before = 0;
    for eight in counts.as_chunks_mut::<8>().0 {
        let these = u64::from_le_bytes(*eight);
        let sums = these.wrapping_mul(EACH);
        *eight = sums.wrapping_sub(these).wrapping_add(before * EACH).to_le_bytes();
        before += sums >> 56;
    }
}

/// Sorts what is nearly sorted.
fn insert_each(keys: &mut [u64]) {
    for end in 1..keys.len() {
        let Some((key, sorted)) = keys.get_mut(..=end).and_then(<[u64]>::split_last_mut) else { return };
        let mut hole = key;
        for before in sorted.iter_mut().rev() {
            if *before <= *hole {
                break;
            }
            std::mem::swap(before, hole);
            hole = before;
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half of a key is the slot")]
const fn slot_of(key: u64) -> i32 {
    (key >> 32) as i32
}

#[allow(clippy::cast_possible_truncation, reason = "the lower half of a key is the place")]
const fn place_of(key: u64) -> usize {
    key as u32 as usize
}

fn slot(entry: &Entry) -> i32 {
    entry.0
}

fn split(row: &mut [Entry], depth: u32) {
    if row.len() <= SMALL {
        return;
    }
    // Out of depth libstdc++ sorts by heap; its order of equals is not followed there.
    let Some(depth) = depth.checked_sub(1) else { return };
    let cut = partition(row);
    let (left, right) = row.split_at_mut(cut.min(row.len()));
    split(right, depth);
    split(left, depth);
}

/// Moves the median of three to the front as pivot, parts the rest around it and returns where the right part begins.
fn partition(row: &mut [Entry]) -> usize {
    let last = row.len() - 1;
    let median = median(row, 1, row.len() / 2, last);
    row.swap(0, median);
    let pivot = at(row, 0);
    let (mut left, mut right) = (1, row.len());
    loop {
        while at(row, left) < pivot {
            left += 1;
        }
        right -= 1;
        while pivot < at(row, right) {
            right -= 1;
        }
        if left >= right {
            return left;
        }
        row.swap(left, right);
        left += 1;
    }
}

fn at(row: &[Entry], place: usize) -> i32 {
    row.get(place).map_or(i32::MAX, slot)
}

/// Which of three places has the middle slot, ties decided as libstdc++ does.
fn median(row: &[Entry], a: usize, b: usize, c: usize) -> usize {
    let less = |left, right| at(row, left) < at(row, right);
    match (less(a, b), less(b, c), less(a, c)) {
        (true, false, true) | (false, true, false) => c,
        (true, false, false) | (false, _, true) => a,
        (true, true, _) | (false, false, false) => b,
    }
}
