//! Untyped values from outside and the one gate through which they become readings of signals.
//! Owns type, finiteness, range and size checks; knows nothing of freshness or consent.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use jiff::SignedDuration;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::condition::compare;
use crate::instant::Instant;
use crate::signal::{Reading, Signal};
use crate::temporal::{parse_duration, parse_timestamp};
use crate::value::{Type, Value};

/// The longest string a signal may hold, in bytes of UTF-8.
pub const MAX_STRING_BYTES: usize = 16 * 1024;
/// The most items a list may have, before duplicates are dropped.
pub const MAX_SET_ITEMS: usize = 4 * 1024;

/// A value as a caller sent it, before its signal's declaration is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// Nothing: the signal is missing.
    Null,
    /// A bool.
    Bool(bool),
    /// An integer that 64 bits hold.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(Cow<'a, str>),
    /// An array of at most [`MAX_SET_ITEMS`] items.
    List(Vec<Input<'a>>),
    /// An instant, from callers that have a type for it.
    Timestamp(Instant),
    /// A length of time, from callers that have a type for it.
    Duration(SignedDuration),
    /// Whatever no signal can hold: an object, a longer array.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Input::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Input::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Input::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        #[allow(clippy::cast_precision_loss, reason = "beyond i64 a JSON number is what a float64 makes of it")]
        Ok(i64::try_from(value).map_or(Input::Float(value as f64), Input::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Input::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Input::String(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Input::String(Cow::Owned(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Input::String(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_SET_ITEMS {
            match items.next_element()? {
                Some(item) => list.push(item),
                None => return Ok(Input::List(list)),
            }
        }
        let mut longer = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            longer = true;
        }
        Ok(if longer { Input::Other } else { Input::List(list) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Input::Other)
    }
}

impl Signal {
    /// What this signal makes of a value from outside: known, missing (for null) or invalid.
    ///
    /// An integral float is a valid int. An int is a valid float; one that no float64 equals stays a [`Value::Int`], so
    /// that it still compares by its exact value. A signal without a type can hold nothing.
    pub fn admit<'a>(&self, input: Input<'a>) -> Reading<'a> {
        if input == Input::Null {
            return Reading::Missing;
        }
        let value = self.kind.and_then(|kind| typed(kind, input));
        match value.filter(|value| self.allows(value)) {
            Some(value) => Reading::Known(value),
            None => Reading::Invalid,
        }
    }

    fn allows(&self, value: &Value<'_>) -> bool {
        let above = |min: &Value<'_>| compare(value, min).is_some_and(Ordering::is_ge);
        let below = |max: &Value<'_>| compare(value, max).is_some_and(Ordering::is_le);
        let listed = match (self.kind, value) {
            (Some(Type::Enum), Value::String(text)) => self.values.iter().any(|value| value == text),
            _ => true,
        };
        listed && self.min.as_ref().is_none_or(above) && self.max.as_ref().is_none_or(below)
    }
}

fn typed(kind: Type, input: Input<'_>) -> Option<Value<'_>> {
    match (kind, input) {
        (Type::Bool, Input::Bool(value)) => Some(Value::Bool(value)),
        (Type::Int, Input::Int(value)) => Some(Value::Int(value)),
        (Type::Int, Input::Float(value)) => exact_int(value).map(Value::Int),
        (Type::Float, Input::Float(value)) => value.is_finite().then_some(Value::Float(value)),
        (Type::Float, Input::Int(value)) => Some(exact_float(value).map_or(Value::Int(value), Value::Float)),
        (Type::String | Type::Enum, Input::String(text)) => bounded(text).map(Value::String),
        (Type::StringSet, Input::List(items)) => string_set(items),
        (Type::Timestamp, Input::Timestamp(value)) => Some(Value::Timestamp(value)),
        (Type::Timestamp, Input::String(text)) => parse_timestamp(&text).map(Value::Timestamp),
        (Type::Duration, Input::Duration(value)) => Some(Value::Duration(value)),
        (Type::Duration, Input::String(text)) => parse_duration(&text).map(Value::Duration),
        _ => None,
    }
}

fn bounded(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (text.len() <= MAX_STRING_BYTES).then_some(text)
}

fn string_set(items: Vec<Input<'_>>) -> Option<Value<'_>> {
    if items.len() > MAX_SET_ITEMS {
        return None;
    }
    let texts = items.into_iter().map(|item| match item {
        Input::String(text) => bounded(text),
        _ => None,
    });
    let mut set = texts.collect::<Option<Vec<_>>>()?;
    set.sort_unstable();
    set.dedup();
    Some(Value::StringSet(set))
}

/// The int that equals `value`, if there is one.
pub fn exact_int(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[allow(clippy::cast_possible_truncation, reason = "integral and within the limits, so the cast is exact")]
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

/// The float that equals `value`, if there is one.
fn exact_float(value: i64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "whether the cast lost anything is what is asked")]
    let float = value as f64;
    (exact_int(float) == Some(value)).then_some(float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::State;

    fn signal(kind: Type) -> Signal {
        let values = if kind == Type::Enum { vec!["a".to_owned(), "b".to_owned()] } else { Vec::new() };
        Signal { name: "x".to_owned(), kind: Some(kind), values, min: None, max: None }
    }

    fn admit(kind: Type, json: &'static str) -> Reading<'static> {
        signal(kind).admit(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn each_type_takes_its_own_json() {
        assert_eq!(admit(Type::Bool, "true"), Reading::Known(Value::Bool(true)));
        assert_eq!(admit(Type::Int, "5.0"), Reading::Known(Value::Int(5)));
        assert_eq!(admit(Type::Float, "5"), Reading::Known(Value::Float(5.0)));
        assert_eq!(admit(Type::Enum, "\"b\""), Reading::Known(Value::String("b".into())));
        let set = Value::StringSet(vec!["a".into(), "b".into()]);
        assert_eq!(admit(Type::StringSet, r#"["b", "a", "b"]"#), Reading::Known(set));
        assert_eq!(admit(Type::Timestamp, "\"1970-01-01T00:00:00Z\"").state(), State::Known);
        assert_eq!(admit(Type::Duration, "\"1h30m\""), Reading::Known(Value::Duration(SignedDuration::from_mins(90))));
    }

    #[test]
    fn null_is_missing_and_the_rest_is_invalid() {
        for kind in Type::ALL {
            assert_eq!(admit(kind, "null"), Reading::Missing, "{kind}");
            assert_eq!(admit(kind, r#"{"a": [1]}"#), Reading::Invalid, "{kind}");
            assert_eq!(admit(kind, "[[]]"), Reading::Invalid, "{kind}");
        }
        assert_eq!(admit(Type::Bool, "1"), Reading::Invalid);
        assert_eq!(admit(Type::Int, "1.5"), Reading::Invalid);
        assert_eq!(admit(Type::Int, "true"), Reading::Invalid);
        assert_eq!(admit(Type::Int, "9223372036854775808"), Reading::Invalid);
        assert_eq!(admit(Type::Enum, "\"c\""), Reading::Invalid);
        assert_eq!(admit(Type::String, "1"), Reading::Invalid);
        assert_eq!(admit(Type::StringSet, "[\"a\", 1]"), Reading::Invalid);
        assert_eq!(admit(Type::Timestamp, "0"), Reading::Invalid);
        assert_eq!(admit(Type::Duration, "\"1d\""), Reading::Invalid);
        let untyped = Signal { kind: None, ..signal(Type::Int) };
        assert_eq!(untyped.admit(Input::Int(1)), Reading::Invalid);
        assert_eq!(untyped.admit(Input::Null), Reading::Missing);
    }

    #[test]
    fn numbers_keep_their_exact_value_and_stay_in_range() {
        let big = 9_007_199_254_740_993;
        assert_eq!(signal(Type::Float).admit(Input::Int(big)), Reading::Known(Value::Int(big)));
        assert_eq!(signal(Type::Float).admit(Input::Float(f64::NAN)), Reading::Invalid);
        assert_eq!(signal(Type::Float).admit(Input::Float(f64::INFINITY)), Reading::Invalid);
        let risk = Signal { min: Some(Value::Int(0)), max: Some(Value::Float(1.0)), ..signal(Type::Float) };
        assert_eq!(risk.admit(Input::Float(1.0)).state(), State::Known);
        assert_eq!(risk.admit(Input::Float(1.000_001)), Reading::Invalid);
        assert_eq!(risk.admit(Input::Float(-0.1)), Reading::Invalid);
    }

    #[test]
    fn length_is_bounded() {
        let text = |length| Input::String("x".repeat(length).into());
        assert_eq!(signal(Type::String).admit(text(MAX_STRING_BYTES)).state(), State::Known);
        assert_eq!(signal(Type::String).admit(text(MAX_STRING_BYTES + 1)), Reading::Invalid);
        let list = |length| serde_json::to_string(&vec!["x"; length]).unwrap();
        let parse = |json: &str| signal(Type::StringSet).admit(serde_json::from_str(json).unwrap()).state();
        assert_eq!(parse(&list(MAX_SET_ITEMS)), State::Known);
        assert_eq!(parse(&list(MAX_SET_ITEMS + 1)), State::Invalid);
    }

    #[test]
    fn plain_strings_are_borrowed() {
        let input: Input<'_> = serde_json::from_str("\"plain\"").unwrap();
        assert!(matches!(input, Input::String(Cow::Borrowed("plain"))));
    }
}
