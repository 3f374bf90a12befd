//! From facts to a row of hashed tokens. Allocates nothing: a token is hashed in pieces and never written down.

use super::FEATURES_MAX;
use super::feature::{Feature, FieldRef, Form, Word};
use super::murmur::Murmur;
use super::row::Row;
use super::spec::Spec;
use crate::state::{Fact, Record, Texts};

/// What became of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Slots in use.
    pub tokens: usize,
    /// Tokens that found no slot: the last ones in declared order.
    pub dropped: usize,
    /// Features of which nothing is known.
    pub missing: usize,
}

impl Spec {
    /// Fills one row, whose length should be [`Spec::slots`]: features in declared order, then crosses, then zeros.
    pub fn extract<'r>(&self, read: impl Fn(FieldRef) -> Fact<'r>, ids: &mut [i32], vals: &mut [f32]) -> Extracted {
        let mut row = Row::new(ids, vals, self.width());
        let missing = if self.crosses.is_empty() {
            self.put_features(&read, &mut row, |_, _| ())
        } else {
            let mut words = [Word::Missing; FEATURES_MAX];
            let missing = self.put_features(&read, &mut row, |place, word| {
                if let Some(kept) = words.get_mut(place) {
                    *kept = word;
                }
            });
            self.crosses.iter().for_each(|cross| self.put_cross(cross, &words, &mut row));
            missing
        };
        let (tokens, dropped) = row.finish();
        Extracted { tokens, dropped, missing }
    }

    /// Fills one row from a record and from inputs by their place.
    pub fn extract_record<'r>(
        &self,
        record: &'r Record,
        now_ms: i64,
        inputs: impl Fn(usize) -> Fact<'r>,
        ids: &mut [i32],
        vals: &mut [f32],
    ) -> Extracted {
        let read = |field| match field {
            FieldRef::Input(place) => inputs(place),
            FieldRef::State(place) => {
                self.aggregates.get(place).map_or(Fact::Missing, |(_, aggregate)| record.fact(aggregate, now_ms))
            }
        };
        self.extract(read, ids, vals)
    }

    /// Puts the tokens of all features, hands out the last word of each, and returns how many are missing.
    fn put_features<'r>(
        &self,
        read: &impl Fn(FieldRef) -> Fact<'r>,
        row: &mut Row<'_>,
        mut keep: impl FnMut(usize, Word<'r>),
    ) -> usize {
        let mut missing = 0;
        for (place, feature) in self.features.iter().enumerate() {
            let word = self.put(feature, read, row);
            missing += usize::from(matches!(word, Word::Missing));
            keep(place, word);
        }
        missing
    }

    /// Puts the tokens of one feature, and returns the last word of them.
    fn put<'r>(&self, feature: &Feature, read: &impl Fn(FieldRef) -> Fact<'r>, row: &mut Row<'_>) -> Word<'r> {
        match &feature.form {
            Form::Category(of) => self.put_word(feature, category(read(*of)), row),
            Form::Each(of) => self.put_grams(feature, read(*of), (1, usize::MAX), row),
            Form::Ngram { of, n, take } => self.put_grams(feature, read(*of), (*n, *take), row),
            Form::Bucket(number) => {
                let bucket = number.read(read).map(|value| number.bucket(value));
                self.put_word(feature, bucket.map_or(Word::Missing, Word::Int), row)
            }
            Form::Value(number) => match number.read(read) {
                Some(value) => {
                    row.put(feature.bare, weight(value));
                    Word::Bool(true)
                }
                None => self.put_word(feature, Word::Missing, row),
            },
        }
    }

    fn put_word<'r>(&self, feature: &Feature, word: Word<'r>, row: &mut Row<'_>) -> Word<'r> {
        row.put(word.feed(feature.head, &self.missing).finish(), 1.0);
        word
    }

    /// Puts the last `take` runs of `n` texts, oldest first.
    fn put_grams<'r>(
        &self,
        feature: &Feature,
        fact: Fact<'r>,
        (n, take): (usize, usize),
        row: &mut Row<'_>,
    ) -> Word<'r> {
        let texts = match fact {
            Fact::Texts(texts) if texts.len() >= n => texts,
            // A set that is known to be empty has no token, and is not missing.
            Fact::Texts(Texts::List([])) if n == 1 && take == usize::MAX => return Word::Bool(false),
            _ => return self.put_word(feature, Word::Missing, row),
        };
        let grams = texts.len() + 1 - n;
        let froms = grams.saturating_sub(take)..grams;
        froms.fold(Word::Missing, |_, from| self.put_word(feature, Word::Gram { texts, from, n }, row))
    }

    fn put_cross(&self, cross: &[usize], words: &[Word<'_>], row: &mut Row<'_>) {
        let mut token: Option<Murmur> = None;
        for place in cross {
            let (Some(feature), Some(word)) = (self.features.get(*place), words.get(*place)) else { continue };
            let head = match token {
                None => feature.head,
                Some(token) => token.feed(b"&").feed(feature.name.as_bytes()).feed(b"="),
            };
            token = Some(word.feed(head, &self.missing));
        }
        if let Some(token) = token {
            row.put(token.finish(), 1.0);
        }
    }
}

fn category(fact: Fact<'_>) -> Word<'_> {
    match fact {
        Fact::Bool(value) => Word::Bool(value),
        Fact::Int(value) => Word::Int(value),
        Fact::Text(text) => Word::Text(text),
        Fact::Missing | Fact::Float(_) | Fact::Instant(_) | Fact::Length(_) | Fact::Texts(_) => Word::Missing,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "rows are of single precision; beyond it a weight stays finite")]
fn weight(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}
