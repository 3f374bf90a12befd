//! The order of a row's entries, by slot. Owns one peculiarity: entries of equal slot come in the order in which `SciPy`,
//! which sorts with libstdc++'s `std::sort`, puts them; that order decides how the sum of three and more is rounded.

type Entry = (i32, f64);

/// Up to this length libstdc++ sorts by insertion alone, which keeps equals in order.
const SMALL: usize = 16;

/// Whether the slots ascend; equal neighbours are fine.
pub(super) fn is_sorted(row: &[Entry]) -> bool {
    row.is_sorted_by_key(slot)
}

/// Sorts by slot as `std::sort` does: median of three until parts are small, then one insertion sort over all.
pub(super) fn sort_row(row: &mut [Entry]) {
    let depth = 2 * row.len().checked_ilog2().unwrap_or_default();
    split(row, depth);
    // Elements are no further than a small part away from their place, where insertion keeps equals in order; so a stable
    // sort ends the same.
    row.sort_by_key(slot);
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
