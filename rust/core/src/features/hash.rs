//! Feature hashing, bit for bit as scikit-learn's `FeatureHasher` does it for dictionaries. Owns the hash and the rows.
//!
//! A name is hashed with `MurmurHash3_x86_32`, seed 0, read as signed; its absolute value modulo the width is the slot, its sign
//! the sign. Text counts as 1 under `name=text`; zeros are skipped; values that meet in a slot are added.

use std::fmt;

use super::murmur::Murmur;
use super::row_order::{Row, SMALL, Scratch, Ties};

/// The greatest width of a row.
pub const MAX_FEATURES: u32 = i32::MAX.unsigned_abs();

/// Most values that room is made for in advance.
const RESERVED_MAX: usize = 1 << 20;

/// Rows in compressed form, as a `csr_matrix` of `SciPy` takes them: row `i` has the slots and values from
/// `indptr[i]` up to `indptr[i + 1]`, its slots ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csr {
    /// Where each row begins, and where the last one ends.
    pub indptr: Vec<i32>,
    /// Slots.
    pub indices: Vec<i32>,
    /// Values, one for each slot.
    pub values: Vec<f64>,
}

/// Why a value cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// It is larger than a float holds.
    TooLarge,
    /// There are more values than 31 bits count.
    TooMany,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "a value is too large for a float",
            Self::TooMany => "more than 2147483647 values; hash fewer rows at a time",
        })
    }
}

impl std::error::Error for HashError {}

/// The name of a feature, hashed once for all values under it.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    alone: Murmur,
    before_text: Murmur,
}

impl Name {
    /// Hashes a name.
    #[inline]
    pub fn new(name: &str) -> Self {
        let alone = Murmur::default().feed(name.as_bytes());
        Self { alone, before_text: alone.feed(b"=") }
    }
}

/// Collects rows, value by value.
#[derive(Debug)]
pub struct FeatureHasher {
    slots: Slots,
    row: Row,
    /// Values of all rows.
    count: usize,
    /// Whether some row was out of order.
    sorting: bool,
    /// Ordered rows whose sums depend on whether a later row is out of order.
    waiting: Vec<Row>,
    scratch: Scratch,
    csr: Csr,
}

impl FeatureHasher {
    /// A hasher for rows of the given width; `None` unless it lies in 1 to [`MAX_FEATURES`].
    pub fn new(width: u32) -> Option<Self> {
        (1..=MAX_FEATURES).contains(&width).then(|| Self {
            slots: Slots::new(width),
            row: Row::default(),
            count: 0,
            sorting: false,
            waiting: Vec::new(),
            scratch: Scratch::default(),
            csr: Csr { indptr: vec![0], ..Csr::default() },
        })
    }

    /// Makes room for a row of so many values, and for so many rows like it.
    pub fn reserve(&mut self, values: usize, rows: usize) {
        self.row.reserve(values);
        let more = values.saturating_mul(rows).min(RESERVED_MAX);
        self.csr.indptr.reserve(rows.min(RESERVED_MAX));
        self.csr.indices.reserve(more);
        self.csr.values.reserve(more);
    }

    /// Adds a number to the row.
    #[inline]
    pub fn number(&mut self, name: &Name, value: f64) {
        if value != 0.0 {
            self.add(name.alone, value);
        }
    }

    /// Adds a text to the row: 1 under `name=text`.
    #[inline]
    pub fn text(&mut self, name: &Name, text: &str) {
        self.add(name.before_text.feed(text.as_bytes()), 1.0);
    }

    #[inline]
    fn add(&mut self, token: Murmur, value: f64) {
        let (slot, sign) = self.slots.of(token);
        self.row.push(slot, value * sign);
    }

