//! `Counters` of one worker, and `sum_counters` over all of them.
#![allow(clippy::needless_pass_by_value, reason = "Python hands paths over by value")]

use std::path::PathBuf;
use std::sync::Arc;

use edgewise_core::decide::Reason;
use edgewise_node::counters::{
    self, Counter, DURATION_BOUNDS_S, Family, Route, Sample, ShedCause, StatusClass, TimedRoute, Total,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Adds this file's classes and functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCounters>()?;
    module.add_function(wrap_pyfunction!(sum_counters, module)?)
}

#[pyclass(name = "Counters", module = "edgewise._core", frozen)]
pub(crate) struct PyCounters(pub(crate) Arc<counters::Counters>);

#[pymethods]
impl PyCounters {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(Self(Arc::new(counters::Counters::open(&path)?)))
    }

    fn add_request(&self, route: &str, status: u16) -> PyResult<()> {
        let route = Route::from_name(route).ok_or_else(|| unknown("route", route))?;
        self.0.add(Counter::Requests(route, StatusClass::of(status)), 1);
        Ok(())
    }

    fn add_decisions(&self, reason: &str, count: u64) -> PyResult<()> {
        let reason =
            Reason::ALL.into_iter().find(|known| known.name() == reason).ok_or_else(|| unknown("reason", reason))?;
        self.0.add(Counter::Decisions(reason), count);
        Ok(())
    }

    fn add_shed(&self, route: &str, cause: &str) -> PyResult<()> {
        let route = TimedRoute::from_name(route).ok_or_else(|| unknown("timed route", route))?;
        let cause = ShedCause::from_name(cause).ok_or_else(|| unknown("cause", cause))?;
        self.0.add(Counter::Shed(route, cause), 1);
        Ok(())
    }

    fn observe_pause(&self, seconds: f64) {
        self.0.observe_pause_us(microseconds(seconds));
    }

    fn observe(&self, route: &str, seconds: f64) -> PyResult<()> {
        let route = TimedRoute::from_name(route).ok_or_else(|| unknown("timed route", route))?;
        self.0.observe_us(route, microseconds(seconds));
        Ok(())
    }
}

#[pyfunction]
fn sum_counters(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Bound<'_, PyList>> {
    let families = py.detach(|| counters::total(&paths))?;
    let entries = PyList::empty(py);
    for family in &families {
        entries.append((family.name, family.help, family.kind.name(), samples(py, family)?))?;
    }
    Ok(entries)
}

fn samples<'py>(py: Python<'py>, family: &Family) -> PyResult<Bound<'py, PyList>> {
    let entries = PyList::empty(py);
    for Sample { labels, total } in &family.samples {
        let named = PyDict::new(py);
        for (name, value) in labels {
            named.set_item(name, value)?;
        }
        match total {
            Total::Count(count) => entries.append((named, count))?,
            Total::Durations(buckets, seconds) => entries.append((named, (cumulative(buckets), seconds)))?,
        }
    }
    Ok(entries)
}

/// Buckets as Prometheus wants them: each with all that is below its bound.
fn cumulative(buckets: &[u64]) -> Vec<(String, u64)> {
    let bounds = DURATION_BOUNDS_S.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
    let counts = buckets.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    bounds.zip(counts).collect()
}

/// Negative and absurd durations count as none and as the longest.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6).min(1e15) as u64
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("`{name}` is not a {what}"))
}
