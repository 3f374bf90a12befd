//! Events as Python writes them: mappings with `event` and, where they are known, `id`, `timestamp` and `properties`.

use std::borrow::Cow;

use edgewise_core::input::Input;
use edgewise_core::instant::Instant;
use edgewise_core::state::Event;
use edgewise_core::temporal::parse_timestamp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

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
        let event = event.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("an event is a mapping"))?;
        let part = |key: &str| event.contains(key)?.then(|| event.get_item(key)).transpose();
        let name = part("event")?.ok_or_else(|| PyValueError::new_err("`event` is missing"))?;
        let given = |part: Option<Bound<'py, PyAny>>| part.filter(|part| !part.is_none());
        Ok(Self {
            name: text("event", name)?,
            id: given(part("id")?).map(|id| text("id", id)).transpose()?,
            time_ms: given(part("timestamp")?).map(|time| time_ms(&time)).transpose()?,
            properties: given(part("properties")?).map_or_else(|| Ok(Vec::new()), |part| properties(&part))?,
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

fn properties<'py>(part: &Bound<'py, PyAny>) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>> {
    let part = part.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("`properties` is a mapping"))?;
    part.items()?
        .iter()
        .map(|item| {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            Ok((text("the name of a property", name)?, value))
        })
        .collect()
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
