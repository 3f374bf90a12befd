//! Named conditions, matched together. Owns the ids; the matching is the index's.

use std::fmt;

use crate::condition::{ConditionError, ConditionRef, Policy};
use crate::index::{ConditionId, Index, IndexBuilder};
use crate::signal::{Reading, SignalTable};

/// After this many refused rules the rest are not looked at.
pub const MAX_RULE_ERRORS: usize = 20;

/// A rule that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The id of the rule.
    pub rule: String,
    /// What is wrong with its condition.
    pub error: ConditionError,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {}", self.rule.escape_debug(), self.error)
    }
}

impl std::error::Error for RuleError {}

/// Compiled rules, in declaration order.
#[derive(Debug, Default)]
pub struct RuleSet {
    index: Index,
    ids: Vec<String>,
    /// Numbers in the order of the ids.
    by_id: Vec<ConditionId>,
}

impl RuleSet {
    /// Compiles rules with distinct ids, or says which are refused.
    pub fn compile(rules: Vec<(String, String)>, table: &SignalTable) -> Result<Self, Vec<RuleError>> {
        let policy = Policy::default();
        let mut builder = IndexBuilder::new(table, &policy);
        let mut set = Self::default();
        let mut errors = Vec::new();
        for (id, text) in rules {
            match builder.post(&text) {
                Ok(number) => {
                    set.by_id.push(number);
                    set.ids.push(id);
                }
                Err(error) => errors.push(RuleError { rule: id, error }),
            }
            if errors.len() == MAX_RULE_ERRORS {
                break;
            }
        }
        set.index = builder.build();
        let Self { ids, by_id, .. } = &mut set;
        by_id.sort_unstable_by_key(|number| ids.get(*number as usize));
        if errors.is_empty() { Ok(set) } else { Err(errors) }
    }

    /// The numbers of the rules that are true, ascending.
    pub fn matching(&self, readings: &[Reading<'_>]) -> Vec<ConditionId> {
        self.index.matching(readings)
    }

    /// The condition of the rule with this id.
    pub fn condition(&self, id: &str) -> Option<ConditionRef<'_>> {
        let id_of = |number: &ConditionId| self.ids.get(*number as usize).map_or("", String::as_str);
        let place = self.by_id.binary_search_by(|number| id_of(number).cmp(id)).ok()?;
        self.by_id.get(place).and_then(|number| self.index.condition(*number))
    }

    /// The index of the rules.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The ids, by number.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;
    use crate::value::{Type, Value};

    fn table() -> SignalTable {
        let mut table = SignalTable::default();
        table.push(Signal { name: "age".to_owned(), kind: Some(Type::Int), values: Vec::new(), min: None, max: None });
        table
    }

    fn rules(rules: &[(&str, &str)]) -> Result<RuleSet, Vec<RuleError>> {
        RuleSet::compile(rules.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect(), &table())
    }

    #[test]
    fn matches_come_in_declaration_order() {
        let set = rules(&[("b", "age > 1"), ("a", "age > 2"), ("c", "age > 3")]).unwrap();
        assert_eq!(set.matching(&[Reading::Known(Value::Int(3))]), [0, 1]);
        assert_eq!(set.matching(&[Reading::Denied]), [] as [ConditionId; 0]);
        assert_eq!(set.ids(), ["b", "a", "c"]);
        assert_eq!(set.condition("c").unwrap().to_string(), "age > 3");
        assert!(set.condition("d").is_none());
    }

    #[test]
    fn every_bad_rule_is_named() {
        let errors = rules(&[("a", "age >"), ("b", "age > 1"), ("c", "ag > 1")]).unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["rule `a`: 1:6: expected a value, found the end", "rule `c`: 1:1: unknown signal `ag`"]);
    }
}
