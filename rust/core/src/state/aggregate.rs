//! Declarations of aggregates: what a signal or a model wants to remember of events. Owns their digests and bounds.

use std::fmt;

use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::check::check;
use super::fact::Fact;
use super::hash::SHORT_HASH_BYTES;
use super::kind::AggregateKind;
use super::literal::Literal;
use super::{ANY_EVENT, CAPS_MAX, DISTINCT_MAX, EVENT_IDS_MAX, RING_TEXT_BYTES_MAX, TEXT_BYTES_MAX};
use crate::value::Type;

/// Longest encoding of a 64-bit and of a 128-bit number.
const VARINT_64_BYTES_MAX: usize = 10;
const VARINT_128_BYTES_MAX: usize = 19;
const FLOAT_BYTES: usize = 8;

/// Digest and tag in front of each field.
const FIELD_HEAD_BYTES: usize = 9;

/// Version, expiry, ids, numbers of fields and caps, and all caps a record may count.
const RECORD_HEAD_BYTES_MAX: usize = 1 + 6 + 1 + EVENT_IDS_MAX * SHORT_HASH_BYTES + 2 + 1 + CAPS_MAX * (8 + 5);

/// An aggregate as a bundle writes it, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AggregateSpec {
    /// How events become one value.
    pub kind: AggregateKind,
    /// The event it looks at, or [`ANY_EVENT`](super::ANY_EVENT).
    pub event: String,
    /// The property it looks at.
    pub property: Option<String>,
    /// Half-life of a decay.
    pub half_life_ms: Option<i64>,
    /// How many events a ring or repeats look back; how many halve what a value weighs in an ewma.
    pub size: Option<u16>,
    /// Counts, or credits with dwell, those events alone whose property has this value.
    pub equals: Option<Literal>,
    /// The most that one gap adds to a dwell.
    pub cap_ms: Option<i64>,
    /// The type of its value.
    pub value_type: Type,
}

impl AggregateSpec {
    /// A declaration with nothing but what every kind needs.
    pub fn new(kind: AggregateKind, event: impl Into<String>, value_type: Type) -> Self {
        let (property, half_life_ms, size, equals, cap_ms) = (None, None, None, None, None);
        Self { kind, event: event.into(), property, half_life_ms, size, equals, cap_ms, value_type }
    }

    /// Whether it looks at events of every name.
    pub(super) fn is_of_any_event(&self) -> bool {
        self.event == ANY_EVENT
    }
}

/// Why an [`AggregateSpec`] is refused; the text says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateError {
    message: String,
}

impl AggregateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for AggregateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AggregateError {}

/// A checked aggregate. Equal declarations have equal digests, in every bundle and on every node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    spec: AggregateSpec,
    digest: u64,
}

impl Aggregate {
    /// Checks a declaration.
    pub fn new(spec: AggregateSpec) -> Result<Self, AggregateError> {
        check(&spec)?;
        let digest = digest(&spec);
        Ok(Self { spec, digest })
    }

    /// The declaration.
    pub const fn spec(&self) -> &AggregateSpec {
        &self.spec
    }

    /// The key of its field in a record: the first eight bytes, big-endian, of the SHA-256 of the compact JSON array
    /// `[kind, event, property, half-life in ms, size, type]`, with `null` for what is not declared, and with
    /// `equals` and the cap in ms at its end where one of them is declared.
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// The same aggregate, kept apart for these purposes: what is counted for one must not be read for another.
    #[must_use]
    pub fn for_purposes(mut self, purposes: &[String]) -> Self {
        if !purposes.is_empty() {
            let purposes: std::collections::BTreeSet<&String> = purposes.iter().collect();
            self.digest = first_eight(json!([self.digest, purposes]).to_string().as_bytes());
        }
        self
    }

