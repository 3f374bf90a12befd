//! One decision request as callers send it: bytes to typed, bounded parts. Owns the wire format of what comes in; knows no
//! bundle, so it cannot tell a good signal from a bad one.

mod depth;
mod event;
mod text;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use depth::DEPTH_MAX;
pub use event::{EVENT_AHEAD_MAX_MS, EventError, EventRequest};
pub use text::{Bounded, ClockTime, Given, Granted, Object, Observed, Pairs, Text, id};

use crate::error::RequestError;

/// Most decision points in one request.
pub const DECISION_POINTS_MAX: usize = 64;
/// Most signals in one request.
pub const SIGNALS_MAX: usize = 1_000;
/// Most events in one decision request.
pub const EVENTS_MAX: usize = 100;
/// Most purposes named in one consent.
pub const CONSENT_PURPOSES_MAX: usize = 256;
/// Most requests in one batch.
pub const BATCH_MAX: usize = 1_000;
/// Most events in one call of the ingest route.
pub const INGEST_MAX: usize = 10_000;

/// The body of `POST /v1/decide`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// The caller's id of this request.
    #[serde(borrow, default)]
    pub request_id: Option<Text<'a>>,
    /// The decision points to decide, in order.
    #[serde(borrow)]
    pub decision_points: Bounded<Text<'a>, DECISION_POINTS_MAX>,
    /// Who is asking.
    #[serde(borrow, default)]
    pub identity: Option<Object<Identity<'a>>>,
    /// Signals by name, each parsed on its own so that a bad one is invalid and nothing else.
    #[serde(borrow, default)]
    pub signals: Option<Pairs<'a, &'a RawValue>>,
    /// Events of this visit, each parsed on its own so that a bad one loses nothing else.
    #[serde(borrow, default)]
    pub events: Option<Bounded<&'a RawValue, EVENTS_MAX>>,
    /// What the visitor agreed to.
    #[serde(borrow, default)]
    pub consent: Option<Object<Consent<'a>>>,
    /// Where and when.
    #[serde(borrow, default)]
    pub context: Option<Object<Context<'a>>>,
    /// How to answer.
    #[serde(default)]
    pub options: Option<Object<Options>>,
}

/// Ids of the visitor; an empty one counts as none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity<'a> {
    /// A person known across devices.
    #[serde(borrow, default)]
    pub user_id: Option<Text<'a>>,
    /// A browser or device.
    #[serde(borrow, default)]
    pub anonymous_id: Option<Text<'a>>,
    /// One visit.
    #[serde(borrow, default)]
    pub session_id: Option<Text<'a>>,
    /// One case that spans visits.
    #[serde(borrow, default)]
    pub journey_id: Option<Text<'a>>,
    /// A company or household.
    #[serde(borrow, default)]
    pub account_id: Option<Text<'a>>,
}

/// What the visitor agreed to.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent<'a> {
    /// Granted or refused, by purpose.
    #[serde(borrow, default)]
    pub purposes: Option<Pairs<'a, Granted>>,
    /// Global Privacy Control.
    #[serde(default)]
    pub gpc: Option<bool>,
    /// An IAB TCF string; not yet understood.
    #[serde(borrow, default)]
    pub tcf: Option<Text<'a>>,
    /// An IAB GPP string; not yet understood.
    #[serde(borrow, default)]
    pub gpp: Option<Text<'a>>,
    /// Sections of the GPP string.
    #[serde(default)]
    pub gpp_sid: Option<Vec<i64>>,
}

/// Where and when the visitor is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context<'a> {
    /// IANA name of a time zone.
    #[serde(borrow, default)]
    pub timezone: Option<Text<'a>>,
    /// ISO country code; read as `geo.country`.
    #[serde(borrow, default)]
    pub country: Option<Text<'a>>,
}

/// How to answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// Depth of the explanation.
    #[serde(default)]
    pub explain: Option<Explain>,
    /// Decide, but write nothing.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// Decide as if it were this instant.
    #[serde(default)]
    pub at: Option<ClockTime>,
    /// What to force, for previews.
    #[serde(default)]
    pub force: Option<Object<Force>>,
}

