//! Purposes and what a request grants of them. Owns the rule by which a purpose is refused; reads no signal.

use std::borrow::Cow;

use crate::bundle::PurposeDocument;

/// Most purposes a bundle may declare; a set of them is one machine word.
pub const PURPOSES_MAX: usize = 64;

/// A set of purposes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurposeSet(u64);

impl PurposeSet {
    /// The set without any purpose.
    pub const EMPTY: Self = Self(0);

    /// The set with one purpose.
    pub const fn single(slot: usize) -> Self {
        Self(1 << (slot % PURPOSES_MAX))
    }

    /// Whether no purpose is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Purposes in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Purposes in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[derive(Debug)]
struct Purpose {
    name: String,
    needs_consent: bool,
    gpc_blocks: bool,
}

/// The purposes of one bundle.
#[derive(Debug)]
pub struct Purposes {
    purposes: Vec<Purpose>,
}

impl Purposes {
    /// Purposes in the order of the document; `None` when there are more than [`PURPOSES_MAX`].
    pub fn new<'a>(declared: impl IntoIterator<Item = (&'a String, &'a PurposeDocument)>) -> Option<Self> {
        let purposes: Vec<_> = declared
            .into_iter()
            .map(|(name, purpose)| Purpose {
                name: name.clone(),
                needs_consent: purpose.basis == "consent",
                gpc_blocks: purpose.gpc_blocks,
            })
            .collect();
        (purposes.len() <= PURPOSES_MAX).then_some(Self { purposes })
    }

    /// The slot of a name.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.purposes.iter().position(|purpose| purpose.name == name)
    }

    /// The names in a set, in declared order.
    pub fn names(&self, set: PurposeSet) -> impl Iterator<Item = &str> {
        self.purposes
            .iter()
            .enumerate()
            .filter(move |(slot, _)| !set.intersection(PurposeSet::single(*slot)).is_empty())
            .map(|(_, purpose)| purpose.name.as_str())
    }

    /// What is refused: a purpose whose basis is consent unless it is granted, any other one if it is refused, and those
    /// that Global Privacy Control blocks. Calls `unknown` with each name that is not declared.
    pub fn refused(
        &self,
        given: &[(Cow<'_, str>, Option<bool>)],
        gpc: bool,
        mut unknown: impl FnMut(&str),
    ) -> PurposeSet {
        let mut answers: [Option<bool>; PURPOSES_MAX] = [None; PURPOSES_MAX];
        for (name, granted) in given {
            match self.slot(name).and_then(|slot| answers.get_mut(slot)) {
                Some(answer) => *answer = *granted,
                None => unknown(name),
            }
        }
        self.purposes.iter().zip(answers).enumerate().fold(
            PurposeSet::default(),
            |refused, (slot, (purpose, answer))| {
                let granted = answer.unwrap_or(!purpose.needs_consent) && !(gpc && purpose.gpc_blocks);
                if granted { refused } else { refused.union(PurposeSet::single(slot)) }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purposes() -> Purposes {
        let declared = [("consented", "consent", false), ("sold", "contract", true), ("service", "contract", false)];
        let declared = declared.map(|(name, basis, gpc_blocks)| {
            (name.to_owned(), PurposeDocument { basis: basis.to_owned(), gpc_blocks })
        });
        Purposes::new(declared.iter().map(|(name, purpose)| (name, purpose))).unwrap()
    }

    fn refused(given: &[(&str, bool)], gpc: bool) -> Vec<String> {
        let purposes = purposes();
        let given: Vec<_> = given.iter().map(|(name, granted)| (Cow::Borrowed(*name), Some(*granted))).collect();
        let set = purposes.refused(&given, gpc, |_| {});
        purposes.names(set).map(str::to_owned).collect()
    }

    #[test]
    fn consent_is_refused_unless_granted_and_the_rest_granted_unless_refused() {
        assert_eq!(refused(&[], false), ["consented"]);
        assert_eq!(refused(&[("consented", true)], false), Vec::<String>::new());
        assert_eq!(refused(&[("consented", false), ("service", false)], false), ["consented", "service"]);
    }

    #[test]
    fn gpc_refuses_what_is_marked_even_if_granted() {
        assert_eq!(refused(&[("consented", true), ("sold", true)], true), ["sold"]);
    }

    #[test]
    fn an_undeclared_purpose_is_reported_and_grants_nothing() {
        let mut unknown = Vec::new();
        purposes().refused(&[(Cow::Borrowed("typo"), Some(true))], false, |name| unknown.push(name.to_owned()));
        assert_eq!(unknown, ["typo"]);
    }
}
