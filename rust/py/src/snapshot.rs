//! Values of a feature spec's fields, given by name: state as a session once had it, and inputs. Converts; types are core's.

use std::borrow::Cow;
use std::collections::HashMap;

use edgewise_core::features::{FieldRef, Spec};
use edgewise_core::input::Input;
use edgewise_core::signal::{Reading, Signal};
use edgewise_core::state::{AggregateKind, Fact, Record};
use edgewise_core::value::{Type, Value};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

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
}

/// What a mapping gives. Readings borrow their text from here.
#[derive(Default)]
pub struct Given<'py> {
    values: Vec<(usize, Bound<'py, PyAny>)>,
}

impl Fields {
    pub fn new(spec: &Spec) -> Self {
        let states = spec.aggregates().iter().map(|(name, aggregate)| {
            let spec = aggregate.spec();
            let keeps = (spec.kind == AggregateKind::Ring).then(|| spec.size.map_or(0, usize::from));
            Field { signal: signal(name, spec.value_type), keeps }
        });
        let inputs =
            spec.inputs().iter().map(|input| Field { signal: signal(&input.name, input.value_type), keeps: None });
        let all: Vec<_> = states.chain(inputs).collect();
        let by_name = all.iter().enumerate().map(|(place, field)| (field.signal.name.clone(), place)).collect();
        Self { all, by_name, states: spec.aggregates().len() }
    }

    /// Takes a mapping of names to values; `inputs_only` refuses names of state.
    pub fn given<'py>(&self, values: &Bound<'py, PyAny>, inputs_only: bool) -> PyResult<Given<'py>> {
        let values =
            values.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("a row is a mapping of names to values"))?;
        let mut given = Given { values: Vec::with_capacity(values.len()?) };
        for item in values.items()?.iter() {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let name = name.cast::<PyString>().map_err(|_| PyTypeError::new_err("the name of a field is a string"))?;
            let name = name.to_str()?;
            let place = self.by_name.get(name).copied().filter(|place| !inputs_only || *place >= self.states);
            given.values.push((place.ok_or_else(|| unknown(name))?, value));
        }
        Ok(given)
    }

    /// A reading for each field that is given.
    pub fn readings<'g>(&self, given: &'g Given<'_>) -> PyResult<Vec<Option<Reading<'g>>>> {
        let mut readings = vec![None; self.all.len()];
        for (place, value) in &given.values {
            if let (Some(reading), Some(field)) = (readings.get_mut(*place), self.all.get(*place)) {
                *reading = Some(field.reading(value)?);
            }
        }
        Ok(readings)
    }

    /// What is read of a field: what is given, or what a new record says.
    pub fn fact<'r>(
        &self,
        spec: &Spec,
        readings: &'r [Option<Reading<'r>>],
        fresh: &'r Record,
        field: FieldRef,
    ) -> Fact<'r> {
        let place = match field {
            FieldRef::State(place) => place,
            FieldRef::Input(place) => self.states + place,
        };
        match (readings.get(place), field) {
            (Some(Some(reading)), _) => Fact::of(reading),
            (_, FieldRef::State(place)) => {
                spec.aggregates().get(place).map_or(Fact::Missing, |(_, aggregate)| fresh.fact(aggregate, 0))
            }
            _ => Fact::Missing,
        }
    }
}

impl Field {
    /// A value that is not of the field's type is refused, not taken as missing: rows are made by people.
    fn reading<'v>(&self, value: &'v Bound<'_, PyAny>) -> PyResult<Reading<'v>> {
        let name = &self.signal.name;
        let reading = match (self.keeps, input(value)?) {
            (Some(keeps), Input::List(items)) => ring(items, keeps),
            (_, input) => self.signal.admit(input),
        };
        match (reading, self.signal.kind) {
            (Reading::Invalid, Some(kind)) => Err(PyValueError::new_err(format!("`{name}` is not a valid {kind}"))),
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

fn unknown(name: &str) -> PyErr {
    PyValueError::new_err(format!("`{}` is no field of this feature spec", name.escape_debug()))
}
