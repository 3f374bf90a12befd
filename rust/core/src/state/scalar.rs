//! One value out of an event's property, as a record keeps it.

use std::cmp::Ordering;

use jiff::SignedDuration;

use super::TEXT_BYTES_MAX;
use super::codec::{Reader, RecordError, put_float, put_signed, put_text};
use super::fact::Fact;
use super::hash::short_hash;
use crate::input::{Input, exact_int};
use crate::instant::Instant;
use crate::temporal::{parse_duration, parse_timestamp};
use crate::value::Type;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    /// Nanoseconds since the epoch.
    Instant(i128),
    /// Nanoseconds.
    Length(i128),
}

impl Scalar {
    /// The property's value if it is of that type, and short enough to keep.
    pub(super) fn from_input(input: &Input<'_>, kind: Type) -> Option<Self> {
        match (kind, input) {
            (Type::Bool, Input::Bool(value)) => Some(Self::Bool(*value)),
            (Type::Int, _) => int(input).map(Self::Int),
            (Type::Float, _) => float(input).map(Self::Float),
            (Type::String | Type::Enum, Input::String(text)) if text.len() <= TEXT_BYTES_MAX => {
                Some(Self::Text(text.as_ref().into()))
            }
            (Type::Timestamp, Input::String(text)) => {
                parse_timestamp(text).map(|instant| Self::Instant(instant.as_nanosecond()))
            }
            (Type::Duration, Input::String(text)) => parse_duration(text).map(|length| Self::Length(length.as_nanos())),
            (Type::Timestamp, Input::Timestamp(instant)) => Some(Self::Instant(instant.as_nanosecond())),
            (Type::Duration, Input::Duration(length)) => Some(Self::Length(length.as_nanos())),
            _ => None,
        }
    }

    pub(super) fn event_time(time_ms: i64) -> Self {
        Self::Instant(i128::from(time_ms) * 1_000_000)
    }

    /// The value, if it is of that type.
    pub(super) fn fact(&self, kind: Type) -> Option<Fact<'_>> {
        match (kind, self) {
            (Type::Bool, Self::Bool(value)) => Some(Fact::Bool(*value)),
            (Type::Int, Self::Int(value)) => Some(Fact::Int(*value)),
            (Type::Float, Self::Float(value)) => Some(Fact::Float(*value)),
            (Type::String | Type::Enum, Self::Text(text)) => Some(Fact::Text(text)),
            (Type::Timestamp, Self::Instant(nanos)) => Instant::from_nanosecond(*nanos).map(Fact::Instant),
            (Type::Duration, Self::Length(nanos)) => length(*nanos).map(Fact::Length),
            _ => None,
        }
    }

    /// The order of two values of one type.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Some(left.cmp(right)),
            (Self::Float(left), Self::Float(right)) => Some(left.total_cmp(right)),
            (Self::Instant(left), Self::Instant(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::Int(value) => {
                out.push(2);
                put_signed(out, i128::from(*value));
            }
            Self::Float(value) => {
                out.push(3);
                put_float(out, *value);
            }
            Self::Text(text) => {
                out.push(4);
                put_text(out, text);
            }
            Self::Instant(nanos) => {
                out.push(5);
                put_signed(out, *nanos);
            }
            Self::Length(nanos) => {
                out.push(6);
                put_signed(out, *nanos);
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        match reader.byte()? {
            tag @ (0 | 1) => Ok(Self::Bool(tag == 1)),
            2 => reader.signed_i64().map(Self::Int),
            3 => reader.float().map(Self::Float),
            4 => reader.text(TEXT_BYTES_MAX).map(Self::Text),
            5 => reader.signed().map(Self::Instant),
            6 => reader.signed().map(Self::Length),
            _ => Err(RecordError::Malformed("a value has an unknown type")),
        }
    }
}

/// A whole number; `3.0` is one, as JSON makes no difference.
pub(super) fn int(input: &Input<'_>) -> Option<i64> {
    match input {
        Input::Int(value) => Some(*value),
        Input::Float(value) => exact_int(*value),
        _ => None,
    }
}

/// A finite number.
#[allow(clippy::cast_precision_loss, reason = "an int given for a float becomes the nearest float, as JSON's do")]
pub(super) fn float(input: &Input<'_>) -> Option<f64> {
    match input {
        Input::Int(value) => Some(*value as f64),
        Input::Float(value) if value.is_finite() => Some(*value),
        _ => None,
    }
}

/// What makes a value distinct: equal numbers are one value, however they are written.
pub(super) fn identity(input: &Input<'_>) -> Option<u64> {
    match input {
        Input::Bool(value) => Some(short_hash(b'b', &[u8::from(*value)])),
        Input::String(text) => Some(short_hash(b's', text.as_bytes())),
        Input::Int(_) | Input::Float(_) => int(input)
            .map(|value| short_hash(b'i', &value.to_le_bytes()))
            .or_else(|| float(input).map(|value| short_hash(b'f', &value.to_bits().to_le_bytes()))),
        Input::Null | Input::List(_) | Input::Timestamp(_) | Input::Duration(_) | Input::Other => None,
    }
}

fn length(nanos: i128) -> Option<SignedDuration> {
    let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
    let rest = i32::try_from(nanos % 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, rest))
}
