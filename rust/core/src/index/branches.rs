//! From a condition to the rows that find it: a key to be posted under and a few tests that must hold. Owns the choice of the
//! key and what fits into a row; whatever does not fit is asked of those that pass.

use super::roles::Roles;
use crate::condition::{Literal, Part, root};

/// Tests in one row.
pub(super) const ROW_TESTS: usize = 4;
/// Tests that stand beside a pair of alternatives in one row.
const BESIDE_PAIR: usize = ROW_TESTS - 2;
/// Most rows of one condition; an or of more operands is asked as a whole.
const BRANCHES_MAX: usize = 16;
/// An or is spread over several rows only if that leaves less than this part of the candidates.
const SPREAD_GAIN: f32 = 0.5;

/// One row to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    /// The number of the condition.
    pub(super) condition: u32,
    /// What it is posted under; none for a row that is looked at in every pass.
    pub(super) key: Option<Literal>,
    /// What must hold beside the key.
    pub(super) tests: [Option<Literal>; ROW_TESTS],
    /// Of the last two tests one is enough.
    pub(super) is_either: bool,
    /// Nothing else has to hold.
    pub(super) is_exact: bool,
}

/// The rows of many conditions.
pub(super) struct Brancher<'r> {
    roles: &'r Roles<'r>,
    pub(super) branches: Vec<Branch>,
    /// Whether some condition has more than one row.
    pub(super) has_repeats: bool,
    /// Memory that is used again for each condition.
    literals: Vec<Literal>,
}

impl<'r> Brancher<'r> {
    pub(super) fn new(roles: &'r Roles<'r>) -> Self {
        Self { roles, branches: Vec::new(), has_repeats: false, literals: Vec::new() }
    }

    /// Adds the rows of a condition; none for one that is never true.
    pub(super) fn add(&mut self, condition: u32, words: &[u32]) {
        let mut needs = Needs { literals: std::mem::take(&mut self.literals), ors: Vec::new() };
        if root(words).is_some_and(|part| needs.add(part, self.roles)) {
            let key = needs.key(self.roles);
            let chance = key.map_or(1.0, |key| self.roles.chance(key));
            match needs.to_spread(self.roles).filter(|(spread, _)| *spread < SPREAD_GAIN * chance) {
                Some((_, place)) => self.spread(condition, &needs, place),
                None => self.branch(condition, &mut needs, key),
            }
        }
        self.literals = needs.literals;
        self.literals.clear();
    }

    /// One row for each operand of an or.
    fn spread(&mut self, condition: u32, needs: &Needs<'_>, place: usize) {
        self.has_repeats = true;
        for operand in needs.ors.get(place).into_iter().flatten() {
            let mut branch = needs.clone();
            branch.ors.remove(place);
            if branch.add(*operand, self.roles) {
                self.branch(condition, &mut branch, key_of(*operand, self.roles));
            }
        }
    }

    fn branch(&mut self, condition: u32, needs: &mut Needs<'_>, key: Option<Literal>) {
        let Needs { literals, ors } = &mut *needs;
        literals.retain(|literal| Some(*literal) != key);
        literals.sort_by(|left, right| self.roles.chance(*left).total_cmp(&self.roles.chance(*right)));
        let pair = pair(ors).filter(|_| literals.len() <= BESIDE_PAIR);
        let mut tests = [None; ROW_TESTS];
        for (test, literal) in tests.iter_mut().zip(&*literals) {
            *test = Some(*literal);
        }
        if let (Some(pair), [.., first, second]) = (pair, &mut tests) {
            (*first, *second) = (Some(pair[0]), Some(pair[1]));
        }
        let fits = literals.len() <= ROW_TESTS && (ors.is_empty() || pair.is_some());
        self.branches.push(Branch { condition, key, tests, is_either: pair.is_some(), is_exact: fits });
    }
}

/// What a condition needs: all of these literals, and one operand of each of these ors.
#[derive(Clone)]
struct Needs<'p> {
    literals: Vec<Literal>,
    ors: Vec<Vec<Part<'p>>>,
}

impl<'p> Needs<'p> {
    /// Adds a part; false if it is never true.
    fn add(&mut self, part: Part<'p>, roles: &Roles<'_>) -> bool {
        match part {
            Part::Literal(literal) => roles.constant(literal).unwrap_or_else(|| {
                if !self.literals.contains(&literal) {
                    self.literals.push(literal);
                }
                true
            }),
            Part::And(parts) => parts.iter().all(|part| self.add(part, roles)),
            Part::Or(parts) => {
                let constant = |part: &Part<'_>| match part {
                    Part::Literal(literal) => roles.constant(*literal),
                    _ => None,
                };
                let operands: Vec<Part<'p>> = parts.iter().filter(|part| constant(part) != Some(false)).collect();
                match operands.as_slice() {
                    [] => false,
                    [only] => self.add(*only, roles),
                    _ if operands.iter().any(|part| constant(part) == Some(true)) => true,
                    _ => {
                        self.ors.push(operands);
                        true
                    }
                }
            }
        }
    }

    /// The literal that holds least often, among those that can be posted under.
    fn key(&self, roles: &Roles<'_>) -> Option<Literal> {
        rarest(self.literals.iter().copied(), roles)
    }

    /// The or whose operands together hold least often, if each has a key; with that chance.
    fn to_spread(&self, roles: &Roles<'_>) -> Option<(f32, usize)> {
        let chance = |operands: &Vec<Part<'_>>| {
            let keys = operands.iter().map(|operand| key_of(*operand, roles).map(|key| roles.chance(key)));
            keys.sum::<Option<f32>>().filter(|_| operands.len() <= BRANCHES_MAX)
        };
        let chances = self.ors.iter().enumerate().filter_map(|(place, operands)| Some((chance(operands)?, place)));
        chances.min_by(|left, right| left.0.total_cmp(&right.0))
    }
}

/// The two alternatives, if there is one or and it is that plain.
fn pair(ors: &[Vec<Part<'_>>]) -> Option<[Literal; 2]> {
    let [operands] = ors else { return None };
    match operands.as_slice() {
        [Part::Literal(first), Part::Literal(second)] => Some([*first, *second]),
        _ => None,
    }
}

/// The best key of an operand that stands for a row of its own.
fn key_of(operand: Part<'_>, roles: &Roles<'_>) -> Option<Literal> {
    let literal = |part| if let Part::Literal(literal) = part { Some(literal) } else { None };
    match operand {
        Part::Literal(literal) => rarest(std::iter::once(literal), roles),
        Part::And(parts) => rarest(parts.iter().filter_map(literal), roles),
        Part::Or(_) => None,
    }
}

fn rarest(literals: impl Iterator<Item = Literal>, roles: &Roles<'_>) -> Option<Literal> {
    let keys = literals.filter(|literal| roles.is_key(*literal) && roles.constant(*literal).is_none());
    keys.min_by(|left, right| roles.chance(*left).total_cmp(&roles.chance(*right)))
}
