//! Business constants, read in conditions as `policy.name`. Owns their names and types; they are folded when compiled.

use std::collections::HashMap;

use crate::value::Value;

/// The constants of one bundle, by dotted name below `policy.`.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    constants: HashMap<String, Constant>,
}

/// What a constant may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A bool, int, finite float or string.
    Scalar(Value<'static>),
    /// Strings, to stand on the right of `in`.
    Strings(Vec<String>),
}

impl Policy {
    /// Sets a constant; the last value of a name counts.
    pub fn set(&mut self, name: impl Into<String>, constant: Constant) {
        self.constants.insert(name.into(), constant);
    }

    /// The constant of a name below `policy.`.
    pub fn get(&self, name: &str) -> Option<&Constant> {
        self.constants.get(name)
    }

    /// All names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.constants.keys().map(String::as_str)
    }
}
