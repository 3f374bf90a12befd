//! The constants that one subject is compared with, each once: texts to be looked up, all else sorted. Owns ranks.

use std::cmp::Ordering;

use crate::condition::compare;
use crate::dictionary::Dictionary;
use crate::value::Value;

/// Constants of one family of types.
#[derive(Debug)]
pub(super) enum Constants {
    Texts(Dictionary),
    /// Sorted, as are the next two.
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Others(Vec<Value<'static>>),
}

/// Where a value lies among sorted constants: 2i below the i-th of them and above the one before, 2i + 1 on it.
pub(super) type Rank = u32;

impl Constants {
    /// From constants of one family, in any order.
    pub(super) fn new(values: &[&Value<'static>]) -> Self {
        if values.iter().any(|value| matches!(value, Value::String(_))) {
            return Self::Texts(texts(values));
        }
        let mut values: Vec<Value<'static>> = values.iter().map(|value| (*value).clone()).collect();
        values.sort_by(|left, right| compare(left, right).unwrap_or(Ordering::Equal));
        values.dedup_by(|left, right| compare(left, right) == Some(Ordering::Equal));
        let ints = values.iter().map(|value| if let Value::Int(int) = value { Some(*int) } else { None });
        if let Some(ints) = ints.collect() {
            return Self::Ints(ints);
        }
        let floats = values.iter().map(|value| if let Value::Float(float) = value { Some(*float) } else { None });
        match floats.collect() {
            Some(floats) => Self::Floats(floats),
            None => Self::Others(values),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Ints(ints) => ints.len(),
            Self::Floats(floats) => floats.len(),
            Self::Others(values) => values.len(),
        }
    }

    /// The number of the constant that equals a value.
    pub(super) fn find(&self, value: &Value<'_>) -> Option<u32> {
        match (self, value) {
            (Self::Texts(texts), Value::String(text)) => texts.find(text),
            (Self::Texts(_), _) => None,
            _ => self.rank(value).and_then(constant_at),
        }
    }

    /// The rank of a value; `None` for texts, and for a value of another family.
    pub(super) fn rank(&self, value: &Value<'_>) -> Option<Rank> {
        match (self, value) {
            (Self::Texts(_), _) => None,
            (Self::Ints(ints), Value::Int(int)) => rank_in(ints, |constant| Some(constant.cmp(int))),
            (Self::Ints(ints), _) => rank_in(ints, |constant| compare(&Value::Int(*constant), value)),
            (Self::Floats(floats), Value::Float(float)) => rank_in(floats, |constant| constant.partial_cmp(float)),
            (Self::Floats(floats), _) => rank_in(floats, |constant| compare(&Value::Float(*constant), value)),
            (Self::Others(values), _) => rank_in(values, |constant| compare(constant, value)),
        }
    }

    /// Bytes they take.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.bytes(),
            Self::Ints(ints) => 8 * ints.capacity(),
            Self::Floats(floats) => 8 * floats.capacity(),
            Self::Others(values) => size_of::<Value<'_>>() * values.capacity(),
        }
    }
}

/// The constant that a value of this rank equals.
pub(super) const fn constant_at(rank: Rank) -> Option<u32> {
    if rank % 2 == 1 { Some(rank / 2) } else { None }
}

/// The rank of the i-th constant.
pub(super) const fn rank_of(constant: u32) -> Rank {
    2 * constant + 1
}

fn texts(values: &[&Value<'_>]) -> Dictionary {
    let mut texts = Dictionary::default();
    for value in values {
        if let Value::String(text) = value {
            texts.intern(text);
        }
    }
    texts
}

/// `order` says how a constant stands to the value.
fn rank_in<T>(constants: &[T], order: impl Fn(&T) -> Option<Ordering>) -> Option<Rank> {
    if constants.first().is_some_and(|constant| order(constant).is_none()) {
        return None;
    }
    let below = constants.partition_point(|constant| order(constant) == Some(Ordering::Less));
    let equals = constants.get(below).and_then(order) == Some(Ordering::Equal);
    let below = u32::try_from(below).ok()?;
    Some(2 * below + u32::from(equals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constants(values: impl IntoIterator<Item = Value<'static>>) -> Constants {
        let values: Vec<_> = values.into_iter().collect();
        Constants::new(&values.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_value_has_a_rank_on_and_between_constants() {
        let constants = constants([20, 10, 20].map(Value::Int));
        let rank = |value| constants.rank(&value).unwrap();
        assert_eq!([5, 10, 15, 20, 25].map(|int| rank(Value::Int(int))), [0, 1, 2, 3, 4]);
        assert_eq!([9.5, 10.0, 10.5, 20.0, 1e300].map(|float| rank(Value::Float(float))), [0, 1, 2, 3, 4]);
        assert_eq!(constants.rank(&Value::Bool(true)), None);
        assert_eq!((constants.find(&Value::Int(20)), constants.find(&Value::Int(15))), (Some(1), None));
    }

    #[test]
    fn mixed_numbers_and_bools_are_sorted_too() {
        let mixed = constants([Value::Float(1.5), Value::Int(1), Value::Int(2), Value::Float(2.0)]);
        assert_eq!(mixed.len(), 3);
        assert_eq!(mixed.rank(&Value::Int(2)), Some(5));
        assert_eq!(mixed.rank(&Value::Float(1.5)), Some(3));
        let bools = constants([Value::Bool(true), Value::Bool(false)]);
        assert_eq!([false, true].map(|value| bools.find(&Value::Bool(value))), [Some(0), Some(1)]);
        assert_eq!(constants([Value::Bool(true)]).find(&Value::Bool(false)), None);
    }

    #[test]
    fn texts_have_no_rank() {
        let texts = constants(["b", "a", "b"].map(|text| Value::String(text.into())));
        assert_eq!(texts.len(), 2);
        assert_eq!((texts.find(&Value::String("a".into())), texts.find(&Value::Int(1))), (Some(1), None));
        assert_eq!(texts.rank(&Value::String("a".into())), None);
    }
}
