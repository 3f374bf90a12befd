//! `Sessions`: the session store of a node, as one of its processes has it open.
#![allow(clippy::needless_pass_by_value, reason = "Python hands paths over by value")]

use std::path::PathBuf;
use std::sync::Arc;

use edgewise_node::sessions::{self, Options, Prepared, SessionStore, SessionsError, Wiped};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::StateError;

/// Adds this file's classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySessions>()
}

#[pyclass(name = "Sessions", module = "edgewise._core", frozen)]
pub(crate) struct PySessions(pub(crate) Arc<SessionStore>);

#[pymethods]
impl PySessions {
    #[staticmethod]
    fn prepare(py: Python<'_>, path: PathBuf) -> PyResult<Option<String>> {
        py.detach(|| sessions::prepare(&path)).map(reason).map_err(|error| raised(&error))
    }

    #[staticmethod]
    fn mark_clean(py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| sessions::mark_clean(&path)).map_err(|error| raised(&error))
    }

    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let store = py.detach(|| SessionStore::open(&path, Options::default()));
        store.map(|store| Self(Arc::new(store))).map_err(|error| raised(&error))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats();
        let entries = PyDict::new(py);
        for (name, number) in [
            ("shards", sessions::SHARDS as u64),
            ("commits", stats.commits),
            ("transactions", stats.transactions),
            ("evictions", stats.evictions),
            ("read_failures", stats.read_failures),
            ("commit_failures", stats.commit_failures),
            ("decode_failures", stats.decode_failures),
        ] {
            entries.set_item(name, number)?;
        }
        Ok(entries)
    }
}

/// Why records were dropped.
fn reason(prepared: Prepared) -> Option<String> {
    prepared.wiped.map(|wiped| match wiped {
        Wiped::New => "new".to_owned(),
        Wiped::UncleanBoot => "unclean_boot".to_owned(),
        Wiped::Damaged(_) => "damaged".to_owned(),
    })
}

fn raised(error: &SessionsError) -> PyErr {
    StateError::new_err(error.to_string())
}
