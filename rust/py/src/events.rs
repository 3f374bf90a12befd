//! Events as Python writes them: mappings with `event` and, where they are known, `id`, `timestamp` and `properties`.

use std::borrow::Cow;

use edgewise_core::input::Input;
use edgewise_core::instant::Instant;
use edgewise_core::state::Event;
use edgewise_core::temporal::parse_timestamp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use crate::readings::input;

/// One event; what core takes borrows its text from here.
pub struct RawEvent<'py> {
    name: Bound<'py, PyString>,
    id: Option<Bound<'py, PyString>>,
    time_ms: Option<i64>,
    properties: Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>,
}

impl<'py> RawEvent<'py> {
    /// Reads a mapping; keys that no event has are ignored, as a node does.
    pub fn new(event: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = event.py();
        let part = |key: &Bound<'py, PyString>| match event.cast::<PyDict>() {
            Ok(event) => event.get_item(key),
            Err(_) => mapped(event, key),
        };
        let given = |key| part(key).map(|found| found.filter(|value| !value.is_none()));
        let name = given(intern!(py, "event"))?.ok_or_else(|| PyValueError::new_err("`event` is missing"))?;
        Ok(Self {
            name: text("event", name)?,
            id: given(intern!(py, "id"))?.map(|id| text("id", id)).transpose()?,
            time_ms: given(intern!(py, "timestamp"))?.map(|time| time_ms(&time)).transpose()?,
            properties: given(intern!(py, "properties"))?.map_or_else(|| Ok(Vec::new()), |part| properties(&part))?,
        })
    }

    /// The event. One without an id is the only one of its `position`; one without a time comes at `now_ms`.
    pub fn event(&self, position: usize, now_ms: i64) -> PyResult<Event<'_>> {
        let id = match &self.id {
            Some(id) => Cow::Borrowed(id.to_str()?),
            None => Cow::Owned(position.to_string()),
        };
        let properties = self.properties.iter().map(|(name, value)| Ok((Cow::Borrowed(name.to_str()?), input(value)?)));
        Ok(Event {
            id,
            name: Cow::Borrowed(self.name.to_str()?),
            time_ms: self.time_ms.unwrap_or(now_ms),
            properties: properties.collect::<PyResult<_>>()?,
        })
    }
}

fn text<'py>(key: &str, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    value.cast_into::<PyString>().map_err(|_| PyTypeError::new_err(format!("`{key}` is a string")))
}

/// One part of a mapping that is no dict.
fn mapped<'py>(event: &Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let event = event.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("an event is a mapping"))?;
    event.contains(key)?.then(|| event.get_item(key)).transpose()
}

fn properties<'py>(part: &Bound<'py, PyAny>) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>> {
    let named = |(name, value)| Ok((text("the name of a property", name)?, value));
    if let Ok(part) = part.cast::<PyDict>() {
        return part.iter().map(named).collect();
    }
    let part = part.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("`properties` is a mapping"))?;
    part.items()?.iter().map(|item| named(item.extract()?)).collect()
}

/// An RFC 3339 text, an aware datetime or milliseconds since the epoch.
fn time_ms(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    let time = match input(value)? {
        Input::Int(time_ms) => Some(time_ms),
        Input::String(text) => parse_timestamp(&text).map(Instant::as_millisecond),
        Input::Timestamp(instant) => Some(instant.as_millisecond()),
        _ => None,
    };
    time.ok_or_else(|| {
        PyValueError::new_err(
            "`timestamp` is neither an RFC 3339 text nor an aware datetime nor milliseconds since the epoch",
        )
    })
}
