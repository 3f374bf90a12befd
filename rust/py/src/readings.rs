//! Python values to readings of signals. Owns the three words for states; what a value means is core's to say.

use std::borrow::Cow;

use edgewise_core::input::{Input, MAX_SET_ITEMS};
use edgewise_core::instant::Instant;
use edgewise_core::signal::{Reading, SignalId, SignalTable};
use jiff::SignedDuration;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet,
    PyString, PyTuple, PyTzInfo,
};

/// A value that says only why there is none.
#[pyclass(module = "edgewise", name = "State", frozen, eq)]
#[derive(PartialEq, Eq)]
pub struct StateWord(State);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Denied,
    Stale,
    Invalid,
}

impl State {
    const ALL: [Self; 3] = [Self::Denied, Self::Stale, Self::Invalid];

    const fn name(self) -> &'static str {
        match self {
            Self::Denied => "DENIED",
            Self::Stale => "STALE",
            Self::Invalid => "INVALID",
        }
    }

    const fn reading(self) -> Reading<'static> {
        match self {
            Self::Denied => Reading::Denied,
            Self::Stale => Reading::Stale,
            Self::Invalid => Reading::Invalid,
        }
    }
}

#[pymethods]
impl StateWord {
    fn __repr__(&self) -> String {
        format!("edgewise.{}", self.0.name())
    }

    fn __hash__(&self) -> isize {
        self.0 as isize
    }

    /// Pickled and copied by name, so that there is only ever one of each.
    fn __reduce__(&self) -> &'static str {
        self.0.name()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<StateWord>()?;
    for state in State::ALL {
        module.add(state.name(), Bound::new(module.py(), StateWord(state))?)?;
    }
    Ok(())
}

/// The values of one call that belong to a declared signal. Readings borrow their text from here.
pub struct Row<'py> {
    values: Vec<(SignalId, Held<'py>)>,
}

/// A value, or the items of a list: held by themselves, they stay whatever becomes of the list.
enum Held<'py> {
    One(Bound<'py, PyAny>),
    Items(Vec<Bound<'py, PyAny>>),
}

/// A name that is looked up in many mappings, with its slot.
pub type Name = (SignalId, Py<PyString>);

/// Names as Python keeps those of attributes: each once, with its hash.
pub fn names(py: Python<'_>, table: &SignalTable, slots: &[SignalId]) -> Vec<Name> {
    slots.iter().map(|slot| (*slot, PyString::intern(py, table.name(*slot)).unbind())).collect()
}

impl<'py> Row<'py> {
    /// Picks the declared signals out of a mapping; all other keys are ignored.
    pub fn new(table: &SignalTable, values: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut row = Self { values: Vec::new() };
        if let Ok(values) = values.cast::<PyDict>() {
            for (name, value) in values.iter() {
                row.push_named(table, &name, value)?;
            }
            return Ok(row);
        }
        let mapping =
            values.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("the values of signals are a mapping"))?;
        for item in mapping.items()?.iter() {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            row.push_named(table, &name, value)?;
        }
        Ok(row)
    }

    /// Picks only these names out of a mapping.
    pub fn of_names(table: &SignalTable, names: &[Name], values: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Some(dict) = values.cast::<PyDict>().ok().filter(|dict| dict.len() >= names.len()) else {
            return Self::new(table, values);
        };
        let mut row = Self { values: Vec::with_capacity(names.len()) };
        for (slot, name) in names {
            if let Some(value) = dict.get_item(name)? {
                row.push(*slot, value)?;
            }
        }
        Ok(row)
    }

    fn push_named(&mut self, table: &SignalTable, name: &Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<()> {
        let name = name.cast::<PyString>().ok().and_then(|name| name.to_str().ok());
        name.and_then(|name| table.slot(name)).map_or(Ok(()), |slot| self.push(slot, value))
    }

    fn push(&mut self, slot: SignalId, value: Bound<'py, PyAny>) -> PyResult<()> {
        let held = if is_list(&value) && value.len()? <= MAX_SET_ITEMS {
            Held::Items(value.try_iter()?.collect::<PyResult<_>>()?)
        } else {
            Held::One(value)
        };
        self.values.push((slot, held));
        Ok(())
    }

    /// One reading for each signal of the table.
    pub fn readings(&self, table: &SignalTable) -> PyResult<Vec<Reading<'_>>> {
        let mut readings = vec![Reading::Missing; table.len()];
        for (slot, held) in &self.values {
            if let (Some(reading), Some(signal)) = (readings.get_mut(*slot as usize), table.get(*slot)) {
                *reading = match held {
                    Held::Items(items) => signal.admit(Input::List(items.iter().map(item).collect())),
                    Held::One(value) => match value.cast::<StateWord>() {
                        Ok(word) => word.get().0.reading(),
                        Err(_) => signal.admit(input(value)?),
                    },
                };
            }
        }
        Ok(readings)
    }
}

