//! Bucketing of units and hashing of features. Converts and delegates.

use std::{ptr, slice, str};

use edgewise_core::bucket::bucket as core_bucket;
use edgewise_core::features::{FeatureHasher, HashError, MAX_FEATURES, Name};
use numpy::{Element, IntoPyArray, PyArray1};
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::types::{PyDict, PyFloat, PyList, PyMapping, PyString};
use pyo3::{Borrowed, ffi, prelude::*};

/// Most names of a row that are known again in the next; those after it are hashed each time.
const NAMES_MAX: usize = 4_096;

/// Up to so many values are copied into an array.
const COPIED_MAX: usize = 1_024;

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
    let hasher = hasher.ok_or_else(|| {
        PyValueError::new_err(format!("`n_features` is {n_features}; it lies in 1 to {MAX_FEATURES}"))
    })?;
    let count = rows.len().unwrap_or_default();
    let mut rows_in = RowHasher { hasher, names: Vec::new(), remembers: count > 1 };
    if let Ok(rows) = rows.cast_exact::<PyList>() {
        for (number, row) in rows.iter().enumerate() {
            rows_in.row(&row, count.saturating_sub(number))?;
        }
    } else {
        for (number, row) in rows.try_iter()?.enumerate() {
            rows_in.row(&row?, count.saturating_sub(number))?;
        }
    }
    let csr = rows_in.hasher.finish();
    Ok((array(py, csr.indptr), array(py, csr.indices), array(py, csr.values)))
}

/// An array of its own for many values; few are sooner copied than wrapped.
fn array<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    if values.len() <= COPIED_MAX { PyArray1::from_slice(py, &values) } else { values.into_pyarray(py) }
}

/// Hashes rows, and knows names by their place: rows are made alike, mostly with the very same keys.
struct RowHasher<'py> {
    hasher: FeatureHasher,
    names: Vec<Known<'py>>,
    /// Whether more than one row is to come.
    remembers: bool,
}

/// A key that rows had in some place.
struct Known<'py> {
    /// Where it was, or is. Nobody looks there: it may be gone by now.
    address: usize,
    /// Its name's hash, once two rows had it: then it is kept alive, and the address is its own.
    name: Option<(Bound<'py, PyAny>, Name)>,
}

