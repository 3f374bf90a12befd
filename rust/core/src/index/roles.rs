//! What part each leaf can play in a pass: looked up under a constant, above or below one, or asked by itself. Owns the guess
//! of how often a literal holds; it decides only how quick a pass is.

use std::collections::HashMap;

use super::constants::{Constants, Rank, rank_of};
use crate::condition::{Leaf, LeafId, Literal, Question, Subject};
use crate::value::Value;

/// How often a leaf that has to be asked holds, as far as anyone knows.
const ASKED_CHANCE: f32 = 0.3;
/// How many items a set holds, as far as anyone knows.
const ITEMS: f32 = 6.0;
/// No guess is nearer to always or never than this.
const LEAST_CHANCE: f32 = 1e-6;

/// The part of one leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Always the same.
    Constant(bool),
    /// Known once the constant of a value is found, in this column.
    Member(usize),
    /// Holds from a rank on.
    Rise(usize, Rank),
    /// Holds up to a rank.
    Fall(usize, Rank),
    /// To be asked by itself.
    Asked,
}

/// The parts of all leaves.
pub(super) struct Roles<'l> {
    leaves: &'l [Leaf],
    /// What is asked about, with the constants it is compared with.
    pub(super) columns: Vec<(Subject, Constants)>,
    /// By leaf, with whether the answer has to be turned round.
    by_leaf: Vec<(Role, bool)>,
    /// By literal.
    chances: Vec<f32>,
}

impl<'l> Roles<'l> {
    /// From leaves and how often each of them is used.
    pub(super) fn new(leaves: &'l [Leaf], uses: &[u32]) -> Self {
        let columns = columns(leaves, uses);
        let places: HashMap<Subject, usize> =
            columns.iter().enumerate().map(|(place, (subject, _))| (*subject, place)).collect();
        let by_leaf = leaves.iter().map(|leaf| role(leaf, &places, &columns)).collect();
        let mut roles = Self { leaves, columns, by_leaf, chances: Vec::new() };
        roles.chances = roles.guess(uses);
        roles
    }

    /// The part of a literal, and whether it is the opposite of that.
    pub(super) fn of(&self, literal: Literal) -> (Role, bool) {
        let (role, turned) = self.by_leaf.get(literal.leaf() as usize).copied().unwrap_or((Role::Asked, false));
        (role, turned != literal.is_negated())
    }

    /// Whether it is always true, or never.
    pub(super) fn constant(&self, literal: Literal) -> Option<bool> {
        match self.of(literal) {
            (Role::Constant(value), turned) => Some(value != turned),
            _ => None,
        }
    }

    /// Whether rules can be posted under it: it holds for few values, and a value leads to it.
    pub(super) fn is_key(&self, literal: Literal) -> bool {
        matches!(self.of(literal), (Role::Member(_) | Role::Rise(..) | Role::Fall(..), false))
    }

    /// A guess of how often it holds.
    pub(super) fn chance(&self, literal: Literal) -> f32 {
        self.chances.get(literal.place()).copied().unwrap_or(ASKED_CHANCE)
    }

    /// The numbers of the constants that make a member hold.
    pub(super) fn constants_of(&self, leaf: LeafId) -> Vec<u32> {
        let Some(question) = self.leaves.get(leaf as usize).map(|leaf| leaf.question().0) else { return Vec::new() };
        let (Some((Role::Member(column), _)), values) = (self.by_leaf.get(leaf as usize), compared_with(&question))
        else {
            return Vec::new();
        };
        let column = self.columns.get(*column).map(|(_, constants)| constants);
        column.into_iter().flat_map(|constants| values.iter().filter_map(|value| constants.find(value))).collect()
    }

    /// How often rules ask for each constant of each column.
    fn asked(&self, members: &[Vec<u32>], uses: &[u32]) -> Vec<Vec<u32>> {
        let mut asked: Vec<Vec<u32>> = self.columns.iter().map(|(_, constants)| vec![0; constants.len()]).collect();
        for ((constants, (role, _)), uses) in members.iter().zip(&self.by_leaf).zip(uses) {
            let Role::Member(column) = role else { continue };
            for constant in constants {
                if let Some(count) = asked.get_mut(*column).and_then(|asked| asked.get_mut(*constant as usize)) {
                    *count = count.saturating_add(*uses);
                }
            }
        }
        asked
    }

