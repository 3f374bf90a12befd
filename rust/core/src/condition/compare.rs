//! The order of values: ints and floats by exact mathematical value, strings by code point. Never casts with loss.

use std::cmp::Ordering;

use crate::value::Value;

/// How `left` stands to `right`; `None` where the two have no common order (other types, sets, NaN).
pub fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Float(right)) => int_to_float(*left, *right),
        (Value::Float(left), Value::Int(right)) => int_to_float(*right, *left).map(Ordering::reverse),
        (Value::String(left), Value::String(right)) => Some(left.as_ref().cmp(right.as_ref())),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Compares without leaving the ints: the float is split into its whole part, which fits, and what is left of it.
fn int_to_float(int: i64, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[allow(clippy::cast_possible_truncation, reason = "the whole part lies within i64")]
    let whole = float.trunc() as i64;
    Some(int.cmp(&whole).then(0.0.partial_cmp(&float.fract())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(int: i64, float: f64) -> Option<Ordering> {
        let forward = compare(&Value::Int(int), &Value::Float(float));
        let backward = compare(&Value::Float(float), &Value::Int(int));
        assert_eq!(forward, backward.map(Ordering::reverse));
        forward
    }

    #[test]
    fn ints_and_floats_compare_by_exact_value() {
        assert_eq!(order(1, 1.0), Some(Ordering::Equal));
        assert_eq!(order(1, 1.5), Some(Ordering::Less));
        assert_eq!(order(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(order(0, -0.0), Some(Ordering::Equal));
        assert_eq!(order(0, f64::MIN_POSITIVE), Some(Ordering::Less));
        assert_eq!(order(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(order(i64::MIN, -9_223_372_036_854_775_808.0), Some(Ordering::Equal));
        assert_eq!(order(9_007_199_254_740_993, 9_007_199_254_740_992.0), Some(Ordering::Greater));
        assert_eq!(order(i64::MAX, f64::INFINITY), Some(Ordering::Less));
        assert_eq!(order(0, f64::NAN), None);
    }

    #[test]
    fn strings_are_ordered_by_code_point() {
        let text = |text: &'static str| Value::String(text.into());
        assert_eq!(compare(&text("\u{ffff}"), &text("\u{1f600}")), Some(Ordering::Less));
        assert_eq!(compare(&text("a"), &text("B")), Some(Ordering::Greater));
        assert_eq!(compare(&text("1"), &Value::Int(1)), None);
    }
}