impl<'py> RowHasher<'py> {
    fn row(&mut self, row: &Bound<'py, PyAny>, left: usize) -> PyResult<()> {
        if let Ok(row) = row.cast::<PyDict>() {
            self.dict(row, left)?;
        } else {
            let row = row.cast::<PyMapping>();
            let row = row.map_err(|_| PyTypeError::new_err("a row is a mapping of names to values"))?;
            self.dict(&PyDict::from_sequence(row.items()?.as_any())?, left)?;
        }
        self.hasher.end_row().map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Goes through a dict without counting references to what it holds, for that costs as much as the hashing.
    fn dict(&mut self, row: &Bound<'py, PyDict>, left: usize) -> PyResult<()> {
        let length = row.len();
        self.hasher.reserve(length, left);
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        let (mut position, mut place) = (0, 0);
        // SAFETY: `row` is a dict, and the interpreter is ours. Each position comes from the call before.
        while unsafe { ffi::PyDict_Next(row.as_ptr(), &raw mut position, &raw mut key, &raw mut value) } != 0 {
            // SAFETY: both are there, and the dict holds them as long as no Python code runs that could change it. Only
            // `other` runs such code, last, and it counts its references.
            let (key, value) = unsafe { (Borrowed::from_ptr(row.py(), key), Borrowed::from_ptr(row.py(), value)) };
            let ran = self.item(place, key, value)?;
            if ran && row.len() != length {
                return Err(PyRuntimeError::new_err("dictionary changed size during iteration"));
            }
            place += 1;
        }
        Ok(())
    }

    /// Hashes one value. Says whether Python code may have run; if so, it ran last.
    #[inline]
    fn item(&mut self, place: usize, key: Borrowed<'_, 'py, PyAny>, value: Borrowed<'_, 'py, PyAny>) -> PyResult<bool> {
        let name = match self.known(place, key) {
            Some(name) => name,
            None => Name::new(text_of(&key).ok_or_else(|| not_a_name(&key))?),
        };
        // Asking before casting: a cast that fails makes an error first.
        if value.is_exact_instance_of::<PyFloat>() {
            // SAFETY: it is a float, and the interpreter is ours.
            let number = unsafe { ffi::PyFloat_AsDouble(value.as_ptr()) };
            self.hasher.number(&name, number);
        } else if let Some(text) = text_of(&value) {
            self.hasher.text(&name, text);
        } else {
            let (key, value) = (key.to_owned(), value.to_owned());
            self.other(&name, &key, &value)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Hashes what is neither text nor plainly a float. Its own Python code may run.
    #[cold]
    fn other(&mut self, name: &Name, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(text) = value.cast::<PyString>() {
            self.hasher.text(name, text.to_str()?);
            return Ok(());
        }
        let number = value.extract::<f64>().map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(value.py()) {
                return refused(key, HashError::TooLarge);
            }
            PyTypeError::new_err(format!("feature {}: expected a string or a number", quoted(key)))
        })?;
        self.hasher.number(name, number);
        Ok(())
    }

    /// The hash of a name, if the rows before had the same object there.
    #[inline]
    fn known(&mut self, place: usize, key: Borrowed<'_, 'py, PyAny>) -> Option<Name> {
        let address = key.as_ptr() as usize;
        match self.names.get_mut(place) {
            Some(Known { address: there, name: Some((_, name)) }) if *there == address => return Some(*name),
            Some(known) if known.address == address => known.keep(&key),
            Some(known) => *known = Known { address, name: None },
            None if self.remembers && place < NAMES_MAX => self.names.push(Known { address, name: None }),
            None => {}
        }
        None
    }
}

impl<'py> Known<'py> {
    /// Keeps a key alive, unless letting go of it later could run code of its own.
    #[cold]
    fn keep(&mut self, key: &Bound<'py, PyAny>) {
        if let (true, Some(text)) = (key.is_exact_instance_of::<PyString>(), text_of(key)) {
            self.name = Some((key.clone(), Name::new(text)));
        }
    }
}

/// The text of a string; `None` of anything else, and of one that has no UTF-8. Asks the interpreter itself, since this is
/// what a row takes longest for, and a result that could hold an error is handed on through memory.
#[inline]
fn text_of<'t>(value: &'t Bound<'_, PyAny>) -> Option<&'t str> {
    if !value.is_exact_instance_of::<PyString>() && !value.is_instance_of::<PyString>() {
        return None;
    }
    let mut length = 0;
    // SAFETY: it is a string, and the interpreter is ours.
    let bytes = unsafe { ffi::PyUnicode_AsUTF8AndSize(value.as_ptr(), &raw mut length) };
    if bytes.is_null() {
        drop(PyErr::take(value.py()));
        return None;
    }
    // SAFETY: so many bytes of UTF-8 are there, and stay as long as the string, which `value` keeps.
    Some(unsafe { str::from_utf8_unchecked(slice::from_raw_parts(bytes.cast(), length.cast_unsigned())) })
}

/// Why a key is none: it is no string, or not one that has UTF-8.
#[cold]
fn not_a_name(key: &Bound<'_, PyAny>) -> PyErr {
    let text = key.cast::<PyString>().map(|text| text.to_str().map(|_| ()));
    match text {
        Ok(Err(error)) => error,
        _ => PyTypeError::new_err("the name of a feature is a string"),
    }
}

#[cold]
fn refused(key: &Bound<'_, PyAny>, error: HashError) -> PyErr {
    PyValueError::new_err(format!("feature {}: {error}", quoted(key)))
}

fn quoted(key: &Bound<'_, PyAny>) -> String {
    let name = key.cast::<PyString>().map(|name| name.to_string_lossy().escape_debug().to_string());
    format!("`{}`", name.unwrap_or_default())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(bucket, module)?)?;
    module.add_function(wrap_pyfunction!(hash_features, module)?)
}
