//! The body of an answer. Owns its JSON shape; everything in it was decided before.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::decide::{Action, Call, Decided, Decision, Reason, hex_id};
use crate::request::{Arm, Explain};
use crate::warning::{Warning, WarningCode};

/// Room for an answer of a few decisions, so that writing one seldom grows the buffer.
const ANSWER_BYTES: usize = 2_048;

/// What became of the events and caps of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Written, or nothing was to be written.
    Done,
    /// A dry run writes nothing.
    DryRun,
    /// State did not take them in time.
    Failed,
}

impl Decided<'_, '_> {
    /// Renders the answer.
    pub fn render(&self, call: &Call<'_>, committed: Committed) -> Vec<u8> {
        let mut json = Writer::with_capacity(ANSWER_BYTES);
        let accepted = if committed == Committed::Done { self.events_accepted() } else { 0 };
        json.raw("{\"requestId\":").text(&self.prepared.request_id);
        json.raw(",\"bundle\":").text(self.engine.digest());
        json.raw(",\"generation\":").value(&call.generation);
        json.raw(",\"node\":").text(call.node);
        json.raw(",\"cacheKey\":").text(&self.cache_key());
        json.raw(",\"eventsAccepted\":").value(&accepted);
        json.raw(",\"decisions\":{");
        for (position, (point, id, decision)) in self.decisions.iter().enumerate() {
            json.separator(position).text(point).raw(":");
            self.render_decision(&mut json, point, id, decision);
        }
        json.raw("},\"warnings\":[");
        let (more, failure) = (more(self.prepared.warnings.left_out()), failure(committed));
        let warnings = self.warnings().iter().chain(&more).chain(&failure);
        for (position, warning) in warnings.enumerate() {
            json.separator(position).raw("{\"code\":").text(warning.code.name());
            json.raw(",\"field\":").text(&warning.field).raw(",\"detail\":").text(&warning.detail).raw("}");
        }
        json.raw("]}");
        json.into_bytes()
    }

    fn render_decision(&self, json: &mut Writer, point: &str, id: &str, decision: &Decision<'_>) {
        json.raw("{\"decisionId\":").text(id).raw(",\"action\":").text(decision.action.name()).raw(",\"value\":");
        json.bytes(decision.value.unwrap_or(b"null"));
        json.raw(",\"reason\":").text(decision.reason.name());
        json.raw(",\"scenario\":").optional(decision.scenario.map(|scenario| scenario.id.as_str()));
        json.raw(",\"pathway\":").optional(decision.pathway);
        json.raw(",\"segment\":").optional(decision.segment);
        json.raw(",\"arm\":").optional(decision.arm.map(Arm::name));
        json.raw(",\"inExperiment\":").value(&decision.in_experiment);
        json.raw(",\"explanation\":");
        self.render_explanation(json, point, id, decision);
        if !decision.limited_by.is_empty() {
            let purposes: Vec<&str> = self.engine.purposes.names(decision.limited_by).collect();
            json.raw(",\"limitedBy\":").value(&purposes);
        }
        if decision.reason == Reason::Error {
            render_error(json, point);
        }
        json.raw("}");
    }

    fn render_explanation(&self, json: &mut Writer, point: &str, id: &str, decision: &Decision<'_>) {
        let Some(explanation) = &decision.explanation else {
            json.raw("null");
            return;
        };
        json.raw("{\"text\":").optional(explanation.text).raw(",\"signals\":").value(&explanation.labels);
        if let (Some(trace), Explain::Full) = (&explanation.trace, self.explain()) {
            json.raw(",\"trace\":").value(trace).raw(",\"record\":").value(&self.record_of(point, id, decision));
        }
        json.raw("}");
    }

    /// Names what was served and nothing of whom: pages of visitors with the same key may share a cache entry.
    fn cache_key(&self) -> String {
        let mut key = CacheKey::new(self.engine.digest());
        for (point, _, decision) in &self.decisions {
            key.add(point, decision.action, decision.value.unwrap_or_default());
        }
        key.finish()
    }
}

/// The key of what was served, of a bundle's digest and each decision's point, action and value.
pub(crate) struct CacheKey(Sha256);

impl CacheKey {
    pub(crate) fn new(digest: &str) -> Self {
        Self(Sha256::new_with_prefix(digest.as_bytes()))
    }

    pub(crate) fn add(&mut self, point: &str, action: Action, value: &[u8]) {
        for part in [point.as_bytes(), action.name().as_bytes(), value] {
            self.0.update(part.len().to_le_bytes());
            self.0.update(part);
        }
    }

    pub(crate) fn finish(self) -> String {
        hex_id(self.0)
    }
}

/// What follows the id in a decision that no scenario has a part in, but for the brace that closes it.
pub(crate) fn render_bare(json: &mut Writer, action: Action, value: &[u8], reason: Reason) {
    json.raw(",\"action\":").text(action.name()).raw(",\"value\":").bytes(value);
    json.raw(",\"reason\":").text(reason.name());
    json.raw(
        ",\"scenario\":null,\"pathway\":null,\"segment\":null,\"arm\":null,\"inExperiment\":false,\"explanation\":null",
    );
}

/// The `error` of a decision for a point that the bundle does not have.
pub(crate) fn render_error(json: &mut Writer, point: &str) {
    let detail = format!("`{point}` is not a decision point of this bundle");
    json.raw(",\"error\":{\"code\":\"unknown_decision_point\",\"detail\":").text(&detail).raw("}");
}

fn more(left_out: usize) -> Option<Warning> {
    let detail = || format!("{left_out} more warnings are not listed");
    (left_out > 0).then(|| Warning::new(WarningCode::Truncated, "warnings", detail()))
}

fn failure(committed: Committed) -> Option<Warning> {
    let detail = "state was not written in time; events and caps of this request are lost";
    (committed == Committed::Failed).then(|| Warning::new(WarningCode::StateUnavailable, "events", detail))
}

/// Appends JSON to a buffer.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.bytes(json.as_bytes())
    }

    pub(crate) fn bytes(&mut self, json: &[u8]) -> &mut Self {
        self.0.extend_from_slice(json);
        self
    }

    pub(crate) fn separator(&mut self, position: usize) -> &mut Self {
        if position == 0 { self } else { self.raw(",") }
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.value(text)
    }

    fn optional(&mut self, text: Option<&str>) -> &mut Self {
        self.value(&text)
    }

    /// What is rendered here has string keys and goes to memory, so writing cannot fail.
    pub(crate) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        let _ = serde_json::to_writer(&mut self.0, value);
        self
    }
}
