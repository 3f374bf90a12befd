//! The order of a row's entries, by slot. Owns one peculiarity: entries of equal slot come in the order in which `SciPy`,
//! which sorts with libstdc++'s `std::sort`, puts them; that order decides how the sum of three and more is rounded.

type Entry = (i32, f64);

/// Up to this length libstdc++ sorts by insertion alone, which keeps equals in order.
const SMALL: usize = 16;

/// Whether the slots ascend; equal neighbours are fine.
pub(super) fn is_sorted(row: &[Entry]) -> bool {
    row.is_sorted_by_key(slot)
}

/// What sorting needs besides the row, kept between rows.
#[derive(Default)]
pub(super) struct Scratch {
    /// Slot and place of each entry, packed so that one comparison orders both.
    keys: Vec<u64>,
    copy: Vec<Entry>,
}

/// Sorts by slot as `std::sort` does: median of three until parts are small, then one insertion sort over all.
pub(super) fn sort_row(row: &mut [Entry], scratch: &mut Scratch) {
    // Short rows it only sorts by insertion, and the sum of two does not depend on their order.
    if scratch.order(row) && row.len() > SMALL {
        split(row, 2 * row.len().ilog2());
        // Elements are no further than a small part away from their place, where insertion keeps equals in order; so a
        // stable sort ends the same.
        row.sort_by_key(slot);
    } else {
        scratch.apply(row);
    }
}

impl Scratch {
    /// Orders the row's keys, equals as they stand in the row; says whether three slots are equal.
    fn order(&mut self, row: &[Entry]) -> bool {
        self.keys.clear();
        self.keys.extend((0_u64..).zip(row).map(|(place, entry)| u64::from(slot(entry).cast_unsigned()) << 32 | place));
        self.keys.sort_unstable();
        let slot_at = |key: &u64| key >> 32;
        self.keys.windows(3).any(|three| three.first().map(slot_at) == three.last().map(slot_at))
    }

    /// Puts the row into the order of the keys.
    fn apply(&mut self, row: &mut [Entry]) {
        self.copy.clear();
        self.copy.extend_from_slice(row);
        for (entry, key) in row.iter_mut().zip(&self.keys) {
            #[allow(clippy::cast_possible_truncation, reason = "the lower half of a key is the place")]
            let place = *key as u32 as usize;
            if let Some(there) = self.copy.get(place) {
                *entry = *there;
            }
        }
    }
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
