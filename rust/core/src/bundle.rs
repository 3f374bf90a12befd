//! The bundle document as it is written: canonical JSON, decoded into plain structs. Owns the format and its version;
//! compiles nothing and checks no reference (the engine does both).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::error::BundleError;
use crate::state::Literal;

/// The format this engine reads; another one is refused.
pub const FORMAT: &str = "edgewise/bundle/1";

/// Largest bundle document that is decoded.
pub const BUNDLE_BYTES_MAX: usize = 256 << 20;

/// A decoded bundle document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Must equal [`FORMAT`].
    pub format: String,
    /// Time zone of requests that name none.
    pub timezone: String,
    /// Business constants, read as `policy.<name>`.
    #[serde(default)]
    pub policy: BTreeMap<String, Json>,
    /// Declared signals by dotted name.
    #[serde(default)]
    pub signals: BTreeMap<String, SignalDocument>,
    /// Segment conditions by name.
    #[serde(default)]
    pub segments: BTreeMap<String, String>,
    /// Purposes by name.
    #[serde(default)]
    pub purposes: BTreeMap<String, PurposeDocument>,
    /// How long the records of each scope live.
    #[serde(default)]
    pub state: BTreeMap<String, StateDocument>,
    /// Registered decision points by id.
    #[serde(default)]
    pub decision_points: BTreeMap<String, PointDocument>,
    /// The share of units that no scenario may touch.
    #[serde(default)]
    pub global_holdout: Option<HoldoutDocument>,
    /// Intent models by name.
    #[serde(default)]
    pub models: BTreeMap<String, ModelDocument>,
    /// The live scenarios.
    #[serde(default)]
    pub scenarios: Vec<ScenarioDocument>,
    /// Requests and the decisions they must get.
    #[serde(default)]
    pub golden: Vec<GoldenDocument>,
}

/// One declared signal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalDocument {
    /// Name of the type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who sets it.
    pub source: Source,
    /// Allowed values of an enum.
    #[serde(default)]
    pub values: Vec<String>,
    /// Least allowed value.
    #[serde(default)]
    pub min: Option<serde_json::Number>,
    /// Greatest allowed value.
    #[serde(default)]
    pub max: Option<serde_json::Number>,
    /// Age from which a value is stale.
    #[serde(default)]
    pub max_age_ms: Option<i64>,
    /// What it is used for; each has to be granted.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// What a visitor is told this signal is.
    #[serde(default)]
    pub label: Option<String>,
    /// How a session or journey signal is computed from events.
    #[serde(default)]
    pub aggregate: Option<AggregateDocument>,
    /// Which output of which model sets it.
    #[serde(default)]
    pub model: Option<OutputDocument>,
}

/// Who sets a signal.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The caller, per request.
    Request,
    /// The caller's edge.
    Edge,
    /// The caller's profile store.
    Profile,
    /// Session state.
    Session,
    /// Journey state.
    Journey,
    /// The clock of the request.
    Clock,
    /// An intent model.
    Model,
}

impl Source {
    /// The word used in books and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Edge => "edge",
            Self::Profile => "profile",
            Self::Session => "session",
            Self::Journey => "journey",
            Self::Clock => "clock",
            Self::Model => "model",
        }
    }

    /// Whether callers may set signals of this source.
    pub const fn is_callers(self) -> bool {
        matches!(self, Self::Request | Self::Edge | Self::Profile)
    }
}

/// A declared aggregate over events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateDocument {
    /// Name of the kind: `count`, `sum`, ...
    pub kind: String,
    /// The event it counts.
    pub event: String,
    /// The property it reads.
    #[serde(default)]
    pub property: Option<String>,
    /// Half life of a decayed sum.
    #[serde(default)]
    pub half_life_ms: Option<i64>,
    /// Length of a ring, and what else looks back some events.
    #[serde(default)]
    pub size: Option<u16>,
    /// The only value of the property that counts.
    #[serde(default)]
    pub equals: Option<Literal>,
    /// The most that one gap adds to a dwell.
    #[serde(default)]
    pub cap_ms: Option<i64>,
}

/// One output of a model.
#[derive(Clone, Debug, Deserialize)]
pub struct OutputDocument {
    /// Name of the model.
    pub name: String,
    /// Name of the output.
    pub output: String,
}

/// One intent model; its weights lie beside the bundle, named by digest.
#[derive(Debug, Deserialize, Serialize)]
pub struct ModelDocument {
    /// Names the weights.
    pub digest: String,
    /// Its feature spec.
    pub spec: String,
    /// Its outputs, in their order.
    pub outputs: Vec<String>,
    /// The purposes of what it reads.
    #[serde(default)]
    pub purposes: Vec<String>,
}

/// One purpose.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurposeDocument {
    /// Legal basis; `consent` is refused unless granted.
    pub basis: String,
    /// Whether Global Privacy Control refuses it.
    #[serde(default)]
    pub gpc_blocks: bool,
}