    /// Ends the row; the next value begins another.
    pub fn end_row(&mut self) -> Result<(), HashError> {
        self.count += self.row.len();
        if i32::try_from(self.count).is_err() {
            return Err(HashError::TooMany);
        }
        let row = std::mem::take(&mut self.row);
        if !self.sorting && !row.is_sorted() {
            self.sorting = true;
            self.settle();
        }
        if !self.sorting && (!self.waiting.is_empty() || row.len() > SMALL && self.scratch.order(&row) == Ties::More) {
            self.waiting.push(row);
            return Ok(());
        }
        self.put(&row);
        self.row = row;
        self.row.clear();
        Ok(())
    }

    /// Puts a row into the matrix.
    fn put(&mut self, row: &Row) {
        match self.scratch.order(row) {
            Ties::None => self.csr.push_single(&self.scratch, row),
            // As SciPy does: nothing is sorted if nothing has to be, else every row.
            Ties::More if !self.sorting => self.csr.push(row.entries()),
            ties => self.csr.push(self.scratch.entries(row, ties).iter().copied()),
        }
    }

    fn settle(&mut self) {
        for row in std::mem::take(&mut self.waiting) {
            self.put(&row);
        }
    }

    /// All rows, slots ascending and each there once.
    pub fn finish(mut self) -> Csr {
        self.settle();
        self.csr
    }
}

impl Csr {
    /// Takes an ordered row without ties.
    fn push_single(&mut self, scratch: &Scratch, row: &Row) {
        self.indices.extend(scratch.slots());
        self.values.extend(scratch.values(row));
        self.end_row();
    }

    /// Takes an ordered row, adding up what shares a slot.
    fn push(&mut self, row: impl Iterator<Item = (i32, f64)>) {
        let mut last = None;
        for (slot, value) in row {
            if let Some(sum) = self.values.last_mut().filter(|_| last == Some(slot)) {
                *sum += value;
            } else {
                self.indices.push(slot);
                self.values.push(value);
            }
            last = Some(slot);
        }
        self.end_row();
    }

    fn end_row(&mut self) {
        self.indptr.push(i32::try_from(self.values.len()).unwrap_or(i32::MAX));
    }
}

/// Where tokens lie in rows of some width.
#[derive(Clone, Copy, Debug)]
struct Slots {
    width: u32,
    /// Set for a power of two, where no division is needed.
    mask: Option<u32>,
}

impl Slots {
    const fn new(width: u32) -> Self {
        let width = if width == 0 { 1 } else { width };
        Self { width, mask: if width.is_power_of_two() { Some(width - 1) } else { None } }
    }

    #[inline]
    fn of(self, token: Murmur) -> (u32, f64) {
        let hash = token.finish().cast_signed();
        let magnitude = hash.unsigned_abs();
        let slot = self.mask.map_or_else(|| magnitude % self.width, |mask| magnitude & mask);
        (slot, if hash >= 0 { 1.0 } else { -1.0 })
    }
}

