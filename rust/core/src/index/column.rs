//! Everything that is looked up about one subject: from its reading to the tests that hold and the keys that open. Owns the
//! order of these look-ups; knows nothing of rules.

use std::ops::Range;

use super::constants::{Constants, Rank, constant_at};
use crate::condition::{Subject, size};
use crate::signal::{Reading, SignalId};
use crate::value::Value;

/// Which of two questions a pass asks of every condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Is it true?
    Holds,
    /// Could it be true, for all that is known?
    MayHold,
}

/// A test's number; rows hold nothing wider.
pub(super) type TestId = u16;
/// The test that always holds.
pub(super) const ALWAYS: TestId = 0;
/// Room for tests, the one that always holds among them.
pub(super) const TESTS_MAX: usize = 1 << TestId::BITS;

/// Room for the keys that most rows of readings open.
const KEYS: usize = 64;

/// What a pass found out about one row of readings.
#[derive(Debug)]
pub(super) struct Marks {
    /// By test: 1 if it holds.
    pub(super) tests: Vec<u8>,
    /// Keys whose rules have to be looked at.
    pub(super) keys: Vec<u32>,
}

impl Marks {
    pub(super) fn new(tests: usize) -> Self {
        let mut marks = Self { tests: vec![0; tests], keys: Vec::with_capacity(KEYS) };
        marks.set(u32::from(ALWAYS), 1);
        marks
    }

    pub(super) fn set(&mut self, test: u32, holds: u8) {
        if let Some(test) = self.tests.get_mut(test as usize) {
            *test = holds;
        }
    }

    fn hold(&mut self, tests: Range<u32>) {
        if let Some(tests) = self.tests.get_mut(tests.start as usize..tests.end as usize) {
            tests.fill(1);
        }
    }
}

/// What follows when a reading equals a constant, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Effect(u32);

impl Effect {
    const KIND: u32 = 0b11 << 30;
    const FAILS: u32 = 0b01 << 30;
    const OPENS: u32 = 0b10 << 30;

    /// A test holds.
    pub(super) const fn holds(test: u32) -> Self {
        Self(test & !Self::KIND)
    }

    /// A test that held for want of this constant does not.
    pub(super) const fn fails(test: u32) -> Self {
        Self((test & !Self::KIND) | Self::FAILS)
    }

    /// A key opens.
    pub(super) const fn opens(key: u32) -> Self {
        Self((key & !Self::KIND) | Self::OPENS)
    }

    fn apply(self, marks: &mut Marks) {
        let number = self.0 & !Self::KIND;
        match self.0 & Self::KIND {
            Self::OPENS => marks.keys.push(number),
            kind => marks.set(number, u8::from(kind != Self::FAILS)),
        }
    }
}

/// Lists by number, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Effects {
    ends: Vec<u32>,
    effects: Vec<Effect>,
}

impl Effects {
    /// From effects with the constants they belong to.
    pub(super) fn new(mut of_constants: Vec<(u32, Effect)>, constants: usize) -> Self {
        of_constants.sort_unstable();
        let ends = (0..).take(constants).map(|constant| of_constants.partition_point(|(of, _)| *of <= constant));
        let ends = ends.map(|end| u32::try_from(end).unwrap_or(u32::MAX)).collect();
        Self { ends, effects: of_constants.into_iter().map(|(_, effect)| effect).collect() }
    }

    fn of(&self, constant: u32) -> &[Effect] {
        let at = |place: u32| self.ends.get(place as usize).copied().unwrap_or_default() as usize;
        let start = constant.checked_sub(1).map_or(0, at);
        self.effects.get(start..at(constant)).unwrap_or_default()
    }
}

/// Numbers in a row that hold from a rank on, or up to one.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) first: u32,
    /// Ascending.
    pub(super) at: Vec<Rank>,
}

impl Steps {
    /// Those that hold from a rank on which is reached.
    fn risen(&self, rank: Rank) -> Range<u32> {
        self.first..self.first + number(self.at.partition_point(|at| *at <= rank))
    }

