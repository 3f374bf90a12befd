//! `Share`: which visitors get the bundle on trial.
#![allow(clippy::needless_pass_by_value, reason = "Python hands arguments over by value")]

use edgewise_core::share::{Share, join};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Adds this file's class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyShare>()
}

#[pyclass(name = "Share", module = "edgewise._core", frozen)]
pub(crate) struct PyShare(Share);

type Divided<'py> = (Vec<bool>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pymethods]
impl PyShare {
    #[new]
    fn new(salt: String, percent: f64) -> Self {
        Self(Share::new(salt, percent))
    }

    fn takes(&self, request: &[u8]) -> bool {
        self.0.takes(request)
    }

    fn divide<'py>(&self, py: Python<'py>, batch: &[u8]) -> Option<Divided<'py>> {
        let divided = py.detach(|| self.0.divide(batch))?;
        Some((divided.is_taken, PyBytes::new(py, &divided.others), PyBytes::new(py, &divided.taken)))
    }

    #[staticmethod]
    fn join<'py>(py: Python<'py>, is_taken: Vec<bool>, others: &[u8], taken: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let joined = py.detach(|| join(&is_taken, others, taken));
        let joined =
            joined.ok_or_else(|| PyValueError::new_err("these are not the answers to both parts of a batch"))?;
        Ok(PyBytes::new(py, &joined))
    }
}
