//! Business constants of a document, as conditions fold them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};

use crate::condition::{Constant, Policy};
use crate::error::BundleError;
use crate::value::Value;

/// The constants by name.
pub(super) fn policy_of(declared: &BTreeMap<String, Json>) -> Result<Policy, BundleError> {
    let mut policy = Policy::default();
    for (name, value) in declared {
        let constant =
            constant_of(value).ok_or_else(|| BundleError::new(format!("policy.{name}"), "is not a constant"))?;
        policy.set(name, constant);
    }
    Ok(policy)
}

fn constant_of(value: &Json) -> Option<Constant> {
    let scalar = match value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number_value(number)?,
        Json::String(text) => Value::String(Cow::Owned(text.clone())),
        Json::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            return texts.collect::<Option<Vec<_>>>().map(Constant::Strings);
        }
        Json::Null | Json::Object(_) => return None,
    };
    Some(Constant::Scalar(scalar))
}

/// A JSON number as an int where it is one, else as a float.
pub(super) fn number_value(number: &Number) -> Option<Value<'static>> {
    number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float))
}