    /// Those that hold up to a rank which is not passed.
    fn not_fallen(&self, rank: Rank) -> Range<u32> {
        self.first + number(self.at.partition_point(|at| *at < rank))..self.first + number(self.at.len())
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Steps of tests and of keys.
#[derive(Debug, Default)]
pub(super) struct Stairs {
    pub(super) tests: Steps,
    pub(super) keys: Steps,
}

/// One subject.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) subject: Subject,
    pub(super) constants: Constants,
    pub(super) effects: Effects,
    /// Tests that hold unless the reading equals one of their constants.
    pub(super) unless: Range<u32>,
    pub(super) rises: Stairs,
    pub(super) falls: Stairs,
    /// All of its tests, and all of its keys.
    pub(super) tests: Range<u32>,
    pub(super) keys: Range<u32>,
    /// Lengths of its constants, for prefixes and suffixes.
    pub(super) lengths: Vec<usize>,
}

impl Column {
    /// Marks what a row of readings says of the subject.
    pub(super) fn read(&self, readings: &[Reading<'_>], pass: Pass, marks: &mut Marks) {
        let (Subject::Value(signal)
        | Subject::Size(signal)
        | Subject::Items(signal)
        | Subject::Prefixes(signal)
        | Subject::Suffixes(signal)
        | Subject::Presence(signal)) = self.subject;
        let is_known = match (self.subject, reading(readings, signal)) {
            (Subject::Presence(_), Reading::Denied) => false,
            (Subject::Presence(_), reading) => self.one(&Value::Bool(matches!(reading, Reading::Known(_))), marks),
            (_, Reading::Known(value)) => self.known(value, marks),
            _ => false,
        };
        if !is_known && pass == Pass::MayHold {
            marks.hold(self.tests.clone());
            marks.keys.extend(self.keys.clone());
        }
    }

    /// Marks what a value says; whether it is one that the subject can have.
    fn known(&self, value: &Value<'_>, marks: &mut Marks) -> bool {
        match (self.subject, value) {
            (Subject::Size(_), value) => size(value).is_some_and(|size| self.one(&Value::Int(size), marks)),
            (Subject::Items(_), Value::StringSet(items)) => self.several(items.iter().map(AsRef::as_ref), marks),
            (Subject::Prefixes(_), Value::String(text)) => {
                self.several(self.lengths.iter().filter_map(|length| text.get(..*length)), marks)
            }
            (Subject::Suffixes(_), Value::String(text)) => {
                let starts = self.lengths.iter().filter_map(|length| text.len().checked_sub(*length));
                self.several(starts.filter_map(|start| text.get(start..)), marks)
            }
            (Subject::Value(_), value) => self.one(value, marks),
            _ => false,
        }
    }

    fn several<'t>(&self, texts: impl Iterator<Item = &'t str>, marks: &mut Marks) -> bool {
        marks.hold(self.unless.clone());
        if let Constants::Texts(constants) = &self.constants {
            texts.filter_map(|text| constants.find(text)).for_each(|constant| self.equals(constant, marks));
        }
        true
    }

    fn one(&self, value: &Value<'_>, marks: &mut Marks) -> bool {
        if let (Constants::Texts(constants), Value::String(text)) = (&self.constants, value) {
            marks.hold(self.unless.clone());
            if let Some(constant) = constants.find(text) {
                self.equals(constant, marks);
            }
            return true;
        }
        let Some(rank) = self.constants.rank(value) else { return false };
        marks.hold(self.unless.clone());
        if let Some(constant) = constant_at(rank) {
            self.equals(constant, marks);
        }
        marks.hold(self.rises.tests.risen(rank));
        marks.hold(self.falls.tests.not_fallen(rank));
        marks.keys.extend(self.rises.keys.risen(rank));
        marks.keys.extend(self.falls.keys.not_fallen(rank));
        true
    }

    fn equals(&self, constant: u32, marks: &mut Marks) {
        self.effects.of(constant).iter().for_each(|effect| effect.apply(marks));
    }

    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let steps = [&self.rises.tests, &self.rises.keys, &self.falls.tests, &self.falls.keys];
        let words = steps.iter().map(|steps| steps.at.capacity()).sum::<usize>()
            + self.effects.ends.capacity()
            + self.effects.effects.capacity();
        size_of::<Self>() + 4 * words + self.constants.bytes()
    }
}

fn reading<'r>(readings: &'r [Reading<'r>], signal: SignalId) -> &'r Reading<'r> {
    readings.get(signal as usize).unwrap_or(&Reading::Missing)
}
