//! `Engine`: a compiled bundle.

use std::sync::Arc;

use edgewise_core::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors;

/// Adds this file's classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEngine>()
}

#[pyclass(name = "Engine", module = "edgewise._core", frozen)]
pub(crate) struct PyEngine(pub(crate) Arc<Engine>);

#[pymethods]
impl PyEngine {
    #[staticmethod]
    fn from_bundle(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let engine = py.detach(|| Engine::from_bundle(data));
        engine.map(|engine| Self(Arc::new(engine))).map_err(|error| errors::bundle(&error))
    }

    #[getter]
    fn digest(&self) -> &str {
        self.0.digest()
    }

    #[getter]
    fn scenario_count(&self) -> usize {
        self.0.scenario_count()
    }

    fn self_test(&self, py: Python<'_>) -> PyResult<usize> {
        py.detach(|| self.0.self_test()).map_err(|error| errors::bundle(&error))
    }

    fn defaults<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.defaults())
    }

    fn rehearse<'py>(&self, py: Python<'py>, request: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let answer = self.0.rehearse(request).map_err(|error| errors::request(py, &error))?;
        Ok(PyBytes::new(py, &answer))
    }
}