/// How long records of a scope live after their last event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateDocument {
    /// Sliding time to live.
    pub ttl_ms: i64,
}

/// One registered decision point.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PointDocument {
    /// Served when no scenario applies.
    pub fallback: Json,
}

/// A holdout.
#[derive(Debug, Deserialize)]
pub struct HoldoutDocument {
    /// Share of units held out, in percent.
    pub percent: f64,
    /// Which id is bucketed.
    pub unit: Unit,
    /// Seed of the bucket.
    pub salt: String,
}

/// Which id an experiment or holdout is drawn on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// `userId`
    User,
    /// `anonymousId`
    Visitor,
    /// `sessionId`
    Session,
    /// `accountId`
    Account,
}

/// One live scenario.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioDocument {
    /// Its id.
    pub id: String,
    /// Digest of everything that decides what it serves.
    pub digest: String,
    /// Higher wins.
    pub priority: i64,
    /// The situation, as a condition.
    pub context: String,
    /// Ordered branches, the last without a condition.
    pub pathways: Vec<PathwayDocument>,
    /// Where it serves.
    pub decision_points: Vec<ScenarioPointDocument>,
    /// Its running experiment.
    #[serde(default)]
    pub experiment: Option<ExperimentDocument>,
    /// What visitors are told.
    #[serde(default)]
    pub explanation: Option<String>,
}

/// One pathway.
#[derive(Debug, Deserialize)]
pub struct PathwayDocument {
    /// Its id.
    pub id: String,
    /// Its condition; none for `otherwise`.
    #[serde(default)]
    pub when: Option<String>,
}

/// What a scenario serves at one decision point.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioPointDocument {
    /// Id of the registered decision point.
    pub id: String,
    /// The foundational experience.
    pub default: Json,
    /// Deltas by pathway.
    #[serde(default)]
    pub by_pathway: BTreeMap<String, DeltaDocument>,
    /// Deltas by segment, first match wins.
    #[serde(default)]
    pub overlays: Vec<OverlayDocument>,
}

/// A change of what is served: a merge patch, or nothing at all.
#[derive(Debug, Default, Deserialize)]
pub struct DeltaDocument {
    /// Merge patch (RFC 7396).
    #[serde(default)]
    pub set: Option<Json>,
    /// Makes the moment disappear.
    #[serde(default)]
    pub omit: bool,
}

/// A segment's delta.
#[derive(Debug, Deserialize)]
pub struct OverlayDocument {
    /// The segment it is for.
    pub segment: String,
    /// The pathways it applies to; all when absent.
    #[serde(default)]
    pub pathways: Option<Vec<String>>,
    /// What it changes.
    #[serde(flatten)]
    pub delta: DeltaDocument,
    /// What visitors are told.
    #[serde(default)]
    pub explain: Option<String>,
    /// How often it may be served.
    #[serde(default)]
    pub cap: Option<CapDocument>,
}

/// A frequency cap.
#[derive(Debug, Deserialize)]
pub struct CapDocument {
    /// Times it may be served.
    pub max: u32,
    /// Scope whose record counts.
    pub per: String,
}

/// A running experiment.
#[derive(Debug, Deserialize)]
pub struct ExperimentDocument {
    /// Its id.
    pub id: String,
    /// Shares in percent.
    pub arms: ArmsDocument,
    /// Which id is drawn.
    pub unit: Unit,
    /// Seed of the bucket.
    pub salt: String,
}

/// Shares of the arms in percent.
#[derive(Debug, Deserialize)]
pub struct ArmsDocument {
    /// Share that sees the page as it is without us.
    pub as_is: f64,
    /// Share that gets the scenario without overlays.
    pub default: f64,
    /// Share that gets the scenario with overlays.
    pub personalized: f64,
}

/// A request and the decisions it must get.
#[derive(Debug, Deserialize)]
pub struct GoldenDocument {
    /// Which test it was made from.
    pub name: String,
    /// A request to rehearse.
    pub request: Json,
    /// What the models gave that were asked, by name.
    #[serde(default)]
    pub outputs: BTreeMap<String, Vec<f32>>,
    /// The `decisions` of its answer.
    pub decisions: Json,
}

impl Document {
    /// Decodes a bundle and refuses a format that this engine does not read.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::new("$", format!("larger than {BUNDLE_BYTES_MAX} bytes")));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let document: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| BundleError::new(error.path().to_string(), error.inner().to_string()))?;
        json.end().map_err(|error| BundleError::new("$", error.to_string()))?;
        if document.format == FORMAT {
            Ok(document)
        } else {
            Err(BundleError::new("format", format!("`{}` is not `{FORMAT}`", document.format)))
        }
    }
}

/// The digest that names a bundle: `sha256:` and the hash of its bytes.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::from("sha256:"), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