/// An item of a list: text, or nothing that a set could hold.
fn item<'v>(value: &'v Bound<'_, PyAny>) -> Input<'v> {
    let text = value.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
    text.map_or(Input::Other, |text| Input::String(Cow::Borrowed(text)))
}

/// What a Python value is, before a declaration is asked.
pub fn input<'v>(value: &'v Bound<'_, PyAny>) -> PyResult<Input<'v>> {
    if value.is_none() {
        Ok(Input::Null)
    } else if let Ok(text) = value.cast::<PyString>() {
        // A lone surrogate is no text that a signal could hold.
        Ok(text.to_str().map_or(Input::Other, |text| Input::String(Cow::Borrowed(text))))
    } else if let Ok(flag) = value.cast::<PyBool>() {
        Ok(Input::Bool(flag.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        Ok(value.extract().map_or_else(|_| large(value), Input::Int))
    } else if let Ok(number) = value.cast::<PyFloat>() {
        Ok(Input::Float(number.value()))
    } else if is_list(value) {
        list(value)
    } else if let Ok(length) = value.cast::<PyDelta>() {
        Ok(Input::Duration(duration(length)))
    } else if value.is_instance_of::<PyDateTime>() {
        instant(value)
    } else {
        Ok(foreign_scalar(value))
    }
}

/// An integer beyond 64 bits: a float, as in JSON; one that no float holds is none.
fn large(value: &Bound<'_, PyAny>) -> Input<'static> {
    value.extract().map_or(Input::Other, Input::Float)
}

/// A number or bool of another library: whatever counts as an index, and the scalars of `NumPy`.
fn foreign_scalar(value: &Bound<'_, PyAny>) -> Input<'static> {
    if let Ok(flag) = value.extract() {
        return Input::Bool(flag);
    }
    if let Ok(number) = value.extract() {
        return Input::Int(number);
    }
    let is_numpy = value.get_type().module().is_ok_and(|module| module == "numpy");
    value.extract().ok().filter(|_| is_numpy).map_or(Input::Other, Input::Float)
}

fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>()
}

/// Items are gone when the iterator moves on, so their text is copied.
fn list(value: &Bound<'_, PyAny>) -> PyResult<Input<'static>> {
    if value.len()? > MAX_SET_ITEMS {
        return Ok(Input::Other);
    }
    let mut items = Vec::with_capacity(value.len()?);
    for item in value.try_iter()? {
        let item = item?;
        let text = item.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        items.push(text.map_or(Input::Other, |text| Input::String(Cow::Owned(text.to_owned()))));
    }
    Ok(Input::List(items))
}

fn duration(length: &Bound<'_, PyDelta>) -> SignedDuration {
    let seconds = i64::from(length.get_days()) * 86_400 + i64::from(length.get_seconds());
    SignedDuration::new(seconds, 0) + SignedDuration::from_micros(i64::from(length.get_microseconds()))
}

/// An instant from a datetime with a time zone; without one it names no instant.
fn instant(value: &Bound<'_, PyAny>) -> PyResult<Input<'static>> {
    static EPOCH: PyOnceLock<Py<PyDateTime>> = PyOnceLock::new();
    let py = value.py();
    let epoch = EPOCH.get_or_try_init(py, || {
        let utc = PyTzInfo::utc(py)?;
        PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&*utc)).map(Bound::unbind)
    })?;
    let since = match value.sub(epoch.bind(py)) {
        Ok(since) => since,
        Err(error) if error.is_instance_of::<PyTypeError>(py) => return Ok(Input::Other),
        Err(error) => return Err(error),
    };
    let since = duration(since.cast::<PyDelta>()?);
    Ok(Instant::from_duration(since).map_or(Input::Other, Input::Timestamp))
}
