//! `Engine`: a compiled bundle.
#![allow(clippy::needless_pass_by_value, reason = "Python hands arguments over by value")]

use std::collections::HashMap;

use edgewise_core::engine::Engine;
use edgewise_node::loading::{SharedEngine, compile};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors;

/// Adds this file's classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEngine>()
}

/// Asks a Python function for what a model gives for one row.
fn ask(run: &Bound<'_, PyAny>, name: &str, ids: &[i32], vals: &[f32]) -> PyResult<Option<Vec<f32>>> {
    let row = |slots: usize| [1, slots];
    let ids = PyArray1::from_slice(run.py(), ids).reshape(row(ids.len()))?;
    let vals = PyArray1::from_slice(run.py(), vals).reshape(row(vals.len()))?;
    run.call1((name, ids, vals))?.extract()
}

#[pyclass(name = "Engine", module = "edgewise._core", frozen)]
pub(crate) struct PyEngine(pub(crate) SharedEngine);

#[pymethods]
impl PyEngine {
    #[staticmethod]
    #[pyo3(signature = (data, *, in_background=false))]
    fn from_bundle(py: Python<'_>, data: &[u8], in_background: bool) -> PyResult<Self> {
        let engine = py.detach(|| if in_background { compile(data) } else { Engine::from_bundle(data) });
        engine.map(|engine| Self(SharedEngine::new(engine))).map_err(|error| errors::bundle(&error))
    }

    #[getter]
    fn digest(&self) -> &str {
        self.0.digest()
    }

    #[getter]
    fn scenario_count(&self) -> usize {
        self.0.scenario_count()
    }

    #[pyo3(signature = (*, in_background=false))]
    fn self_test(&self, py: Python<'_>, in_background: bool) -> PyResult<usize> {
        let tested = py.detach(|| if in_background { self.0.self_test_patiently() } else { self.0.self_test() });
        tested.map_err(|error| errors::bundle(&error))
    }

    fn declared_models<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.declared_models())
    }

    fn defaults<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, py.detach(|| self.0.defaults()))
    }

    fn signal_purposes(&self) -> HashMap<&str, Vec<&str>> {
        self.0.signal_purposes().collect()
    }

    #[pyo3(signature = (request, run=None))]
    fn rehearse<'py>(
        &self,
        py: Python<'py>,
        request: &[u8],
        run: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut failed = None;
        let answer = self.0.rehearse(request, |name, ids, vals| {
            let run = run.filter(|_| failed.is_none())?;
            ask(run, name, ids, vals).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(PyBytes::new(py, &answer.map_err(|error| errors::request(py, &error))?))
    }
}
