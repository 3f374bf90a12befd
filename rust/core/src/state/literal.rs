//! A value that a property is compared with. Owns its types; a property of another type never equals it.

use serde::Deserialize;
use serde_json::Value as Json;

use super::scalar::int;
use crate::input::Input;

/// A value written in a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(untagged, expecting = "expected a string, an int or a bool")]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; a float that is whole equals it too.
    Int(i64),
    /// A text, compared byte by byte.
    Text(String),
}

impl Literal {
    /// Whether a property has this value.
    pub(super) fn equals(&self, input: &Input<'_>) -> bool {
        match self {
            Self::Bool(value) => *input == Input::Bool(*value),
            Self::Int(value) => int(input) == Some(*value),
            Self::Text(value) => matches!(input, Input::String(text) if text == value),
        }
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::from(*value),
            Self::Int(value) => Json::from(*value),
            Self::Text(value) => Json::from(value.as_str()),
        }
    }
}