/// The slot and the sign (1 or -1) of a token in rows of a width of at least 1.
pub fn slot_and_sign(token: &[u8], width: u32) -> (i32, f64) {
    let (slot, sign) = Slots::new(width).of(Murmur::default().feed(token));
    // The width is below 2^31, and so is the remainder.
    (slot.cast_signed(), sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with their signed hashes and their slots for widths of 2^12, 2^14, 2^18 and 2^20.
    const VECTORS: [(&str, i32, [i32; 4]); 20] = [
        ("", 0, [0, 0, 0, 0]),
        ("a", 1_009_084_850, [2_482, 10_674, 92_594, 354_738]),
        ("ab", -1_681_926_305, [2_209, 10_401, 10_401, 10_401]),
        ("abc", -1_277_324_294, [3_078, 11_270, 158_726, 158_726]),
        ("abcd", 1_139_631_978, [1_898, 10_090, 92_010, 878_442]),
        ("abcde", -392_455_434, [1_290, 9_482, 25_866, 288_010]),
        ("country=DE", -1_982_437_435, [2_107, 6_203, 104_507, 628_795]),
        ("device=mobile", -190_668_991, [191, 8_383, 90_303, 876_735]),
        ("page=product", -825_160_627, [947, 13_235, 193_459, 979_891]),
        ("event=add_to_cart", -25_788_381, [4_061, 16_349, 98_269, 622_557]),
        ("n#3", -405_723_080, [1_992, 6_088, 186_312, 972_744]),
        ("cat=1&page=2", 536_041_941, [2_517, 6_613, 219_605, 219_605]),
        ("visitor=Returning_Visitor", -1_283_059_067, [3_451, 11_643, 126_331, 650_619]),
        ("ProductRelated", -193_907_357, [2_717, 2_717, 182_941, 969_373]),
        ("utm=\u{e9}t\u{e9}", -321_220_633, [25, 12_313, 94_233, 356_377]),
        ("\u{65e5}\u{672c}\u{8a9e}=\u{6771}\u{4eac}", 563_737_855, [1_279, 13_567, 128_255, 652_543]),
        ("price#12", 192_747_892, [2_420, 6_516, 72_052, 858_484]),
        ("emoji=\u{1f600}", 1_634_657_961, [1_705, 9_897, 190_121, 976_553]),
        ("k=f3d0feo=3x", i32::MIN, [0, 0, 0, 0]),
        ("k=zdfnnlyp6o", i32::MIN, [0, 0, 0, 0]),
    ];

    fn hashed(width: u32, rows: &[&[(&str, f64)]]) -> Csr {
        let mut hasher = FeatureHasher::new(width).unwrap();
        for row in rows {
            row.iter().for_each(|(name, value)| hasher.number(&Name::new(name), *value));
            hasher.end_row().unwrap();
        }
        hasher.finish()
    }

    #[test]
    fn known_vectors() {
        for (name, hash, slots) in VECTORS {
            assert_eq!(Murmur::of(name.as_bytes()).cast_signed(), hash, "{name}");
            let sign = if hash >= 0 { 1.0 } else { -1.0 };
            for (bits, slot) in [12, 14, 18, 20].into_iter().zip(slots) {
                assert_eq!(slot_and_sign(name.as_bytes(), 1 << bits), (slot, sign), "{name} in 2^{bits}");
            }
        }
        let long = "x".repeat(100);
        assert_eq!(Murmur::of(long.as_bytes()).cast_signed(), -1_669_795_694);
    }

    #[test]
    fn widths_need_not_be_powers_of_two() {
        assert_eq!(slot_and_sign(b"a", 1_000), (850, 1.0));
        assert_eq!(slot_and_sign(b"k=f3d0feo=3x", 1_000), (648, -1.0));
        assert_eq!(hashed(2, &[&[("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0), ("a", 1.0)]]).values, [2.0, -1.0]);
    }

    #[test]
    fn rows_are_sorted_summed_and_without_zeros() {
        let csr = hashed(8, &[&[], &[("a", 1.0), ("b", 2.0)], &[("a", 0.0)]]);
        assert_eq!(csr, Csr { indptr: vec![0, 0, 2, 2], indices: vec![2, 5], values: vec![1.0, -2.0] });
        let cancelled = hashed(1, &[&[("a", 1.0), ("ab", 1.0)]]);
        assert_eq!(cancelled, Csr { indptr: vec![0, 1], indices: vec![0], values: vec![0.0] });
    }

    #[test]
    fn text_counts_one_under_its_own_name() {
        let mut hasher = FeatureHasher::new(1 << 12).unwrap();
        hasher.text(&Name::new("device"), "mobile");
        hasher.end_row().unwrap();
        assert_eq!(hasher.finish(), hashed(1 << 12, &[&[("device=mobile", 1.0)]]));
    }

    #[test]
    fn what_cannot_be_hashed_is_refused() {
        assert!(FeatureHasher::new(0).is_none());
        assert!(FeatureHasher::new(MAX_FEATURES + 1).is_none());
    }
}
