//! Values of a feature spec's fields, given by name: state as a session once had it, and inputs. Converts; types are core's.

use std::borrow::Cow;
use std::collections::HashMap;

use edgewise_core::features::{FieldRef, Spec};
use edgewise_core::input::{Input, MAX_STRING_BYTES};
use edgewise_core::signal::{Reading, Signal};
use edgewise_core::state::{AggregateKind, Fact};
use edgewise_core::value::{Type, Value};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyMapping, PyString};

use crate::readings::input;

/// The fields of a spec: its state, then its inputs.
pub struct Fields {
    all: Vec<Field>,
    by_name: HashMap<String, usize>,
    states: usize,
}

struct Field {
    signal: Signal,
    /// How many values of a list are kept, in order: the size of a ring.
    keeps: Option<usize>,
    /// What it is when it is not given: what a new record says.
    untouched: Fact<'static>,
}

/// The keys of the row before, and their fields: rows are made alike, and then names need not be looked up again.
#[derive(Default)]
pub struct Shape<'py> {
    keys: Vec<(Bound<'py, PyAny>, usize)>,
}

/// What one mapping gives. Facts borrow their text from here.
#[derive(Default)]
pub struct Given<'py> {
    values: Vec<(usize, Bound<'py, PyAny>)>,
}

/// What is known of each field.
pub struct Facts<'g> {
    all: Vec<Fact<'g>>,
    states: usize,
}

impl Fields {
    pub fn new(spec: &Spec) -> Self {
        let states = spec.aggregates().iter().map(|(name, aggregate)| {
            let declared = aggregate.spec();
            let keeps = (declared.kind == AggregateKind::Ring).then(|| declared.size.map_or(0, usize::from));
            Field { signal: signal(name, declared.value_type), keeps, untouched: aggregate.untouched() }
        });
        let inputs = spec.inputs().iter().map(|input| Field {
            signal: signal(&input.name, input.value_type),
            keeps: None,
            untouched: Fact::Missing,
        });
        let all: Vec<_> = states.chain(inputs).collect();
        let by_name = all.iter().enumerate().map(|(place, field)| (field.signal.name.clone(), place)).collect();
        Self { all, by_name, states: spec.aggregates().len() }
    }

    /// Takes a mapping of names to values; `inputs_only` refuses names of state.
    pub fn given<'py>(
        &self,
        row: &Bound<'py, PyAny>,
        shape: &mut Shape<'py>,
        inputs_only: bool,
    ) -> PyResult<Given<'py>> {
        let least = if inputs_only { self.states } else { 0 };
        if let Ok(row) = row.cast::<PyDict>() {
            return self.collect(row.len(), row.iter().map(Ok), shape, least);
        }
        let row = row.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("a row is a mapping of names to values"))?;
        let items = row.items()?;
        self.collect(items.len(), items.iter().map(|item| item.extract()), shape, least)
    }

    fn collect<'py>(
        &self,
        length: usize,
        items: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
        shape: &mut Shape<'py>,
        least: usize,
    ) -> PyResult<Given<'py>> {
        let mut values = Vec::with_capacity(length);
        for (position, item) in items.enumerate() {
            let (name, value) = item?;
            let place = match shape.keys.get(position) {
                Some((known, place)) if known.is(&name) => *place,
                _ => {
                    let place = self.place(&name, least)?;
                    shape.keys.truncate(position);
                    shape.keys.push((name, place));
                    place
                }
            };
            values.push((place, value));
        }
        Ok(Given { values })
    }

    fn place(&self, name: &Bound<'_, PyAny>, least: usize) -> PyResult<usize> {
        let name = name.cast::<PyString>().map_err(|_| PyTypeError::new_err("the name of a field is a string"))?;
        let name = name.to_str()?;
        let place = self.by_name.get(name).copied().filter(|place| *place >= least);
        place.ok_or_else(|| PyValueError::new_err(format!("`{}` is no field of this spec", name.escape_debug())))
    }

    /// Hands over the facts of one mapping. A value that is not of its field's type is refused, not taken as missing:
    /// rows are made by people.
    pub fn with_facts<T>(&self, given: &Given<'_>, take: impl FnOnce(&Facts<'_>) -> PyResult<T>) -> PyResult<T> {
        let mut facts: Vec<Fact<'_>> = self.all.iter().map(|field| field.untouched).collect();
        let mut admitted = Vec::new();
        for (place, value) in &given.values {
            let (Some(fact), Some(field)) = (facts.get_mut(*place), self.all.get(*place)) else { continue };
            match field.plain(value) {
                Some(plain) => *fact = plain,
                None => admitted.push((*place, field.admit(value)?)),
            }
        }
        for (place, reading) in &admitted {
            if let Some(fact) = facts.get_mut(*place) {
                *fact = Fact::of(reading);
            }
        }
        take(&Facts { all: facts, states: self.states })
    }
}

impl<'g> Facts<'g> {
    /// What is known of a field.
    pub fn get(&self, field: FieldRef) -> Fact<'g> {
        let place = match field {
            FieldRef::State(place) => place,
            FieldRef::Input(place) => self.states + place,
        };
        self.all.get(place).copied().unwrap_or_default()
    }
}

impl Field {
    /// Values that need no more than a look: nearly all.
    fn plain<'v>(&self, value: &'v Bound<'_, PyAny>) -> Option<Fact<'v>> {
        match self.signal.kind? {
            Type::String => {
                let text = value.cast::<PyString>().ok()?.to_str().ok()?;
                (text.len() <= MAX_STRING_BYTES).then_some(Fact::Text(text))
            }
            Type::Float => {
                let number = value.cast::<PyFloat>().ok()?.value();
                number.is_finite().then_some(Fact::Float(number))
            }
            Type::Bool => value.cast::<PyBool>().ok().map(|flag| Fact::Bool(flag.is_true())),
            Type::Int if value.is_exact_instance_of::<PyInt>() => value.extract().ok().map(Fact::Int),
            _ => None,
        }
    }

    fn admit<'v>(&self, value: &'v Bound<'_, PyAny>) -> PyResult<Reading<'v>> {
        let reading = match (self.keeps, input(value)?) {
            (Some(keeps), Input::List(items)) => ring(items, keeps),
            (_, input) => self.signal.admit(input),
        };
        match (reading, self.signal.kind) {
            (Reading::Invalid, Some(kind)) => {
                Err(PyValueError::new_err(format!("`{}` is not a valid {kind}", self.signal.name)))
            }
            (reading, _) => Ok(reading),
        }
    }
}

fn signal(name: &str, value_type: Type) -> Signal {
    // A spec does not list the values of an enum; its declaration does.
    let kind = if value_type == Type::Enum { Type::String } else { value_type };
    Signal { name: name.to_owned(), kind: Some(kind), values: Vec::new(), min: None, max: None }
}

/// The last texts of a list, in its order.
fn ring(items: Vec<Input<'_>>, keeps: usize) -> Reading<'_> {
    let skipped = items.len().saturating_sub(keeps);
    let texts = items.into_iter().skip(skipped).map(|item| match item {
        Input::String(text) => Some(text),
        _ => None,
    });
    match texts.collect::<Option<Vec<Cow<'_, str>>>>() {
        Some(texts) => Reading::Known(Value::StringSet(texts)),
        None => Reading::Invalid,
    }
}