    /// By literal.
    fn guess(&self, uses: &[u32]) -> Vec<f32> {
        let members: Vec<Vec<u32>> = (0..).take(self.by_leaf.len()).map(|leaf| self.constants_of(leaf)).collect();
        let asked = self.asked(&members, uses);
        let frequencies = self.columns.iter().zip(&asked).map(|((subject, _), asked)| frequencies(*subject, asked));
        let frequencies: Vec<Vec<f32>> = frequencies.collect();
        let of_leaf = |(constants, (role, turned)): (&Vec<u32>, &(Role, bool))| {
            let ranks = |column: &usize| 2.0 * frequencies.get(*column).map_or(0.0, |all| float(all.len())) + 1.0;
            let chance = match role {
                Role::Constant(value) => f32::from(u8::from(*value)),
                Role::Asked => ASKED_CHANCE,
                Role::Rise(column, at) => 1.0 - float(*at as usize) / ranks(column),
                Role::Fall(column, at) => float(*at as usize + 1) / ranks(column),
                Role::Member(column) => {
                    let of_column = frequencies.get(*column).map_or(&[][..], Vec::as_slice);
                    constants.iter().filter_map(|constant| of_column.get(*constant as usize)).sum()
                }
            };
            let chance = chance.clamp(LEAST_CHANCE, 1.0 - LEAST_CHANCE);
            if *turned { [1.0 - chance, chance] } else { [chance, 1.0 - chance] }
        };
        members.iter().zip(&self.by_leaf).flat_map(of_leaf).collect()
    }
}

/// How often each constant is met: half of the guess takes all as equally frequent, half takes as frequent what rules ask for.
fn frequencies(subject: Subject, asked: &[u32]) -> Vec<f32> {
    let factor = if matches!(subject, Subject::Items(_)) { ITEMS } else { 1.0 };
    let count = float(asked.len());
    let total: f32 = asked.iter().map(|asked| float(*asked as usize)).sum();
    let of_constant = |asked: &u32| 0.5 / (count + 1.0) + 0.5 * float(*asked as usize) / (total + total / count + 1.0);
    asked.iter().map(|asked| factor * of_constant(asked)).collect()
}

/// Precise enough for a guess.
fn float(count: usize) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "a guess needs no more")]
    let float = count as f32;
    float
}

fn columns(leaves: &[Leaf], uses: &[u32]) -> Vec<(Subject, Constants)> {
    let mut places: HashMap<Subject, usize> = HashMap::new();
    let mut columns: Vec<(Subject, Vec<&Value<'static>>)> = Vec::new();
    for (leaf, _) in leaves.iter().zip(uses).filter(|(_, uses)| **uses > 0) {
        let (question, _) = leaf.question();
        let Some(subject) = subject_of(&question) else { continue };
        let place = *places.entry(subject).or_insert_with(|| {
            columns.push((subject, Vec::new()));
            columns.len() - 1
        });
        columns.get_mut(place).into_iter().for_each(|(_, values)| values.extend(compared_with(&question)));
    }
    columns.into_iter().map(|(subject, values)| (subject, Constants::new(&values))).collect()
}

const fn subject_of(question: &Question<'_>) -> Option<Subject> {
    match question {
        Question::Equal(subject, _)
        | Question::OneOf(subject, _)
        | Question::Above(subject, ..)
        | Question::Below(subject, ..) => Some(*subject),
        Question::Constant(_) | Question::Other => None,
    }
}

const fn compared_with<'l>(question: &Question<'l>) -> &'l [Value<'static>] {
    match question {
        Question::Equal(_, value) | Question::Above(_, value, _) | Question::Below(_, value, _) => {
            std::slice::from_ref(value)
        }
        Question::OneOf(_, values) => values,
        Question::Constant(_) | Question::Other => &[],
    }
}

fn role(leaf: &Leaf, places: &HashMap<Subject, usize>, columns: &[(Subject, Constants)]) -> (Role, bool) {
    let (question, turned) = leaf.question();
    if let Question::Constant(value) = question {
        return (Role::Constant(value), turned);
    }
    let Some(place) = subject_of(&question).and_then(|subject| places.get(&subject)).copied() else {
        return (Role::Asked, turned);
    };
    let rank = |value: &Value<'_>| {
        let (_, constants) = columns.get(place)?;
        constants.find(value).map(rank_of)
    };
    let role = match question {
        Question::Above(_, value, or_equal) => rank(value).map(|rank| Role::Rise(place, rank + u32::from(!or_equal))),
        Question::Below(_, value, or_equal) => rank(value).map(|rank| Role::Fall(place, rank - u32::from(!or_equal))),
        _ => Some(Role::Member(place)),
    };
    (role.unwrap_or(Role::Asked), turned)
}
