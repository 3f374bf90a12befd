//! Typed values of signals and literals. Owns the eight types of the condition language; knows nothing of names or states.

use std::borrow::Cow;
use std::fmt;

use jiff::SignedDuration;

use crate::instant::Instant;

/// The type of a signal or of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A 64-bit signed integer.
    Int,
    /// A finite 64-bit float.
    Float,
    /// Unicode text, ordered by code point.
    String,
    /// Text out of a declared list of values.
    Enum,
    /// A set of strings; order and duplicates carry no meaning.
    StringSet,
    /// An instant (RFC 3339).
    Timestamp,
    /// A length of time.
    Duration,
}

impl Type {
    /// Every type, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Bool,
        Self::Int,
        Self::Float,
        Self::String,
        Self::Enum,
        Self::StringSet,
        Self::Timestamp,
        Self::Duration,
    ];

    /// The word people write for this type in a book.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Enum => "enum",
            Self::StringSet => "string_set",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
        }
    }

    /// The type a book names, if there is one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One known value. Enum signals hold [`Value::String`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float; never NaN or infinite in a signal.
    Float(f64),
    /// A string or an enum value.
    String(Cow<'a, str>),
    /// A string set, sorted, without duplicates.
    StringSet(Vec<Cow<'a, str>>),
    /// An instant.
    Timestamp(Instant),
    /// A length of time.
    Duration(SignedDuration),
}

impl Value<'_> {
    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Float(value) => Value::Float(value),
            Value::String(value) => Value::String(Cow::Owned(value.into_owned())),
            Value::StringSet(values) => {
                Value::StringSet(values.into_iter().map(|value| Cow::Owned(value.into_owned())).collect())
            }
            Value::Timestamp(value) => Value::Timestamp(value),
            Value::Duration(value) => Value::Duration(value),
        }
    }
}
