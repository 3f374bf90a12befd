//! The exception tree of the compiled module, and the one place where core errors become exceptions.

use edgewise_core::condition::ConditionError as CoreConditionError;
use edgewise_core::error::{BundleError as CoreBundleError, RequestError as CoreRequestError};
use edgewise_core::features::SpecError;
use edgewise_core::state::StateUnavailable;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(edgewise._core, EdgewiseError, PyException, "Base of every error of edgewise.");
create_exception!(edgewise._core, ConditionError, EdgewiseError, "A condition does not compile.");
create_exception!(edgewise._core, BundleError, EdgewiseError, "A bundle is refused.");
create_exception!(edgewise._core, RequestError, EdgewiseError, "A request is refused; nothing was changed.");
create_exception!(edgewise._core, FeatureSpecError, EdgewiseError, "A feature spec is refused.");
create_exception!(edgewise._core, StateError, EdgewiseError, "State cannot be read or written.");

/// Adds the exceptions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("EdgewiseError", py.get_type::<EdgewiseError>())?;
    module.add("ConditionError", py.get_type::<ConditionError>())?;
    module.add("BundleError", py.get_type::<BundleError>())?;
    module.add("RequestError", py.get_type::<RequestError>())?;
    module.add("FeatureSpecError", py.get_type::<FeatureSpecError>())?;
    module.add("StateError", py.get_type::<StateError>())
}

/// A condition error with `line`, `column`, `message`, `hint`, `kind` and `unknown`; its text holds the hint too.
/// `rule` names the rule that the condition stands in.
pub(crate) fn condition(py: Python<'_>, error: &CoreConditionError, rule: Option<&str>) -> PyErr {
    let rule = rule.map_or_else(String::new, |id| format!("rule `{}`: ", id.escape_debug()));
    let message = format!("{rule}{}", error.message);
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    let raised = ConditionError::new_err(format!("{}:{}: {message}{hint}", error.line, error.column));
    let value = raised.value(py);
    let attributes = || -> PyResult<()> {
        value.setattr("line", error.line)?;
        value.setattr("column", error.column)?;
        value.setattr("message", &message)?;
        value.setattr("hint", &error.hint)?;
        value.setattr("kind", error.kind.name())?;
        value.setattr("unknown", &error.unknown)
    };
    attributes().err().unwrap_or(raised)
}

/// A bundle error; its text says where.
pub(crate) fn bundle(error: &CoreBundleError) -> PyErr {
    BundleError::new_err(error.to_string())
}

/// A feature spec error; its text says where.
pub(crate) fn feature_spec(error: &SpecError) -> PyErr {
    FeatureSpecError::new_err(error.to_string())
}

/// A request error with `status` and the problem document to send.
pub(crate) fn request(py: Python<'_>, error: &CoreRequestError) -> PyErr {
    let raised = RequestError::new_err(error.to_string());
    let value = raised.value(py);
    let attributes = || -> PyResult<()> {
        value.setattr("status", error.status)?;
        value.setattr("problem", pyo3::types::PyBytes::new(py, &error.problem()))
    };
    attributes().err().unwrap_or(raised)
}

/// A state error.
pub(crate) fn state(error: &StateUnavailable) -> PyErr {
    StateError::new_err(error.to_string())
}
