//! Bucketing of units and hashing of features. Converts and delegates.

use edgewise_core::bucket::bucket as core_bucket;
use edgewise_core::features::{FeatureHasher, HashError, MAX_FEATURES};
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

type Csr<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<f64>>);

/// The bucket of a value under a seed.
#[pyfunction]
fn bucket(seed: &str, value: &str) -> f64 {
    core_bucket(seed, value)
}

/// Rows of named values as the three arrays of a CSR matrix.
#[pyfunction]
fn hash_features<'py>(py: Python<'py>, rows: &Bound<'py, PyAny>, n_features: i64) -> PyResult<Csr<'py>> {
    let hasher = u32::try_from(n_features).ok().and_then(FeatureHasher::new);
    let mut hasher = hasher.ok_or_else(|| {
        PyValueError::new_err(format!("`n_features` is {n_features}; it lies in 1 to {MAX_FEATURES}"))
    })?;
    for row in rows.try_iter()? {
        hash_row(&mut hasher, &row?)?;
        hasher.end_row();
    }
    let csr = py.detach(|| hasher.finish());
    Ok((csr.indptr.into_pyarray(py), csr.indices.into_pyarray(py), csr.values.into_pyarray(py)))
}

fn hash_row(hasher: &mut FeatureHasher, row: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(row) = row.cast::<PyDict>() {
        for (name, value) in row.iter() {
            hash_value(hasher, &name, &value)?;
        }
        return Ok(());
    }
    let row = row.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("a row is a mapping of names to values"))?;
    for item in row.items()?.iter() {
        let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        hash_value(hasher, &name, &value)?;
    }
    Ok(())
}

fn hash_value(hasher: &mut FeatureHasher, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let name = name.cast::<PyString>().map_err(|_| PyTypeError::new_err("the name of a feature is a string"))?;
    let name = name.to_str()?;
    let refused = |error: HashError| PyValueError::new_err(format!("feature `{}`: {error}", name.escape_debug()));
    if let Ok(text) = value.cast::<PyString>() {
        return hasher.text(name, text.to_str()?).map_err(refused);
    }
    let number = value.extract::<f64>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            return refused(HashError::NotFinite);
        }
        PyTypeError::new_err(format!("feature `{}`: expected a string or a number", name.escape_debug()))
    })?;
    hasher.number(name, number).map_err(refused)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bucket, module)?)?;
    module.add_function(wrap_pyfunction!(hash_features, module)?)
}
