//! Numbers for tests and keys, and the columns that mark them. Owns which literals are worth a test: all that a value leads
//! to while there is room, and those to be asked that many rows share.

use std::ops::Range;

use super::branches::Branch;
use super::column::{ALWAYS, Column, Effect, Effects, Stairs, Steps, TESTS_MAX, TestId};
use super::constants::{Constants, Rank};
use super::roles::{Role, Roles};
use crate::condition::{LeafId, Literal, Subject};

/// A literal that has to be asked is a test if at least this many rows have it: then it is asked once for all of them.
const SHARED: u32 = 4;
/// Most literals that are asked in every pass.
const ASKED_MAX: usize = 256;
const NONE: u32 = u32::MAX;

/// The key of rows that are looked at in every pass.
pub(super) const EVERY: u32 = 0;

/// The numbers given out.
pub(super) struct Numbers {
    /// By literal.
    tests: Vec<u32>,
    keys: Vec<u32>,
    pub(super) test_count: u32,
    pub(super) key_count: u32,
}

/// A leaf that is asked in every pass, for the tests of its two literals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) leaf: LeafId,
    pub(super) holds: Option<u32>,
    pub(super) fails: Option<u32>,
}

impl Numbers {
    /// The number of a literal's test.
    pub(super) fn test(&self, literal: Literal) -> Option<TestId> {
        self.tests.get(literal.place()).and_then(|test| TestId::try_from(*test).ok())
    }

    /// The number of a branch's key.
    pub(super) fn key(&self, branch: &Branch) -> u32 {
        branch.key.and_then(|key| self.keys.get(key.place())).copied().filter(|key| *key != NONE).unwrap_or(EVERY)
    }

    fn new_test(&mut self, literal: Literal) -> u32 {
        give(&mut self.tests, literal, &mut self.test_count)
    }

    fn new_key(&mut self, literal: Literal) -> u32 {
        give(&mut self.keys, literal, &mut self.key_count)
    }
}

/// Gives the next number to a literal.
fn give(numbers: &mut [u32], literal: Literal, next: &mut u32) -> u32 {
    let number = *next;
    if let Some(place) = numbers.get_mut(literal.place()) {
        *place = number;
    }
    *next += 1;
    number
}

/// What the branches want of a literal.
#[derive(Clone, Copy, Default)]
struct Wanted {
    tests: u32,
    is_key: bool,
}

/// Gives numbers to what branches use, and makes the columns that mark them.
pub(super) fn assign(roles: Roles<'_>, literals: usize, branches: &[Branch]) -> (Numbers, Vec<Column>, Vec<Asked>) {
    let wanted = wanted(&roles, literals, branches);
    let mut numbers = Numbers {
        tests: vec![NONE; literals],
        keys: vec![NONE; literals],
        test_count: u32::from(ALWAYS) + 1,
        key_count: EVERY + 1,
    };
    let asked = asked(&roles, &wanted, &mut numbers);
    let mut parts: Vec<Parts> = roles.columns.iter().map(|_| Parts::default()).collect();
    for (literal, wanted) in all_literals(literals).zip(&wanted).filter(|(_, wanted)| wanted.tests > 0 || wanted.is_key)
    {
        let (role, turned) = roles.of(literal);
        let (Role::Member(column) | Role::Rise(column, _) | Role::Fall(column, _)) = role else { continue };
        if let Some(parts) = parts.get_mut(column) {
            parts.add(literal, *wanted, role, turned);
        }
    }
    let members = |leaf| roles.constants_of(leaf);
    let effects: Vec<Made> = parts.into_iter().map(|parts| parts.make(&mut numbers, &members)).collect();
    let columns = roles.columns.into_iter().zip(effects);
    let columns = columns.map(|((subject, constants), made)| made.column(subject, constants)).collect();
    (numbers, columns, asked)
}

fn all_literals(count: usize) -> impl Iterator<Item = Literal> {
    (0..).flat_map(|leaf| [Literal::new(leaf, false), Literal::new(leaf, true)]).take(count)
}

fn wanted(roles: &Roles<'_>, literals: usize, branches: &[Branch]) -> Vec<Wanted> {
    let mut wanted = vec![Wanted::default(); literals];
    for branch in branches {
        for test in branch.tests.iter().flatten() {
            if let Some(wanted) = wanted.get_mut(test.place()) {
                wanted.tests += 1;
            }
        }
        if let Some(wanted) = branch.key.and_then(|key| wanted.get_mut(key.place())) {
            wanted.is_key = true;
        }
    }
    let is_asked = |literal: Literal| roles.of(literal).0 == Role::Asked;
    keep_most_wanted(&mut wanted, ASKED_MAX, SHARED, is_asked);
    keep_most_wanted(&mut wanted, TESTS_MAX - 1 - ASKED_MAX, 1, |literal| !is_asked(literal));
    wanted
}

