//! Declarations of aggregates: what a signal or a model wants to remember of events. Owns their rules, digests and bounds.

use std::fmt;

use sha2::{Digest, Sha256};

use super::hash::SHORT_HASH_BYTES;
use super::{CAPS_MAX, DISTINCT_MAX, EVENT_IDS_MAX, RING_SIZE_MAX, RING_TEXT_BYTES_MAX, TEXT_BYTES_MAX};
use crate::value::Type;

/// Longest name, in UTF-8 bytes, of an event or a property.
const NAME_BYTES_MAX: usize = 128;

/// Longest half-life: ten years.
const HALF_LIFE_MS_MAX: i64 = 10 * 366 * 86_400_000;

/// Longest encoding of a 64-bit and of a 128-bit number.
const VARINT_64_BYTES_MAX: usize = 10;
const VARINT_128_BYTES_MAX: usize = 19;
const FLOAT_BYTES: usize = 8;

/// Digest and tag in front of each field.
const FIELD_HEAD_BYTES: usize = 9;

/// Version, expiry, ids, numbers of fields and caps, and all caps a record may count.
const RECORD_HEAD_BYTES_MAX: usize = 1 + 6 + 1 + EVENT_IDS_MAX * SHORT_HASH_BYTES + 2 + 1 + CAPS_MAX * (8 + 5);

/// How events become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// How many events.
    Count,
    /// The sum of a property.
    Sum,
    /// The property of the latest event, or its time.
    Last,
    /// The property of the earliest event, or its time.
    First,
    /// The greatest value of a property.
    Max,
    /// The least value of a property.
    Min,
    /// Time passed since the latest event.
    Since,
    /// How many different values of a property.
    Distinct,
    /// A sum that halves with each half-life.
    Decay,
    /// The property of the last events in order of arrival, read as a set.
    Ring,
}

