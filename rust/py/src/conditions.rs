//! `Signals`, `Condition` and what belongs to them. Converts and delegates.

use std::sync::Arc;

use edgewise_core::condition::{
    Condition as CoreCondition, ConditionRef, Policy, Truth, check_names as core_check_names,
};
use edgewise_core::signal::{Reading, SignalTable};
use edgewise_core::temporal;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping};

use crate::declarations;
use crate::errors;
use crate::readings::Row;

/// The names that conditions may read.
#[pyclass(module = "edgewise._core", frozen)]
pub struct Signals {
    table: Arc<SignalTable>,
    policy: Policy,
}

#[pymethods]
impl Signals {
    #[new]
    #[pyo3(signature = (declarations, policy = None))]
    fn new(declarations: &Bound<'_, PyMapping>, policy: Option<&Bound<'_, PyMapping>>) -> PyResult<Self> {
        let table = Arc::new(declarations::signal_table(declarations)?);
        Ok(Self { table, policy: declarations::policy(policy)? })
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }
}

/// One compiled condition.
#[pyclass(module = "edgewise._core", frozen)]
pub struct Condition {
    table: Arc<SignalTable>,
    condition: CoreCondition,
}

#[pymethods]
impl Condition {
    #[staticmethod]
    fn compile(py: Python<'_>, text: &str, signals: &Signals) -> PyResult<Self> {
        let condition = CoreCondition::compile(text, &signals.table, &signals.policy);
        let condition = condition.map_err(|error| errors::condition(py, &error, None))?;
        Ok(Self { table: Arc::clone(&signals.table), condition })
    }

    #[getter]
    fn signals(&self) -> Vec<&str> {
        self.condition.signals().iter().map(|slot| self.table.name(*slot)).collect()
    }

    #[getter]
    fn policies(&self) -> Vec<&str> {
        self.condition.constants().iter().map(String::as_str).collect()
    }

    fn evaluate<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let row = Row::new(&self.table, values)?;
        let readings = row.readings(&self.table)?;
        explain(py, self.condition.borrow(), &self.table, &readings)
    }

    fn __str__(&self) -> String {
        self.condition.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Condition {}>", self.condition)
    }
}

/// `{"value": True | False | "unknown", "blocking": [{"signal", "state"}]}`.
pub fn explain<'py>(
    py: Python<'py>,
    condition: ConditionRef<'_>,
    table: &SignalTable,
    readings: &[Reading<'_>],
) -> PyResult<Bound<'py, PyDict>> {
    let blocking = PyList::empty(py);
    for slot in condition.blocking(readings) {
        let entry = PyDict::new(py);
        entry.set_item("signal", table.name(slot))?;
        entry.set_item("state", readings.get(slot as usize).map_or("missing", |reading| reading.state().name()))?;
        blocking.append(entry)?;
    }
    let answer = PyDict::new(py);
    match condition.truth(readings) {
        Truth::True => answer.set_item("value", true)?,
        Truth::False => answer.set_item("value", false)?,
        Truth::Unknown => answer.set_item("value", "unknown")?,
    }
    answer.set_item("blocking", blocking)?;
    Ok(answer)
}

/// Every name that no signal may have, with the reason.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments come over from Python owned")]
fn check_names(names: Vec<String>) -> Vec<(String, String)> {
    let errors = core_check_names(names.iter().map(String::as_str));
    errors.into_iter().map(|error| (error.name, error.message)).collect()
}

/// A duration of a book in milliseconds.
#[pyfunction]
fn parse_duration_ms(text: &str) -> PyResult<i64> {
    temporal::parse_duration_ms(text).ok_or_else(|| {
        let text = text.escape_debug();
        PyValueError::new_err(format!(
            "`{text}` is not a duration; write it as `30s`, `10m`, `14h`, `1d`, `2w` or `1h30m`"
        ))
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Signals>()?;
    module.add_class::<Condition>()?;
    module.add_function(wrap_pyfunction!(check_names, module)?)?;
    module.add_function(wrap_pyfunction!(parse_duration_ms, module)?)
}
