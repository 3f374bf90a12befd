//! `Node`: the decision loop of one worker.

use std::sync::Arc;

use edgewise_core::decide::Switches;
use edgewise_core::error::RequestError;
use edgewise_core::events::IngestFormat;
use edgewise_node::node::{CallFacts, Node, Records};
use jiff::Timestamp;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::counters::PyCounters;
use crate::engine::PyEngine;
use crate::errors;
use crate::sessions::PySessions;

/// Adds this file's class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyNode>()
}

#[pyclass(name = "Node", module = "edgewise._core", frozen)]
pub(crate) struct PyNode(Node);

#[pymethods]
impl PyNode {
    #[new]
    #[pyo3(signature = (engine, *, node, generation, sessions=None, state_down=false, counters=None, allow_at=false,
                        disabled_scenarios=Vec::new(), disabled_points=Vec::new()))]
    #[allow(clippy::too_many_arguments, reason = "keyword-only arguments of a Python constructor")]
    fn new(
        engine: &PyEngine,
        node: String,
        generation: u64,
        sessions: Option<&PySessions>,
        state_down: bool,
        counters: Option<&PyCounters>,
        allow_at: bool,
        disabled_scenarios: Vec<String>,
        disabled_points: Vec<String>,
    ) -> Self {
        let records = match sessions {
            _ if state_down => Records::Down,
            Some(sessions) => Records::Stored(Arc::clone(&sessions.0)),
            None => Records::Fresh,
        };
        Self(Node {
            engine: Arc::clone(&engine.0),
            records,
            counters: counters.map(|counters| Arc::clone(&counters.0)),
            name: node,
            generation,
            allow_at,
            switches: Switches {
                scenarios: disabled_scenarios.into_iter().collect(),
                points: disabled_points.into_iter().collect(),
            },
        })
    }

    #[getter]
    fn digest(&self) -> &str {
        self.0.engine.digest()
    }

    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    #[pyo3(signature = (body, *, now_ns, gpc=false, debug=false))]
    fn decide<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        now_ns: i64,
        gpc: bool,
        debug: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let facts = facts(now_ns, gpc, debug)?;
        answer(py, || self.0.decide(body, facts))
    }

    #[pyo3(signature = (body, *, now_ns, gpc=false, debug=false))]
    fn decide_batch<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        now_ns: i64,
        gpc: bool,
        debug: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let facts = facts(now_ns, gpc, debug)?;
        answer(py, || self.0.decide_batch(body, facts))
    }

    #[pyo3(signature = (body, *, ndjson, now_ns, gpc=false))]
    fn ingest<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        ndjson: bool,
        now_ns: i64,
        gpc: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let facts = facts(now_ns, gpc, false)?;
        let format = if ndjson { IngestFormat::Lines } else { IngestFormat::Array };
        answer(py, || self.0.ingest(body, format, facts))
    }

    #[pyo3(signature = (scope, key, *, now_ns))]
    fn erase(&self, py: Python<'_>, scope: &str, key: &str, now_ns: i64) -> PyResult<bool> {
        let now = facts(now_ns, false, false)?.now;
        let erased = py.detach(|| self.0.erase(scope, key, now)).map_err(|error| errors::state(&error))?;
        erased.ok_or_else(|| PyValueError::new_err(format!("`{scope}` is not a scope of state")))
    }
}

/// Runs a call without holding the interpreter, and hands its bytes or its problem to Python.
fn answer(py: Python<'_>, call: impl FnOnce() -> Result<Vec<u8>, RequestError> + Send) -> PyResult<Bound<'_, PyBytes>> {
    py.detach(call).map(|body| PyBytes::new(py, &body)).map_err(|error| errors::request(py, &error))
}

fn facts(now_ns: i64, gpc: bool, debug: bool) -> PyResult<CallFacts> {
    let now =
        Timestamp::from_nanosecond(i128::from(now_ns)).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(CallFacts { now, gpc, debug })
}
