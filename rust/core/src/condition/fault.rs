//! What is wrong with a condition, and where. Positions are byte offsets inside the compiler, line and column outside.

use std::fmt;

/// Which of the two passes refused a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The text is not of the language.
    Syntax,
    /// The text is of the language, but a name or a type does not fit.
    Type,
}

impl FaultKind {
    /// The word for it: `syntax` or `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Type => "type",
        }
    }
}

/// Why a condition was refused. `Display` gives `LINE:COLUMN: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionError {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in Unicode characters, counted from 1.
    pub column: u32,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// Which pass refused it.
    pub kind: FaultKind,
    /// The name that is not declared, as `order.chanel` or `policy.x`, if that is what is wrong.
    pub unknown: Option<String>,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ConditionError {}

/// A [`ConditionError`] that still points into the text by byte offset.
#[derive(Debug)]
pub(super) struct Fault {
    at: usize,
    message: String,
    hint: Option<String>,
    unknown: Option<String>,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None, unknown: None }
    }

    /// What names a `thing` that nobody declared.
    pub(super) fn unknown(at: usize, thing: &str, name: &str) -> Self {
        Self { unknown: Some(name.to_owned()), ..Self::new(at, format!("unknown {thing} `{name}`")) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(super) fn locate(self, text: &str, kind: FaultKind) -> ConditionError {
        let before = text.get(..self.at).unwrap_or(text);
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        ConditionError {
            line: count(lines + 1),
            column: count(last_line.chars().count() + 1),
            message: self.message,
            hint: self.hint,
            kind,
            unknown: self.unknown,
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
