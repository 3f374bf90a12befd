//! What makes the declaration of one signal sound. Owns those rules and their messages; names are checked together, in
//! [`crate::condition::check_names`].

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::condition::compare;
use crate::input::MAX_STRING_BYTES;
use crate::signal::Signal;
use crate::value::{Type, Value};

/// The most values an enum may list.
pub const MAX_ENUM_VALUES: usize = 4 * 1024;

/// Says what is wrong with a declaration: lower case, no full stop, without the signal's name.
pub fn check_signal(signal: &Signal) -> Result<(), String> {
    check_values(signal)?;
    for bound in [&signal.min, &signal.max].into_iter().flatten() {
        check_bound(signal.kind, bound)?;
    }
    match (&signal.min, &signal.max) {
        (Some(min), Some(max)) if compare(min, max) == Some(Ordering::Greater) => {
            Err("`min` is greater than `max`".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_values(signal: &Signal) -> Result<(), String> {
    let mut seen = HashSet::new();
    match (signal.kind, signal.values.as_slice()) {
        (Some(Type::Enum), []) => Err("an enum needs `values`".to_owned()),
        (Some(Type::Enum), values) if values.len() > MAX_ENUM_VALUES => {
            Err(format!("an enum has at most {MAX_ENUM_VALUES} values"))
        }
        (Some(Type::Enum), values) => match values.iter().find(|value| !seen.insert(*value)) {
            Some(twice) => Err(format!("`values` names `{twice}` twice")),
            None if values.iter().any(|value| value.len() > MAX_STRING_BYTES) => {
                Err(format!("a value has at most {MAX_STRING_BYTES} bytes"))
            }
            None => Ok(()),
        },
        (_, []) => Ok(()),
        _ => Err("only an enum has `values`".to_owned()),
    }
}

fn check_bound(kind: Option<Type>, bound: &Value<'_>) -> Result<(), String> {
    match (kind, bound) {
        (Some(Type::Int | Type::Float), Value::Int(_)) => Ok(()),
        (Some(Type::Int | Type::Float), Value::Float(bound)) if bound.is_finite() => Ok(()),
        (Some(Type::Int | Type::Float), _) => Err("`min` and `max` are finite numbers".to_owned()),
        _ => Err("only an int or a float has `min` and `max`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        kind: Type,
        values: &[&str],
        min: Option<Value<'static>>,
        max: Option<Value<'static>>,
    ) -> Result<(), String> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        check_signal(&Signal { name: "x".to_owned(), kind: Some(kind), values, min, max })
    }

    #[test]
    fn sound_declarations_pass() {
        assert_eq!(check(Type::Enum, &["a", "b"], None, None), Ok(()));
        assert_eq!(check(Type::Float, &[], Some(Value::Int(0)), Some(Value::Float(1.0))), Ok(()));
        assert_eq!(check(Type::Int, &[], Some(Value::Int(0)), None), Ok(()));
        assert_eq!(check(Type::Bool, &[], None, None), Ok(()));
    }

    #[test]
    fn unsound_ones_say_why() {
        let message = |result: Result<(), String>| result.unwrap_err();
        assert_eq!(message(check(Type::Enum, &[], None, None)), "an enum needs `values`");
        assert_eq!(message(check(Type::Enum, &["a", "a"], None, None)), "`values` names `a` twice");
        assert_eq!(message(check(Type::String, &["a"], None, None)), "only an enum has `values`");
        let zero = || Some(Value::Int(0));
        assert_eq!(message(check(Type::String, &[], zero(), None)), "only an int or a float has `min` and `max`");
        let nan = Some(Value::Float(f64::NAN));
        assert_eq!(message(check(Type::Float, &[], nan, None)), "`min` and `max` are finite numbers");
        assert_eq!(message(check(Type::Int, &[], Some(Value::Int(1)), zero())), "`min` is greater than `max`");
    }
}
