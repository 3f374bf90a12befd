//! Errors of the two things callers hand over whole: a bundle and a request. Condition errors live with the conditions.

use std::fmt;

/// Why a bundle was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleError {
    place: String,
    detail: String,
}

impl BundleError {
    /// An error at a place in the document, as `scenarios[0].context`.
    pub fn new(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bundle refused at {}: {}", self.place, self.detail)
    }
}

impl std::error::Error for BundleError {}

/// Why a request was refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    /// HTTP status: 400, 403 or 413.
    pub status: u16,
    /// The field at fault, as `identity.userId`; empty when it is the body as a whole.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

impl RequestError {
    /// A malformed or wrongly typed field.
    pub fn bad(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status: 400, field: field.into(), detail: detail.into() }
    }

    /// A field that needs the debug scope.
    pub fn forbidden(field: &str) -> Self {
        Self { status: 403, field: field.into(), detail: "needs a token with the debug scope".into() }
    }

    /// A list that is longer than its bound.
    pub fn too_many(field: &str, bound: usize) -> Self {
        Self { status: 413, field: field.into(), detail: format!("holds more than {bound} items") }
    }

    /// The problem document (RFC 9457).
    pub fn problem(&self) -> Vec<u8> {
        let title = match self.status {
            403 => "Forbidden",
            413 => "Content Too Large",
            _ => "Bad Request",
        };
        let mut problem = serde_json::json!({
            "type": "about:blank", "title": title, "status": self.status, "detail": self.detail,
        });
        if let (false, Some(members)) = (self.field.is_empty(), problem.as_object_mut()) {
            members.insert("field".into(), self.field.clone().into());
        }
        problem.to_string().into_bytes()
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.detail) } else { write!(f, "`{}` {}", self.field, self.detail) }
    }
}

impl std::error::Error for RequestError {}
