//! One pass over a row of readings that finds every posted condition that holds. Owns the order of its steps: columns mark
//! tests and keys, rows under these keys are walked, what a row cannot decide is asked.

use super::assign::{Asked, EVERY, assign};
use super::branches::{Branch, Brancher, ROW_TESTS};
use super::column::{ALWAYS, Column, Marks, Pass, TestId};
use super::postings::{Found, Postings, Row, block};
use super::roles::Roles;
use super::set::Set;
use super::{ConditionId, Strategy, leaf_truth, truth};
use crate::condition::{Conditions, Literal, Truth, literals};
use crate::signal::Reading;

/// Room for what most passes find.
const FOUND: usize = 32;

/// Everything a pass needs beside the conditions themselves.
#[derive(Debug)]
pub(super) struct Search {
    columns: Vec<Column>,
    asked: Vec<Asked>,
    postings: Postings,
    tests: usize,
    has_repeats: bool,
}

/// What a pass looked at, for those who tune or guard it: equal rows of readings give equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Keys that the readings open.
    pub keys: usize,
    /// Rows that lie under them.
    pub rows: usize,
    /// Rows that passed and whose conditions have to be asked.
    pub asked: usize,
}

impl Search {
    /// For the conditions of these numbers, which ascend.
    pub(super) fn new(conditions: &Conditions, posted: &[ConditionId], strategy: Strategy) -> Self {
        let uses = uses(conditions, posted);
        let roles = Roles::new(conditions.leaves(), &uses);
        let mut brancher = Brancher::new(&roles);
        brancher.branches.reserve_exact(posted.len());
        for condition in posted {
            brancher.add(*condition, conditions.words(*condition));
        }
        let Brancher { mut branches, has_repeats, .. } = brancher;
        if strategy == Strategy::Scan {
            branches.iter_mut().for_each(scanned);
        }
        let (numbers, columns, asked) = assign(roles, 2 * conditions.leaves().len(), &branches);
        let row = |branch: &Branch| row(branch, |literal| numbers.test(literal));
        let postings = Postings::new(&branches, numbers.key_count, |branch| numbers.key(branch), row);
        Self { columns, asked, postings, tests: numbers.test_count as usize, has_repeats }
    }

    /// The conditions that pass, ascending.
    pub(super) fn run(&self, conditions: &Conditions, readings: &[Reading<'_>], pass: Pass) -> Vec<ConditionId> {
        let marks = self.marks(conditions, readings, pass);
        let mut found = Vec::with_capacity(FOUND);
        self.walk(&marks, |row| {
            if !row.is_candidate || passes(truth(conditions, row.condition, readings), pass) {
                found.push(row.condition);
            }
        });
        sort(&mut found, conditions.len());
        if self.has_repeats {
            found.dedup();
        }
        found
    }

    /// What a pass would look at.
    pub(super) fn effort(&self, conditions: &Conditions, readings: &[Reading<'_>]) -> Effort {
        let marks = self.marks(conditions, readings, Pass::Holds);
        let keys = std::iter::once(&EVERY).chain(&marks.keys);
        let mut effort =
            Effort { keys: marks.keys.len(), rows: keys.map(|key| self.postings.rows_of(*key)).sum(), asked: 0 };
        self.walk(&marks, |row| effort.asked += usize::from(row.is_candidate));
        effort
    }

    fn marks(&self, conditions: &Conditions, readings: &[Reading<'_>], pass: Pass) -> Marks {
        let mut marks = Marks::new(self.tests);
        self.columns.iter().for_each(|column| column.read(readings, pass, &mut marks));
        for asked in &self.asked {
            let truth = leaf_truth(conditions, asked.leaf, readings);
            for (test, truth) in [(asked.holds, truth), (asked.fails, !truth)] {
                if let Some(test) = test {
                    marks.set(test, u8::from(passes(truth, pass)));
                }
            }
        }
        marks
    }

    fn walk(&self, marks: &Marks, mut found: impl FnMut(Found)) {
        let mut block = block();
        self.postings.walk(EVERY, &marks.tests, &mut block, &mut found);
        for key in &marks.keys {
            self.postings.walk(*key, &marks.tests, &mut block, &mut found);
        }
    }

    /// Bytes it takes, and rows it has.
    pub(super) fn size(&self) -> (usize, usize) {
        let columns: usize = self.columns.iter().map(Column::bytes).sum();
        (self.postings.bytes() + columns, self.postings.len())
    }
}

const fn passes(truth: Truth, pass: Pass) -> bool {
    match pass {
        Pass::Holds => matches!(truth, Truth::True),
        Pass::MayHold => !matches!(truth, Truth::False),
    }
}

/// Numbers found in any order, ascending: by a bitmap where there are many of them.
fn sort(found: &mut Vec<ConditionId>, conditions: usize) {
    const DENSE: usize = 256;
    if found.len() < conditions / DENSE || found.len() < DENSE {
        found.sort_unstable();
        return;
    }
    let set = Set::new(found.drain(..), conditions);
    found.extend(set.iter());
}

/// By leaf: how often posted conditions use it.
fn uses(conditions: &Conditions, posted: &[ConditionId]) -> Vec<u32> {
    let mut uses = vec![0_u32; conditions.leaves().len()];
    for literal in posted.iter().flat_map(|condition| literals(conditions.words(*condition))) {
        uses.get_mut(literal.leaf() as usize).into_iter().for_each(|uses| *uses = uses.saturating_add(1));
    }
    uses
}

/// Takes a branch from under its key, which becomes a test where there is room for one.
fn scanned(branch: &mut Branch) {
    let Some(key) = branch.key.take() else { return };
    let free = branch.tests.iter_mut().find(|test| test.is_none());
    match free {
        Some(free) => *free = Some(key),
        None => branch.is_exact = false,
    }
}

/// What does not become a test leaves a row that no longer decides alone.
fn row(branch: &Branch, test: impl Fn(Literal) -> Option<TestId>) -> Row {
    let tests = branch.tests.map(|literal| literal.map_or(Some(ALWAYS), &test));
    let is_exact = branch.is_exact && tests.iter().all(Option::is_some);
    let tests: [TestId; ROW_TESTS] = tests.map(Option::unwrap_or_default);
    Row { tests, is_either: branch.is_either, is_exact }
}
