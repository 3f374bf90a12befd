//! Compiled features: what each reads and how its tokens come about. Owns no spec text.

use super::murmur::Murmur;
use super::number::Number;
use crate::state::Texts;

/// What a feature reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRef {
    /// The place of an aggregate in [`Spec::aggregates`](super::Spec::aggregates).
    State(usize),
    /// The place of an input in [`Spec::inputs`](super::Spec::inputs).
    Input(usize),
}

/// One feature.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub name: Box<str>,
    /// `name`, hashed so far.
    pub bare: Murmur,
    /// `name=`, hashed so far.
    pub head: Murmur,
    pub form: Form,
}

/// How values become tokens.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// One token of the value as it is.
    Category(FieldRef),
    /// One token for each text of a set.
    Each(FieldRef),
    /// One token for each of the last `take` runs of `n` texts.
    Ngram { of: FieldRef, n: usize, take: usize },
    /// One token of a bucket's number.
    Bucket(Number),
    /// The bare name, weighing what the number is.
    Value(Number),
}

impl Feature {
    pub(super) fn new(name: &str, form: Form) -> Self {
        let bare = Murmur::default().feed(name.as_bytes());
        Self { name: name.into(), bare, head: bare.feed(b"="), form }
    }

    /// Whether there is always exactly one token, so that it can be crossed.
    pub(super) const fn is_single(&self) -> bool {
        matches!(self.form, Form::Category(_) | Form::Bucket(_) | Form::Ngram { take: 1, .. })
    }
}

/// What stands behind `name=`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word<'r> {
    Missing,
    Bool(bool),
    Int(i64),
    Text(&'r str),
    /// `n` texts from a place on, joined by `>`.
    Gram {
        texts: Texts<'r>,
        from: usize,
        n: usize,
    },
}

impl Word<'_> {
    /// Hashes the word behind what is hashed so far.
    pub(super) fn feed(self, head: Murmur, missing: &str) -> Murmur {
        match self {
            Self::Missing => head.feed(missing.as_bytes()),
            Self::Bool(value) => head.feed(if value { b"true" } else { b"false" }),
            Self::Int(value) => feed_int(head, value),
            Self::Text(text) => head.feed(text.as_bytes()),
            Self::Gram { texts, from, n } => (from..from + n).fold(head, |head, place| {
                let head = if place == from { head } else { head.feed(b">") };
                head.feed(texts.get(place).unwrap_or_default().as_bytes())
            }),
        }
    }
}

/// Hashes a decimal number.
fn feed_int(head: Murmur, value: i64) -> Murmur {
    const DIGITS_MAX: usize = 20;
    let mut text = [0_u8; DIGITS_MAX];
    let (mut rest, mut used) = (value.unsigned_abs(), 0);
    for place in text.iter_mut().rev() {
        *place = b'0' + digit(rest);
        (rest, used) = (rest / 10, used + 1);
        if rest == 0 {
            break;
        }
    }
    let head = if value < 0 { head.feed(b"-") } else { head };
    head.feed(text.get(DIGITS_MAX - used..).unwrap_or_default())
}

#[allow(clippy::cast_possible_truncation, reason = "a digit is below ten")]
const fn digit(number: u64) -> u8 {
    (number % 10) as u8
}
