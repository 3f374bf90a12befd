//! A feature spec as it is written. Owns the form of the JSON, its canonical text and where an error lies; checks no meaning.

use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;

use super::SPEC_BYTES_MAX;
use crate::request::Pairs;
use crate::state::Literal;

/// Why a spec is refused; the text says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    place: String,
    detail: String,
}

impl SpecError {
    pub(super) fn new(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "feature spec refused at {}: {}", self.place, self.detail)
    }
}

impl std::error::Error for SpecError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document<'a> {
    pub version: u32,
    pub hash: String,
    pub seed: u32,
    pub index: String,
    pub bits: u32,
    pub slots: usize,
    pub missing: String,
    pub overflow: String,
    pub scope: String,
    #[serde(borrow, default)]
    pub state: Pairs<'a, StateDocument>,
    #[serde(borrow, default)]
    pub inputs: Pairs<'a, InputDocument>,
    pub features: Vec<FeatureDocument>,
    #[serde(default)]
    pub crosses: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct StateDocument {
    pub kind: String,
    pub event: String,
    pub property: Option<String>,
    pub half_life_ms: Option<i64>,
    pub size: Option<u16>,
    pub equals: Option<Literal>,
    pub cap_ms: Option<i64>,
    #[serde(rename = "type")]
    pub value_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputDocument {
    pub signal: String,
    #[serde(rename = "type")]
    pub value_type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeatureDocument {
    pub name: String,
    pub of: Of,
    #[serde(rename = "as")]
    pub form: String,
    pub step: Option<i64>,
    pub width: Option<i64>,
    pub scale: Option<i64>,
    pub cap: Option<i64>,
    pub n: Option<i64>,
    pub take: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
pub(super) enum Of {
    One(String),
    Several(Vec<String>),
}

impl Of {
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// Reads a text; what it does not say is not guessed, what it says twice or too much is refused.
pub(super) fn read(text: &str) -> Result<Document<'_>, SpecError> {
    if text.len() > SPEC_BYTES_MAX {
        return Err(SpecError::new("$", format!("it is longer than {SPEC_BYTES_MAX} bytes: shorten it")));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let document = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| SpecError::new(error.path().to_string(), error.inner().to_string()))?;
    json.end().map_err(|error| SpecError::new("$", error.to_string()))?;
    Ok(document)
}

/// The one text of a spec: keys sorted, no blanks. No text in it may hold a control character, for such a one could be
/// escaped in more than one way.
pub(super) fn canonical(text: &str) -> Result<String, SpecError> {
    let json: Json = serde_json::from_str(text).map_err(|error| SpecError::new("$", error.to_string()))?;
    if let Some(text) = with_control(&json) {
        let text = text.escape_debug();
        return Err(SpecError::new("$", format!("the text `{text}` holds a control character: remove it")));
    }
    Ok(json.to_string())
}

fn with_control(json: &Json) -> Option<&str> {
    match json {
        Json::String(text) => text.contains(char::is_control).then_some(text),
        Json::Array(items) => items.iter().find_map(with_control),
        Json::Object(members) => members.iter().find_map(|(name, value)| {
            if name.contains(char::is_control) { Some(name.as_str()) } else { with_control(value) }
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}
