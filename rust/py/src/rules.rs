//! `RuleIndex`: named conditions, matched together. Converts and delegates.

use edgewise_core::rules::{RuleError, RuleSet};
use edgewise_core::signal::SignalTable;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use crate::conditions::explain;
use crate::declarations;
use crate::errors;
use crate::readings::{Name, Row, names};

/// Rules over declared signals.
#[pyclass(module = "edgewise", frozen)]
pub struct RuleIndex {
    table: SignalTable,
    rules: RuleSet,
    /// What the rules read.
    names: Vec<Name>,
    /// The ids by number, made once.
    ids: Vec<Py<PyString>>,
}

#[pymethods]
impl RuleIndex {
    #[new]
    fn new(py: Python<'_>, signals: &Bound<'_, PyMapping>, rules: &Bound<'_, PyMapping>) -> PyResult<Self> {
        let table = declarations::signal_table(signals)?;
        let rules: Vec<(String, String)> = rules.items()?.extract()?;
        let compiled = py.detach(|| RuleSet::compile(rules, &table));
        let rules = compiled.map_err(|refused| refusal(py, &refused))?;
        let ids = rules.ids().iter().map(|id| PyString::new(py, id).unbind()).collect();
        let names = names(py, &table, &rules.index().signals());
        Ok(Self { table, rules, names, ids })
    }

    fn __len__(&self) -> usize {
        self.ids.len()
    }

    #[pyo3(name = "match")]
    fn matching<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let row = Row::of_names(&self.table, &self.names, values)?;
        let numbers = self.rules.matching(&row.readings(&self.table)?);
        PyList::new(py, numbers.iter().filter_map(|number| self.ids.get(*number as usize)).collect::<Vec<_>>())
    }

    fn explain<'py>(&self, py: Python<'py>, rule: &str, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let condition = self.rules.condition(rule).ok_or_else(|| PyKeyError::new_err(rule.to_owned()))?;
        let row = Row::new(&self.table, values)?;
        explain(py, condition, &self.table, &row.readings(&self.table)?)
    }
}

/// The first refused rule as an exception, the others as notes to it.
fn refusal(py: Python<'_>, refused: &[RuleError]) -> PyErr {
    let Some((first, others)) = refused.split_first() else {
        return PyKeyError::new_err("no rule was refused");
    };
    let raised = errors::condition(py, &first.error, Some(&first.rule));
    for other in others {
        if let Err(failed) = raised.value(py).call_method1("add_note", (other.to_string(),)) {
            return failed;
        }
    }
    raised
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RuleIndex>()
}
