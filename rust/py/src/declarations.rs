//! Declarations of signals and constants as Python writes them. Converts; the rules are core's.

use edgewise_core::condition::{Constant, Policy, check_names, nearest};
use edgewise_core::declaration::check_signal;
use edgewise_core::signal::{Signal, SignalTable};
use edgewise_core::value::{Type, Value};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

/// The word for a signal whose type is not known.
const ANY: &str = "any";
const KEYS: [&str; 4] = ["type", "values", "min", "max"];

/// A table of the declared signals, in the order of the mapping.
pub fn signal_table(declarations: &Bound<'_, PyMapping>) -> PyResult<SignalTable> {
    let mut signals = Vec::new();
    for item in declarations.items()?.iter() {
        let (name, declaration) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        let name = name.cast::<PyString>().map_err(|_| PyTypeError::new_err("the name of a signal is a string"))?;
        signals.push(signal(name.to_str()?, &declaration)?);
    }
    if let Some(error) = check_names(signals.iter().map(|signal| signal.name.as_str())).into_iter().next() {
        return Err(PyValueError::new_err(error.message));
    }
    let mut table = SignalTable::default();
    for signal in signals {
        table.push(signal);
    }
    Ok(table)
}

fn signal(name: &str, declaration: &Bound<'_, PyAny>) -> PyResult<Signal> {
    let refused = |message: String| PyValueError::new_err(format!("signal `{}`: {message}", name.escape_debug()));
    let mut signal = Signal { name: name.to_owned(), kind: None, values: Vec::new(), min: None, max: None };
    if let Ok(kind) = declaration.cast::<PyString>() {
        signal.kind = kind_named(kind.to_str()?).map_err(refused)?;
    } else if let Ok(fields) = declaration.cast::<PyMapping>() {
        fill(&mut signal, fields, &refused)?;
    } else {
        return Err(PyTypeError::new_err(format!("signal `{}`: expected a type or a mapping", name.escape_debug())));
    }
    check_signal(&signal).map_err(refused)?;
    Ok(signal)
}

fn fill(signal: &mut Signal, fields: &Bound<'_, PyMapping>, refused: &dyn Fn(String) -> PyErr) -> PyResult<()> {
    let mut kind = None;
    for item in fields.items()?.iter() {
        let (key, value) = item.extract::<(String, Bound<'_, PyAny>)>()?;
        match key.as_str() {
            _ if value.is_none() => {}
            "type" => kind = Some(kind_named(&value.extract::<String>()?).map_err(refused)?),
            "values" => signal.values = value.extract()?,
            "min" => signal.min = Some(number(&value)?),
            "max" => signal.max = Some(number(&value)?),
            key => return Err(refused(format!("unknown key `{key}`; write {}", listed(&KEYS)))),
        }
    }
    signal.kind = kind.ok_or_else(|| refused("`type` is missing".to_owned()))?;
    Ok(())
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn kind_named(word: &str) -> Result<Option<Type>, String> {
    if word == ANY {
        return Ok(None);
    }
    Type::from_name(word).map(Some).ok_or_else(|| {
        let names = Type::ALL.map(Type::name);
        match nearest(word, names) {
            Some(near) => format!("unknown type `{word}`; did you mean `{near}`?"),
            None => format!("unknown type `{word}`; types are {}", listed(&names)),
        }
    })
}

fn number(value: &Bound<'_, PyAny>) -> PyResult<Value<'static>> {
    if value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("`min` and `max` are numbers"));
    }
    if value.is_instance_of::<PyInt>() { value.extract().map(Value::Int) } else { value.extract().map(Value::Float) }
}

/// The constants of a bundle by name below `policy.`.
pub fn policy(constants: Option<&Bound<'_, PyMapping>>) -> PyResult<Policy> {
    let mut policy = Policy::default();
    let Some(constants) = constants else { return Ok(policy) };
    for item in constants.items()?.iter() {
        let (name, value) = item.extract::<(String, Bound<'_, PyAny>)>()?;
        let constant = constant(&value).ok_or_else(|| {
            let name = name.escape_debug();
            PyValueError::new_err(format!(
                "policy `{name}`: expected a bool, int, finite float, string or list of strings"
            ))
        })?;
        policy.set(name, constant);
    }
    Ok(policy)
}

fn constant(value: &Bound<'_, PyAny>) -> Option<Constant> {
    if value.is_instance_of::<PyBool>() {
        return value.extract().ok().map(|value| Constant::Scalar(Value::Bool(value)));
    }
    if value.is_instance_of::<PyInt>() {
        return value.extract().ok().map(|value| Constant::Scalar(Value::Int(value)));
    }
    if value.is_instance_of::<PyFloat>() {
        let value = value.extract::<f64>().ok().filter(|value| value.is_finite());
        return value.map(|value| Constant::Scalar(Value::Float(value)));
    }
    if value.is_instance_of::<PyString>() {
        return value.extract::<String>().ok().map(|text| Constant::Scalar(Value::String(text.into())));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return value.extract().ok().map(Constant::Strings);
    }
    None
}
