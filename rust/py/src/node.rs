//! `Node`: the decision loop of one worker, and `Pending`: decisions of it that wait for models.
#![allow(clippy::needless_pass_by_value, reason = "Python hands arguments over by value")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use edgewise_core::decide::Switches;
use edgewise_core::error::RequestError;
use edgewise_core::events::IngestFormat;
use edgewise_core::model::GivenUp;
use edgewise_core::shed::Fallbacks;
use edgewise_node::node::{CallFacts, Node, Records};
use edgewise_node::pending::{Outputs, Pending, Turn};
use jiff::Timestamp;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::counters::PyCounters;
use crate::engine::PyEngine;
use crate::errors;
use crate::sessions::PySessions;

/// Adds this file's class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPending>()?;
    module.add_class::<PyNode>()
}

#[pyclass(name = "Node", module = "edgewise._core", frozen)]
pub(crate) struct PyNode(Node);

#[pymethods]
impl PyNode {
    #[new]
    #[pyo3(signature = (engine, *, node, generation, sessions=None, state_down=false, counters=None, allow_at=false,
                        disabled_scenarios=Vec::new(), disabled_points=Vec::new(), beside=None))]
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
        beside: Option<&PyEngine>,
    ) -> Self {
        let records = match sessions {
            _ if state_down => Records::Down,
            Some(sessions) => Records::Stored(Arc::clone(&sessions.0)),
            None => Records::Fresh,
        };
        let fallbacks = Fallbacks::new(&engine.0, &node, generation);
        Self(Node {
            fallbacks,
            engine: engine.0.clone(),
            records,
            counters: counters.map(|counters| Arc::clone(&counters.0)),
            name: node,
            generation,
            allow_at,
            switches: Switches {
                scenarios: disabled_scenarios.into_iter().collect(),
                points: disabled_points.into_iter().collect(),
            },
            beside: beside.map(|engine| engine.0.clone()),
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

    #[pyo3(signature = (body, *, now_ns))]
    fn shed<'py>(&self, py: Python<'py>, body: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        let now = facts(now_ns, false, false)?.now;
        let answer = self.0.shed(body, now).map_err(|error| errors::request(py, &error))?;
        Ok(PyBytes::new(py, &answer))
    }

    #[pyo3(signature = (body, *, now_ns))]
    fn shed_batch<'py>(&self, py: Python<'py>, body: &[u8], now_ns: i64) -> PyResult<Bound<'py, PyBytes>> {
        let now = facts(now_ns, false, false)?.now;
        let answer = self.0.shed_batch(body, now).map_err(|error| errors::request(py, &error))?;
        Ok(PyBytes::new(py, &answer))
    }

    #[pyo3(signature = (body, *, now_ns, gpc=false, debug=false))]
    fn begin<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        now_ns: i64,
        gpc: bool,
        debug: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = facts(now_ns, gpc, debug)?;
        self.begun(py, || self.0.begin(body, facts))
    }

    #[pyo3(signature = (body, *, now_ns, gpc=false, debug=false))]
    fn begin_batch<'py>(
        &self,
        py: Python<'py>,
        body: &[u8],
        now_ns: i64,
        gpc: bool,
        debug: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let facts = facts(now_ns, gpc, debug)?;
        self.begun(py, || self.0.begin_batch(body, facts))
    }

    fn resume<'py>(
        &self,
        py: Python<'py>,
        pending: &PyPending,
        outputs: HashMap<String, Vec<Given>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let outputs: Vec<Outputs> = pending
            .models
            .iter()
            .filter_map(|(model, name)| {
                let rows = outputs.get(name)?.iter().map(Given::to_row).collect::<PyResult<_>>();
                Some(rows.map(|rows| Outputs { model: *model, rows }))
            })
            .collect::<PyResult<_>>()?;
        let taken = pending.state.lock().unwrap_or_else(PoisonError::into_inner).take();
        let taken = taken.ok_or_else(|| PyValueError::new_err("these decisions were resumed before"))?;
        let turn = py.detach(|| self.0.resume(taken, &outputs));
        self.turn(py, turn)
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

impl PyNode {
    /// Begins without holding the interpreter, and hands over what came of it.
    fn begun<'py>(
        &self,
        py: Python<'py>,
        call: impl FnOnce() -> Result<Turn, RequestError> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = py.detach(call).map_err(|error| errors::request(py, &error))?;
        self.turn(py, turn)
    }

    /// The answer, or what the models have to see first.
    fn turn<'py>(&self, py: Python<'py>, turn: Turn) -> PyResult<Bound<'py, PyAny>> {
        let pending = match turn {
            Turn::Answer(body) => return Ok(PyBytes::new(py, &body).into_any()),
            Turn::Pending(pending) => pending,
        };
        let mut models = Vec::new();
        let runs = PyList::empty(py);
        for rows in self.0.rows(&pending) {
            let shape = [rows.count, rows.slots];
            let ids = PyArray1::from_vec(py, rows.ids).reshape(shape)?;
            let vals = PyArray1::from_vec(py, rows.vals).reshape(shape)?;
            runs.append((&rows.name, ids, vals))?;
            models.push((rows.model, rows.name));
        }
        let pending = PyPending { state: Mutex::new(Some(pending)), models, runs: runs.unbind() };
        Ok(Bound::new(py, pending)?.into_any())
    }
}

#[pyclass(name = "Pending", module = "edgewise._core", frozen)]
pub(crate) struct PyPending {
    state: Mutex<Option<Pending>>,
    models: Vec<(usize, String)>,
    runs: Py<PyList>,
}

#[pymethods]
impl PyPending {
    #[getter]
    fn runs<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.runs.bind(py).clone()
    }
}

/// What a model gave for one row: its outputs, the word for why there are none, or None for a failure.
#[derive(FromPyObject)]
enum Given {
    Outputs(Vec<f32>),
    Nothing(Option<String>),
}

impl Given {
    fn to_row(&self) -> PyResult<Result<Vec<f32>, GivenUp>> {
        match self {
            Self::Outputs(outputs) => Ok(Ok(outputs.clone())),
            Self::Nothing(None) => Ok(Err(GivenUp::Failed)),
            Self::Nothing(Some(reason)) => GivenUp::from_name(reason)
                .map(Err)
                .ok_or_else(|| PyValueError::new_err(format!("`{reason}` is no reason to give a model up"))),
        }
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
