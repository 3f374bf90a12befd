//! `FeatureSpec`: rows of features out of events and out of snapshots. Converts and delegates; tokens are core's alone.

use edgewise_core::features::{FieldRef, Replay, Spec};
use numpy::ndarray::Array2;
use numpy::{Element, IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors;
use crate::events::RawEvent;
use crate::snapshot::{Facts, Fields, Given, Shape};

type Rows<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f32>>);
type PrefixRows<'py> =
    (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i32>>);

/// Adds this file's class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<FeatureSpec>()
}

#[pyclass(name = "FeatureSpec", module = "edgewise._core", frozen)]
pub(crate) struct FeatureSpec {
    spec: Spec,
    fields: Fields,
}

#[pymethods]
impl FeatureSpec {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        let spec = Spec::parse(text).map_err(|error| errors::feature_spec(&error))?;
        let fields = Fields::new(&spec);
        Ok(Self { spec, fields })
    }

    #[getter]
    fn canonical(&self) -> &str {
        self.spec.canonical()
    }

    #[getter]
    fn digest(&self) -> &str {
        self.spec.digest()
    }

    #[getter]
    fn scope(&self) -> &'static str {
        self.spec.scope().name()
    }

    #[getter]
    fn slots(&self) -> usize {
        self.spec.slots()
    }

    #[getter]
    fn width(&self) -> u32 {
        self.spec.width()
    }

    #[getter]
    fn features(&self) -> Vec<&str> {
        self.spec.feature_names().collect()
    }

    #[getter]
    fn inputs(&self) -> Vec<(&str, &str, &'static str)> {
        let inputs = self.spec.inputs().iter();
        inputs.map(|input| (input.name.as_str(), input.signal.as_str(), input.value_type.name())).collect()
    }

    #[pyo3(signature = (events, every_prefix=false, *, inputs=None))]
    fn extract_events<'py>(
        &self,
        py: Python<'py>,
        events: &Bound<'py, PyAny>,
        every_prefix: bool,
        inputs: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<PrefixRows<'py>> {
        let mut rows = PrefixBuffer::new(self.spec.slots());
        let mut shape = Shape::default();
        let mut inputs = inputs.map(PyAnyMethods::try_iter).transpose()?;
        for (session, events) in events.try_iter()?.enumerate() {
            let events = events?;
            let given = match inputs.as_mut().map(Iterator::next) {
                None => Ok(Given::default()),
                Some(None) => Err(PyValueError::new_err("there are no `inputs` for it")),
                Some(Some(row)) => row.and_then(|row| self.fields.given(&row, &mut shape, true)),
            };
            let fed = given.and_then(|given| {
                self.fields.with_facts(&given, |facts| self.replay(session, &events, every_prefix, facts, &mut rows))
            });
            fed.map_err(|error| located(py, "session", session, error))?;
        }
        if inputs.is_some_and(|mut inputs| inputs.next().is_some()) {
            return Err(PyValueError::new_err("there are more `inputs` than sessions"));
        }
        rows.into_arrays(py)
    }

    fn extract_values<'py>(&self, py: Python<'py>, rows: &Bound<'py, PyAny>) -> PyResult<Rows<'py>> {
        let mut buffer = RowBuffer::new(self.spec.slots());
        let mut shape = Shape::default();
        for (number, row) in rows.try_iter()?.enumerate() {
            let given = row.and_then(|row| self.fields.given(&row, &mut shape, false));
            let put = given.and_then(|given| {
                self.fields.with_facts(&given, |facts| {
                    let (ids, vals) = buffer.next();
                    self.spec.extract(|field| facts.get(field), ids, vals);
                    Ok(())
                })
            });
            put.map_err(|error| located(py, "row", number, error))?;
        }
        buffer.into_arrays(py)
    }
}

impl FeatureSpec {
    /// Replays one session: a row after each event, or one after the last.
    fn replay(
        &self,
        session: usize,
        events: &Bound<'_, PyAny>,
        every_prefix: bool,
        facts: &Facts<'_>,
        rows: &mut PrefixBuffer,
    ) -> PyResult<()> {
        let mut replay = Replay::new(&self.spec);
        let mut prefix = 0;
        for event in events.try_iter()? {
            let event = RawEvent::new(&event?)?;
            replay.push(&event.event(prefix, replay.now_ms())?);
            prefix += 1;
            if every_prefix {
                put(&replay, session, prefix, facts, rows);
            }
        }
        if !every_prefix {
            put(&replay, session, prefix, facts, rows);
        }
        Ok(())
    }
}

fn put(replay: &Replay<'_>, session: usize, prefix: usize, facts: &Facts<'_>, rows: &mut PrefixBuffer) {
    let (ids, vals) = rows.next(session, prefix);
    replay.extract(|place| facts.get(FieldRef::Input(place)), ids, vals);
}

/// Rows on their way to Python.
struct RowBuffer {
    slots: usize,
    rows: usize,
    ids: Vec<i32>,
    vals: Vec<f32>,
}

impl RowBuffer {
    const fn new(slots: usize) -> Self {
        Self { slots, rows: 0, ids: Vec::new(), vals: Vec::new() }
    }

    fn next(&mut self) -> (&mut [i32], &mut [f32]) {
        let start = self.rows * self.slots;
        self.rows += 1;
        self.ids.resize(start + self.slots, 0);
        self.vals.resize(start + self.slots, 0.0);
        (self.ids.get_mut(start..).unwrap_or_default(), self.vals.get_mut(start..).unwrap_or_default())
    }

    fn into_arrays(self, py: Python<'_>) -> PyResult<Rows<'_>> {
        let shape = (self.rows, self.slots);
        Ok((array(py, shape, self.ids)?, array(py, shape, self.vals)?))
    }
}

fn array<T: Element>(py: Python<'_>, shape: (usize, usize), values: Vec<T>) -> PyResult<Bound<'_, PyArray2<T>>> {
    let rows = Array2::from_shape_vec(shape, values).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(rows.into_pyarray(py))
}

/// Rows with the session each belongs to and how much of it they saw.
struct PrefixBuffer {
    rows: RowBuffer,
    row_of: Vec<i64>,
    prefixes: Vec<i32>,
}

impl PrefixBuffer {
    const fn new(slots: usize) -> Self {
        Self { rows: RowBuffer::new(slots), row_of: Vec::new(), prefixes: Vec::new() }
    }

    fn next(&mut self, session: usize, prefix: usize) -> (&mut [i32], &mut [f32]) {
        self.row_of.push(i64::try_from(session).unwrap_or(i64::MAX));
        self.prefixes.push(i32::try_from(prefix).unwrap_or(i32::MAX));
        self.rows.next()
    }

    fn into_arrays(self, py: Python<'_>) -> PyResult<PrefixRows<'_>> {
        let (ids, vals) = self.rows.into_arrays(py)?;
        Ok((ids, vals, self.row_of.into_pyarray(py), self.prefixes.into_pyarray(py)))
    }
}

/// The same error, saying which row or session it is about.
fn located(py: Python<'_>, what: &str, number: usize, error: PyErr) -> PyErr {
    let message = format!("{what} {number}: {}", error.value(py));
    if error.is_instance_of::<PyTypeError>(py) {
        PyTypeError::new_err(message)
    } else if error.is_instance_of::<PyValueError>(py) {
        PyValueError::new_err(message)
    } else {
        error
    }
}