impl AggregateKind {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Count,
        Self::Sum,
        Self::Last,
        Self::First,
        Self::Max,
        Self::Min,
        Self::Since,
        Self::Distinct,
        Self::Decay,
        Self::Ring,
    ];

    /// The word of the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Last => "last",
            Self::First => "first",
            Self::Max => "max",
            Self::Min => "min",
            Self::Since => "since",
            Self::Distinct => "distinct",
            Self::Decay => "decay",
            Self::Ring => "ring",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The types a signal of this kind may have.
    pub const fn types(self) -> &'static [Type] {
        match self {
            Self::Count | Self::Distinct => &[Type::Int],
            Self::Sum => &[Type::Int, Type::Float],
            Self::Max | Self::Min => &[Type::Int, Type::Float, Type::Timestamp],
            Self::Since => &[Type::Duration],
            Self::Decay => &[Type::Float],
            Self::Ring => &[Type::StringSet],
            Self::Last | Self::First => {
                &[Type::Bool, Type::Int, Type::Float, Type::String, Type::Enum, Type::Timestamp, Type::Duration]
            }
        }
    }

    const fn needs_property(self) -> bool {
        matches!(self, Self::Sum | Self::Max | Self::Min | Self::Distinct | Self::Ring)
    }

    const fn takes_property(self) -> bool {
        !matches!(self, Self::Count | Self::Since)
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An aggregate as a bundle writes it, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AggregateSpec {
    /// How events become one value.
    pub kind: AggregateKind,
    /// The event it looks at.
    pub event: String,
    /// The property it looks at.
    pub property: Option<String>,
    /// Half-life of a decay.
    pub half_life_ms: Option<i64>,
    /// Size of a ring.
    pub size: Option<u16>,
    /// The type of its value.
    pub value_type: Type,
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
        check_names(&spec)?;
        check_type(&spec)?;
        check_half_life(&spec)?;
        check_size(&spec)?;
        let digest = digest(&spec);
        Ok(Self { spec, digest })
    }

    /// The declaration.
    pub const fn spec(&self) -> &AggregateSpec {
        &self.spec
    }

    /// The key of its field in a record: the first eight bytes, big-endian, of the SHA-256 of the compact JSON array
    /// `[kind, event, property, half-life in ms, size, type]`, with `null` for what is not declared.
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// The same aggregate, kept apart for these purposes: what is counted for one must not be read for another.
    #[must_use]
    pub fn for_purposes(mut self, purposes: &[String]) -> Self {
        if !purposes.is_empty() {
            let purposes: std::collections::BTreeSet<&String> = purposes.iter().collect();
            self.digest = first_eight(serde_json::json!([self.digest, purposes]).to_string().as_bytes());
        }
        self
    }

    /// The most bytes its field can take in a record.
    pub fn max_bytes(&self) -> usize {
        FIELD_HEAD_BYTES + self.value_bytes_max()
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
            AggregateKind::Ring => 1 + usize::from(self.spec.size.unwrap_or_default()) * (1 + RING_TEXT_BYTES_MAX),
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

fn check_names(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let kind = spec.kind;
    check_name("event", &spec.event)?;
    match &spec.property {
        Some(property) if kind.takes_property() => check_name("property", property),
        Some(property) => {
            Err(AggregateError::new(format!("{kind} looks at whole events: remove the property `{property}`")))
        }
        None if kind.needs_property() => {
            Err(AggregateError::new(format!("{kind} needs a property: name the one of `{}` to look at", spec.event)))
        }
        None => Ok(()),
    }
}

fn check_name(what: &str, name: &str) -> Result<(), AggregateError> {
    if name.is_empty() {
        return Err(AggregateError::new(format!("the {what} of an aggregate is empty: name one")));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(AggregateError::new(format!(
            "the {what} `{}...` is longer than {NAME_BYTES_MAX} bytes: shorten it",
            name.chars().take(16).collect::<String>()
        )));
    }
    Ok(())
}

fn check_type(spec: &AggregateSpec) -> Result<(), AggregateError> {
    let (kind, given) = (spec.kind, spec.value_type);
    if !kind.types().contains(&given) {
        let allowed = kind.types().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        return Err(AggregateError::new(format!("{kind} cannot be of type `{given}`: use one of {allowed}")));
    }
    if matches!(kind, AggregateKind::Last | AggregateKind::First) && spec.property.is_none() && given != Type::Timestamp
    {
        return Err(AggregateError::new(format!(
            "{kind} without a property is the time of the event: use type timestamp, or name a property"
        )));
    }
    Ok(())
}

fn check_half_life(spec: &AggregateSpec) -> Result<(), AggregateError> {
    match (spec.kind, spec.half_life_ms) {
        (AggregateKind::Decay, Some(half_life_ms)) if (1..=HALF_LIFE_MS_MAX).contains(&half_life_ms) => Ok(()),
        (AggregateKind::Decay, Some(half_life_ms)) => Err(AggregateError::new(format!(
            "the half-life of `{half_life_ms}` ms is out of range: use 1 ms to ten years"
        ))),
        (AggregateKind::Decay, None) => Err(AggregateError::new("decay needs a half-life: add one, as 10m")),
        (kind, Some(_)) => Err(AggregateError::new(format!("{kind} has no half-life: remove it"))),
        (_, None) => Ok(()),
    }
}

fn check_size(spec: &AggregateSpec) -> Result<(), AggregateError> {
    match (spec.kind, spec.size) {
        (AggregateKind::Ring, Some(1..=RING_SIZE_MAX)) => Ok(()),
        (AggregateKind::Ring, Some(size)) => {
            Err(AggregateError::new(format!("the ring size `{size}` is out of range: use 1 to {RING_SIZE_MAX}")))
        }
        (AggregateKind::Ring, None) => {
            Err(AggregateError::new(format!("ring needs a size: add one, from 1 to {RING_SIZE_MAX}")))
        }
        (kind, Some(_)) => Err(AggregateError::new(format!("{kind} has no size: remove it"))),
        (_, None) => Ok(()),
    }
}

fn digest(spec: &AggregateSpec) -> u64 {
    let text = serde_json::json!([
        spec.kind.name(),
        spec.event,
        spec.property,
        spec.half_life_ms,
        spec.size,
        spec.value_type.name()
    ])
    .to_string();
    first_eight(text.as_bytes())
}

fn first_eight(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes).iter().take(8).fold(0, |digest, byte| (digest << 8) | u64::from(*byte))
}