    /// What a new record says of it: nothing happened so far, which for counts, sums and time spent is a number.
    pub fn untouched(&self) -> Fact<'static> {
        use AggregateKind::{Count, Distinct, Dwell, Repeats, Run, Sum, Switches};
        match self.spec.kind {
            Sum if self.spec.value_type == Type::Float => Fact::Float(0.0),
            Count | Sum | Distinct | Run | Switches | Repeats => Fact::Int(0),
            Dwell => Fact::Length(SignedDuration::ZERO),
            _ => Fact::Missing,
        }
    }

    /// The most bytes its field can take in a record.
    pub fn max_bytes(&self) -> usize {
        FIELD_HEAD_BYTES + self.value_bytes_max()
    }

    fn size(&self) -> usize {
        usize::from(self.spec.size.unwrap_or_default())
    }

    fn value_bytes_max(&self) -> usize {
        match self.spec.kind {
            AggregateKind::Count | AggregateKind::Since => VARINT_64_BYTES_MAX,
            AggregateKind::Sum if self.spec.value_type == Type::Int => VARINT_128_BYTES_MAX,
            AggregateKind::Sum => VARINT_128_BYTES_MAX + 1 + FLOAT_BYTES,
            AggregateKind::Last | AggregateKind::First => VARINT_64_BYTES_MAX + scalar_bytes_max(self.spec.value_type),
            AggregateKind::Max | AggregateKind::Min => scalar_bytes_max(self.spec.value_type),
            AggregateKind::Distinct => 1 + DISTINCT_MAX * SHORT_HASH_BYTES,
            AggregateKind::Decay => VARINT_64_BYTES_MAX + FLOAT_BYTES,
            AggregateKind::Ring => 1 + self.size() * (1 + RING_TEXT_BYTES_MAX),
            AggregateKind::Run | AggregateKind::Switches => SHORT_HASH_BYTES + VARINT_64_BYTES_MAX,
            AggregateKind::Repeats => VARINT_64_BYTES_MAX + 1 + self.size() * SHORT_HASH_BYTES,
            AggregateKind::Dwell => 2 * VARINT_64_BYTES_MAX + 1,
            AggregateKind::Ewma => FLOAT_BYTES,
        }
    }
}

/// The most bytes a record of these aggregates can take, with all its event ids and caps; equal declarations share a
/// field. It must not exceed [`RECORD_BYTES_MAX`](super::RECORD_BYTES_MAX).
pub fn union_bytes<'a>(aggregates: impl IntoIterator<Item = &'a Aggregate>) -> usize {
    let mut seen = std::collections::HashSet::new();
    let fields = aggregates.into_iter().filter(|aggregate| seen.insert(aggregate.digest));
    RECORD_HEAD_BYTES_MAX + fields.map(Aggregate::max_bytes).sum::<usize>()
}

fn scalar_bytes_max(kind: Type) -> usize {
    match kind {
        Type::Bool => 1,
        Type::Int => 1 + VARINT_64_BYTES_MAX,
        Type::Float => 1 + FLOAT_BYTES,
        Type::Timestamp | Type::Duration => 1 + VARINT_128_BYTES_MAX,
        Type::String | Type::Enum | Type::StringSet => 1 + 2 + TEXT_BYTES_MAX,
    }
}

fn digest(spec: &AggregateSpec) -> u64 {
    let mut parts = vec![
        json!(spec.kind.name()),
        json!(spec.event),
        json!(spec.property),
        json!(spec.half_life_ms),
        json!(spec.size),
        json!(spec.value_type.name()),
    ];
    // Declarations of before these two existed keep their digest.
    if spec.equals.is_some() || spec.cap_ms.is_some() {
        parts.extend([spec.equals.as_ref().map_or(Json::Null, Literal::to_json), json!(spec.cap_ms)]);
    }
    let text = Json::Array(parts).to_string();
    first_eight(text.as_bytes())
}

fn first_eight(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |digest, byte| (digest << 8) | u64::from(*byte))
}