/// Depth of an explanation.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Explain {
    /// None.
    None,
    /// What visitors may be told.
    #[default]
    Short,
    /// The trace of the decision.
    Full,
}

/// What a preview forces.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Force {
    /// The arm, whatever the ids say.
    #[serde(default)]
    pub arm: Option<Arm>,
}

/// An arm of an experiment.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The page as it is without us.
    AsIs,
    /// The scenario without overlays.
    Default,
    /// The scenario with overlays.
    Personalized,
}

impl Arm {
    /// The word used in books and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as_is",
            Self::Default => "default",
            Self::Personalized => "personalized",
        }
    }
}

impl<'a> Request<'a> {
    /// Parses a body and checks every bound; `unknown` is called with the path of each field that nothing reads.
    pub fn parse(body: &'a [u8], mut unknown: impl FnMut(String)) -> Result<Self, RequestError> {
        let Object(request): Object<Self> = parse(body, &mut unknown)?;
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), RequestError> {
        if self.decision_points.0.is_empty() {
            return Err(RequestError::bad("decisionPoints", "must name at least one decision point"));
        }
        let lengths = [
            ("signals", self.signals.as_ref().map_or(0, Pairs::len), SIGNALS_MAX),
            ("consent.purposes", self.granted().len(), CONSENT_PURPOSES_MAX),
        ];
        let over = lengths.into_iter().find(|(_, length, bound)| length > bound);
        over.map_or(Ok(()), |(field, _, bound)| Err(RequestError::too_many(field, bound)))
    }

    /// The purposes that are granted or refused by name.
    pub fn granted(&self) -> &[(Cow<'a, str>, Granted)] {
        self.consent.as_ref().and_then(|consent| consent.0.purposes.as_ref()).map_or(&[], Pairs::as_slice)
    }

    /// The options, or their defaults.
    pub fn options(&self) -> Options {
        self.options.clone().unwrap_or_default().0
    }
}

impl Consent<'_> {
    /// The names of consent strings that were given and that nothing here understands.
    pub fn strings(&self) -> impl Iterator<Item = &'static str> {
        let sections = self.gpp_sid.as_ref().is_some_and(|sections| !sections.is_empty());
        [("tcf", self.tcf.is_some()), ("gpp", self.gpp.is_some()), ("gppSid", sections)]
            .into_iter()
            .filter_map(|(name, given)| given.then_some(name))
    }
}

/// The body of `POST /v1/decide/batch`.
#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    /// Requests, each parsed on its own.
    #[serde(borrow)]
    pub requests: Bounded<&'a RawValue, BATCH_MAX>,
}

impl<'a> Batch<'a> {
    /// Parses a batch and checks its bound.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let Object(batch) = parse(body, &mut |_| ())?;
        Ok(batch)
    }
}

/// Parses JSON at full speed; only a body that fails is parsed again, to name the field at fault.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    unknown: &mut dyn FnMut(String),
) -> Result<T, RequestError> {
    depth::check(body)?;
    // Text that is known to be UTF-8 as a whole is not looked at again piece by piece.
    let parsed = match std::str::from_utf8(body) {
        Ok(text) => parse_with(&mut serde_json::Deserializer::from_str(text), unknown),
        Err(_) => parse_with(&mut serde_json::Deserializer::from_slice(body), unknown),
    };
    parsed.map_err(|error| blame::<T>(body, &error))
}

fn parse_with<'a, R: serde_json::de::Read<'a>, T: Deserialize<'a>>(
    json: &mut serde_json::Deserializer<R>,
    unknown: &mut dyn FnMut(String),
) -> serde_json::Result<T> {
    let parsed = serde_ignored::deserialize(&mut *json, |path| unknown(path.to_string()))?;
    json.end().map(|()| parsed)
}

fn blame<'a, T: Deserialize<'a>>(body: &'a [u8], error: &serde_json::Error) -> RequestError {
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(named) => {
            let error = RequestError::bad(field_at_fault(&named), detail(named.inner()));
            let status = if error.detail.starts_with(text::TOO_MANY) { 413 } else { error.status };
            RequestError { status, ..error }
        }
        Ok(_) => RequestError::bad("", detail(error)),
    }
}