/// Gives up the tests of some kind that too few want, and those beyond a number.
fn keep_most_wanted(wanted: &mut [Wanted], most: usize, least: u32, of_kind: impl Fn(Literal) -> bool) {
    let literals = all_literals(wanted.len()).zip(&*wanted);
    let counts = literals.filter(|(literal, wanted)| wanted.tests > 0 && of_kind(*literal));
    let mut counts: Vec<(u32, Literal)> = counts.map(|(literal, wanted)| (wanted.tests, literal)).collect();
    counts.sort_unstable_by(|left, right| right.cmp(left));
    let kept = counts.partition_point(|(tests, _)| *tests >= least).min(most);
    for (_, literal) in counts.into_iter().skip(kept) {
        if let Some(wanted) = wanted.get_mut(literal.place()) {
            wanted.tests = 0;
        }
    }
}

fn asked(roles: &Roles<'_>, wanted: &[Wanted], numbers: &mut Numbers) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (leaf, wanted) in (0..).zip(wanted.as_chunks::<2>().0) {
        let literals = [Literal::new(leaf, false), Literal::new(leaf, true)];
        if roles.of(literals[0]).0 == Role::Asked && wanted.iter().any(|wanted| wanted.tests > 0) {
            let mut test = |place: usize| {
                let is_wanted = wanted.get(place).is_some_and(|wanted| wanted.tests > 0);
                literals.get(place).filter(|_| is_wanted).map(|literal| numbers.new_test(*literal))
            };
            asked.push(Asked { leaf, holds: test(0), fails: test(1) });
        }
    }
    asked
}

/// The literals of one column by the part they play.
#[derive(Default)]
struct Parts {
    members: Vec<(Literal, Wanted)>,
    unless: Vec<Literal>,
    rises: Vec<(Rank, Literal, Wanted)>,
    falls: Vec<(Rank, Literal, Wanted)>,
}

impl Parts {
    fn add(&mut self, literal: Literal, wanted: Wanted, role: Role, turned: bool) {
        match (role, turned) {
            (Role::Member(_), false) => self.members.push((literal, wanted)),
            (Role::Member(_), true) => self.unless.push(literal),
            (Role::Rise(_, at), false) => self.rises.push((at, literal, wanted)),
            (Role::Fall(_, at), false) => self.falls.push((at, literal, wanted)),
            // What does not rise above a rank falls there, and the other way round; ranks of constants are never 0.
            (Role::Rise(_, at), true) => self.falls.push((at.saturating_sub(1), literal, wanted)),
            (Role::Fall(_, at), true) => self.rises.push((at.saturating_add(1), literal, wanted)),
            (Role::Constant(_) | Role::Asked, _) => {}
        }
    }

    fn make(mut self, numbers: &mut Numbers, members_of: &impl Fn(LeafId) -> Vec<u32>) -> Made {
        let (first_test, first_key) = (numbers.test_count, numbers.key_count);
        let mut effects = Vec::new();
        for literal in &self.unless {
            let fails = Effect::fails(numbers.new_test(*literal));
            effects.extend(members_of(literal.leaf()).into_iter().map(|constant| (constant, fails)));
        }
        let unless = first_test..numbers.test_count;
        let [rises, falls] = [&mut self.rises, &mut self.falls].map(|steps| {
            steps.sort_unstable_by_key(|(at, literal, _)| (*at, *literal));
            Made::stairs(steps, numbers)
        });
        for (literal, wanted) in &self.members {
            let holds = (wanted.tests > 0).then(|| Effect::holds(numbers.new_test(*literal)));
            let opens = wanted.is_key.then(|| Effect::opens(numbers.new_key(*literal)));
            for constant in members_of(literal.leaf()) {
                effects.extend(holds.iter().chain(&opens).map(|effect| (constant, *effect)));
            }
        }
        let (tests, keys) = (first_test..numbers.test_count, first_key..numbers.key_count);
        Made { effects, unless, rises, falls, tests, keys }
    }
}

/// The parts with their numbers.
struct Made {
    effects: Vec<(u32, Effect)>,
    unless: Range<u32>,
    rises: Stairs,
    falls: Stairs,
    tests: Range<u32>,
    keys: Range<u32>,
}

impl Made {
    fn stairs(steps: &[(Rank, Literal, Wanted)], numbers: &mut Numbers) -> Stairs {
        let mut tests = Steps { first: numbers.test_count, at: Vec::new() };
        let mut keys = Steps { first: numbers.key_count, at: Vec::new() };
        for (at, literal, wanted) in steps {
            if wanted.tests > 0 {
                numbers.new_test(*literal);
                tests.at.push(*at);
            }
            if wanted.is_key {
                numbers.new_key(*literal);
                keys.at.push(*at);
            }
        }
        Stairs { tests, keys }
    }

    fn column(self, subject: Subject, constants: Constants) -> Column {
        let lengths = match (subject, &constants) {
            (Subject::Prefixes(_) | Subject::Suffixes(_), Constants::Texts(texts)) => lengths(texts.iter()),
            _ => Vec::new(),
        };
        let effects = Effects::new(self.effects, constants.len());
        let Self { unless, rises, falls, tests, keys, .. } = self;
        Column { subject, constants, effects, unless, rises, falls, tests, keys, lengths }
    }
}

fn lengths<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<usize> {
    let mut lengths: Vec<usize> = texts.map(str::len).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}
