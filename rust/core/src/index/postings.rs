//! Rows by the key they are posted under, in flat memory. Owns the walk over them, which is what a pass spends its time on.

use super::branches::{Branch, ROW_TESTS};
use super::column::{ALWAYS, TestId};

/// Set in a condition's number where the row alone does not decide.
const ASK: u32 = 1 << 31;

/// Rows that are looked at before what passed of them is handed out.
const BLOCK: usize = 256;
/// Room for the conditions of as many rows.
pub(super) type Block = [u32; BLOCK];

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Postings {
    /// Numbers of tests; a row that needs fewer holds [`ALWAYS`].
    rows: Vec<[TestId; ROW_TESTS]>,
    /// By row: its condition.
    conditions: Vec<u32>,
    /// By key: where its rows begin, and where those begin whose last two tests are alternatives. One more entry ends them.
    lists: Vec<(u32, u32)>,
}

/// Room that holds nothing yet.
pub(super) const fn block() -> Block {
    [0; BLOCK]
}

/// A row that passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) condition: u32,
    /// Whether the condition has yet to be asked.
    pub(super) is_candidate: bool,
}

impl Postings {
    /// From branches; `key` gives the number of a branch's key, `test` that of a literal's test.
    pub(super) fn new(
        branches: &[Branch],
        keys: u32,
        key: impl Fn(&Branch) -> u32,
        row: impl Fn(&Branch) -> Row,
    ) -> Self {
        let rows: Vec<Row> = branches.iter().map(row).collect();
        let place = |branch: &Branch, row: &Row| 2 * key(branch) as usize + usize::from(row.is_either);
        let mut starts = vec![0_u32; 2 * keys as usize + 2];
        for (branch, row) in branches.iter().zip(&rows) {
            if let Some(count) = starts.get_mut(place(branch, row) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let lists = starts.as_chunks::<2>().0.iter().map(|[plain, either]| (*plain, *either)).collect();
        let mut postings = Self { rows: vec![[ALWAYS; ROW_TESTS]; rows.len()], conditions: vec![0; rows.len()], lists };
        for (branch, row) in branches.iter().zip(&rows) {
            let Some(next) = starts.get_mut(place(branch, row)) else { continue };
            postings.put(*next as usize, branch.condition, row);
            *next += 1;
        }
        postings
    }

    fn put(&mut self, place: usize, condition: u32, row: &Row) {
        if let (Some(tests), Some(of)) = (self.rows.get_mut(place), self.conditions.get_mut(place)) {
            *tests = row.tests;
            *of = if row.is_exact { condition } else { condition | ASK };
        }
    }

    /// Walks the rows of a key and hands out those that pass.
    pub(super) fn walk(&self, key: u32, tests: &[u8], block: &mut Block, mut found: impl FnMut(Found)) {
        let Some([(start, either), (end, _)]) = self.lists.get(key as usize..key as usize + 2) else { return };
        let holds = |test: TestId| tests.get(usize::from(test)).copied().unwrap_or_default();
        let all = |[first, second, third, fourth]: [TestId; ROW_TESTS]| {
            holds(first) & holds(second) & holds(third) & holds(fourth)
        };
        self.pass(*start, *either, all, block, &mut found);
        let one = |[first, second, third, fourth]: [TestId; ROW_TESTS]| {
            holds(first) & holds(second) & (holds(third) | holds(fourth))
        };
        self.pass(*either, *end, one, block, &mut found);
    }

    /// Writes down the condition of every row and steps on only where the row passes: which rows pass cannot be guessed, and
    /// a wrong guess takes longer than all tests of a row.
    fn pass(
        &self,
        start: u32,
        end: u32,
        holds: impl Fn([TestId; ROW_TESTS]) -> u8,
        block: &mut Block,
        mut found: impl FnMut(Found),
    ) {
        let range = start as usize..end as usize;
        let rows = self.rows.get(range.clone()).unwrap_or_default().chunks(BLOCK);
        let conditions = self.conditions.get(range).unwrap_or_default().chunks(BLOCK);
        for (rows, conditions) in rows.zip(conditions) {
            let mut passed = 0;
            for (row, condition) in rows.iter().zip(conditions) {
                if let Some(place) = block.get_mut(passed) {
                    *place = *condition;
                }
                passed += usize::from(holds(*row));
            }
            for condition in block.get(..passed).unwrap_or_default() {
                found(Found { condition: condition & !ASK, is_candidate: condition & ASK != 0 });
            }
        }
    }

    /// How many rows a key has.
    pub(super) fn rows_of(&self, key: u32) -> usize {
        match self.lists.get(key as usize..key as usize + 2) {
            Some([(start, _), (end, _)]) => (end - start) as usize,
            _ => 0,
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes they take.
    pub(super) fn bytes(&self) -> usize {
        size_of::<[TestId; ROW_TESTS]>() * self.rows.capacity()
            + 4 * self.conditions.capacity()
            + 8 * self.lists.capacity()
    }
}

/// What is written of a branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) tests: [TestId; ROW_TESTS],
    pub(super) is_either: bool,
    pub(super) is_exact: bool,
}
