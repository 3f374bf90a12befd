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
    /// The hash of `name`.
    pub bare: u32,
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
        Self { name: name.into(), bare: bare.finish(), head: bare.feed(b"="), form }
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
    #[inline]
    pub(super) fn feed(self, head: Murmur, missing: &str) -> Murmur {
        let mut digits = [0; DIGITS_MAX];
        let bytes = match self {
            Self::Missing => missing.as_bytes(),
            Self::Bool(true) => b"true",
            Self::Bool(false) => b"false",
            Self::Int(value) => decimal(value, &mut digits),
            Self::Text(text) => text.as_bytes(),
            Self::Gram { texts, from, n } => return feed_gram(head, texts, from, n),
        };
        head.feed(bytes)
    }
}

fn feed_gram(head: Murmur, texts: Texts<'_>, from: usize, n: usize) -> Murmur {
    (from..from + n).fold(head, |head, place| {
        let head = if place == from { head } else { head.feed(b">") };
        head.feed(texts.get(place).unwrap_or_default().as_bytes())
    })
}

/// A minus and nineteen digits.
const DIGITS_MAX: usize = 20;

/// A number in decimal, written to the end of a buffer.
fn decimal(value: i64, buffer: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let (mut rest, mut start) = (value.unsigned_abs(), DIGITS_MAX);
    for place in buffer.iter_mut().rev() {
        start -= 1;
        if rest == 0 && start < DIGITS_MAX - 1 {
            start += usize::from(value >= 0);
            *place = b'-';
            break;
        }
        *place = b'0' + digit(rest);
        rest /= 10;
    }
    buffer.get(start..).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "a digit is below ten")]
const fn digit(number: u64) -> u8 {
    (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_everywhere() {
        for value in [0, 7, -7, 10, -10, 42, 1_234_567_890, -1_234_567_890, i64::MAX, i64::MIN, i64::MIN + 1] {
            let mut buffer = [0; DIGITS_MAX];
            assert_eq!(decimal(value, &mut buffer), value.to_string().as_bytes());
        }
    }
}