/// The path of the field; a body that breaks off is at fault as a whole, not in the field where it breaks.
fn field_at_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    if !error.inner().is_data() {
        return String::new();
    }
    let path = error.path().to_string();
    let parent = if path == "." { "" } else { path.as_str() };
    match named_field(&error.inner().to_string()) {
        Some(field) if parent.is_empty() => field.to_owned(),
        Some(field) if !parent.ends_with(field) => format!("{parent}.{field}"),
        _ => parent.to_owned(),
    }
}

/// The field that serde names when it is missing or repeated; its path then ends at the object around it.
fn named_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("missing field `").or_else(|| message.strip_prefix("duplicate field `"))?;
    rest.split('`').next()
}

/// serde's message in the style of this crate: lower case, quoted names in backticks.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_data() { text } else { format!("is not valid JSON: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        Request::parse(body.as_bytes(), |_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_field_at_fault_is_named() {
        assert_eq!(
            refused(r#"{"decisionPoints": ["p"], "identity": {"userId": 7}}"#),
            "`identity.userId` invalid type: integer `7`, expected a string at line 1 column 50"
        );
        assert!(refused(r#"{"identity": {}}"#).starts_with("`decisionPoints` missing field"));
        assert!(
            refused(r#"{"decisionPoints": ["p"], "decisionPoints": ["q"]}"#).starts_with("`decisionPoints` duplicate")
        );
        assert!(refused(r#"{"decisionPoints": [1]}"#).starts_with("`decisionPoints[0]`"));
        assert!(refused(r#"{"decisionPoints": []}"#).starts_with("`decisionPoints` must name"));
        assert!(
            refused(r#"{"decisionPoints": ["p"], "consent": {"purposes": {"a": "yes"}}}"#).contains("consent.purposes")
        );
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        assert_eq!(Request::parse(b"{\"decisionPoints\"", |_| ()).unwrap_err().field, "");
        for body in ["", "{", "[]", "null", "{\"decisionPoints\": [\"p\"]} x", "\u{0}"] {
            assert!(Request::parse(body.as_bytes(), |_| ()).is_err(), "{body}");
        }
        let deep = format!("{{\"decisionPoints\": [\"p\"], \"x\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(refused(&deep).contains("nested deeper than"));
    }

    #[test]
    fn a_list_is_no_object_whatever_it_holds() {
        assert!(refused(r#"["r-1", ["p"], {}]"#).contains("expected an object"));
        for field in ["identity", "signals", "consent", "context", "options"] {
            let error = refused(&format!(r#"{{"decisionPoints": ["p"], "{field}": []}}"#));
            assert!(error.starts_with(&format!("`{field}` invalid type: sequence, expected an object")), "{error}");
        }
        assert!(
            refused(r#"{"decisionPoints": ["p"], "options": {"force": ["as_is"]}}"#).starts_with("`options.force`")
        );
        assert_eq!(
            Batch::parse(b"[[]]").unwrap_err().detail.split(" at ").next(),
            Some("invalid type: sequence, expected an object")
        );
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let body = r#"{"decisionPoints": ["p"], "consent": {"purposes": {"a": true, "a": false}}}"#;
        assert!(refused(body).contains("`a` is given twice"));
    }

    #[test]
    fn unknown_fields_are_reported_and_skipped() {
        let mut unknown = Vec::new();
        let body = r#"{"decisionPoints": ["p"], "signal": {"a": 1}, "identity": {"user_id": "u"}}"#;
        let request = Request::parse(body.as_bytes(), |path| unknown.push(path)).unwrap();
        assert_eq!(
            unknown.iter().map(|path| path.replace(".?", "")).collect::<Vec<_>>(),
            ["signal", "identity.user_id"]
        );
        assert_eq!(request.decision_points.0.first().unwrap().as_str(), "p");
    }

    #[test]
    fn every_bound_holds() {
        let points: Vec<String> = (0..=DECISION_POINTS_MAX).map(|index| format!("\"p{index}\"")).collect();
        assert!(refused(&format!("{{\"decisionPoints\": [{}]}}", points.join(","))).contains("more than 64"));
        let long = "x".repeat(text::TEXT_BYTES_MAX + 1);
        assert!(refused(&format!("{{\"decisionPoints\": [\"{long}\"]}}")).contains("longer than"));
    }
}
