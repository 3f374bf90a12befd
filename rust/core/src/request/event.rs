//! One event as callers send it. Owns what makes an event acceptable; what it changes is up to the state.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Consent;
use super::text::{Object, Pairs, Text, id};
use crate::input::Input;
use crate::temporal::parse_timestamp;

/// How far ahead of the clock an event may lie: five minutes.
pub const EVENT_AHEAD_MAX_MS: i64 = 5 * 60 * 1_000;
/// Most properties of one event.
pub const PROPERTIES_MAX: usize = 256;

/// An event of a visit, with its own ids and consent when it comes through the ingest route.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRequest<'a> {
    /// The caller's id of the event; re-sending it is harmless while it is among the last 16 of its key.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// What happened, as `Product Viewed`.
    #[serde(borrow)]
    pub event: Text<'a>,
    /// When it happened; now, when absent.
    #[serde(borrow, default)]
    pub timestamp: Option<Text<'a>>,
    /// Facts about it.
    #[serde(borrow, default)]
    pub properties: Option<Pairs<'a, Input<'a>>>,
    /// See [`super::Identity`]; the five ids stand here in line because flattening would buffer every event.
    #[serde(borrow, default)]
    pub user_id: Option<Text<'a>>,
    /// See [`super::Identity`].
    #[serde(borrow, default)]
    pub anonymous_id: Option<Text<'a>>,
    /// See [`super::Identity`].
    #[serde(borrow, default)]
    pub session_id: Option<Text<'a>>,
    /// See [`super::Identity`].
    #[serde(borrow, default)]
    pub journey_id: Option<Text<'a>>,
    /// See [`super::Identity`].
    #[serde(borrow, default)]
    pub account_id: Option<Text<'a>>,
    /// Consent, in the ingest route.
    #[serde(borrow, default)]
    pub consent: Option<Object<Consent<'a>>>,
}

/// Why one event was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// The event's id, where it could be read.
    pub id: Option<String>,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl<'a> EventRequest<'a> {
    /// Parses one event and checks all that can be checked without a bundle.
    pub fn parse(part: &'a RawValue) -> Result<Self, EventError> {
        let Object(event): Object<Self> = serde_json::from_str(part.get()).map_err(|error| {
            let code = if error.is_data() { "invalid_event" } else { "invalid_json" };
            EventError { id: peek_id(part), code, detail: error.to_string() }
        })?;
        let properties = event.properties.as_ref().map_or(0, Pairs::len);
        if event.id.as_str().is_empty() {
            return Err(event.error("invalid_event", "`id` must not be empty"));
        }
        if event.event.as_str().is_empty() {
            return Err(event.error("invalid_event", "`event` must not be empty"));
        }
        if properties > PROPERTIES_MAX {
            return Err(event.error("invalid_event", &format!("`properties` holds more than {PROPERTIES_MAX} items")));
        }
        Ok(event)
    }

    /// The time it happened, in ms since the epoch.
    pub fn time_ms(&self, now_ms: i64) -> Result<i64, EventError> {
        let Some(text) = &self.timestamp else { return Ok(now_ms) };
        let time = parse_timestamp(text.as_str()).ok_or_else(|| {
            self.error("invalid_timestamp", &format!("`timestamp` `{}` is not an RFC 3339 time", text.as_str()))
        })?;
        let time_ms = time.as_millisecond();
        if time_ms > now_ms.saturating_add(EVENT_AHEAD_MAX_MS) {
            return Err(self.error("future_timestamp", "`timestamp` is more than five minutes ahead"));
        }
        Ok(time_ms)
    }

    /// Whether it names anyone or anything it belongs to.
    pub fn has_identity(&self) -> bool {
        [&self.user_id, &self.anonymous_id, &self.session_id, &self.journey_id, &self.account_id]
            .into_iter()
            .any(|text| id(text.as_ref()).is_some())
    }

    /// An error about this event.
    pub fn error(&self, code: &'static str, detail: &str) -> EventError {
        EventError { id: Some(self.id.as_str().to_owned()), code, detail: detail.to_owned() }
    }
}

/// The id of an event that is wrong elsewhere, so that the caller can find it again.
fn peek_id(part: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Peek<'a> {
        #[serde(borrow)]
        id: Text<'a>,
    }
    serde_json::from_str::<Peek<'_>>(part.get()).ok().map(|peek| peek.id.into_inner().into_owned())
}
