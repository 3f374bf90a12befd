//! The kept state of one aggregate: what a record holds under its digest. Owns its bytes and what is read from it.

use std::collections::VecDeque;

use jiff::SignedDuration;

use super::aggregate::Aggregate;
use super::codec::{Reader, RecordError, put_count, put_fixed, put_float, put_signed, put_text, put_time, put_varint};
use super::decay::Decay;
use super::dwell::Dwell;
use super::fact::{Fact, Texts};
use super::hash::SHORT_HASH_BYTES;
use super::kind::AggregateKind;
use super::scalar::Scalar;
use super::sequence::{Repeats, Sequence};
use super::sum::FloatSum;
use super::{DISTINCT_MAX, RING_SIZE_MAX, RING_TEXT_BYTES_MAX};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Count(u64),
    SumInt(i128),
    SumFloat(FloatSum),
    Last(i64, Scalar),
    First(i64, Scalar),
    Max(Scalar),
    Min(Scalar),
    Since(i64),
    /// Sorted, so that what was seen first makes no difference.
    Distinct(Vec<u64>),
    Decay(Decay),
    Ring(VecDeque<Box<str>>),
    Run(Sequence),
    Switches(Sequence),
    Repeats(Repeats),
    Dwell(Dwell),
    Ewma(f64),
}

/// What an aggregate says at `now_ms`, given its field if the record has one.
pub(super) fn fact<'f>(field: Option<&'f Field>, aggregate: &Aggregate, now_ms: i64) -> Fact<'f> {
    let spec = aggregate.spec();
    match (spec.kind, field) {
        (AggregateKind::Count, Some(Field::Count(count))) => natural(*count),
        (AggregateKind::Sum, Some(Field::SumInt(sum))) => Fact::Int(saturated(*sum)),
        (AggregateKind::Sum, Some(Field::SumFloat(sum))) => Fact::Float(sum.total()),
        (AggregateKind::Distinct, Some(Field::Distinct(seen))) => natural(seen.len() as u64),
        (AggregateKind::Last, Some(Field::Last(_, value)))
        | (AggregateKind::First, Some(Field::First(_, value)))
        | (AggregateKind::Max, Some(Field::Max(value)))
        | (AggregateKind::Min, Some(Field::Min(value))) => value.fact(spec.value_type).unwrap_or_default(),
        (AggregateKind::Since, Some(Field::Since(time_ms))) => Fact::Length(age(*time_ms, now_ms)),
        (AggregateKind::Decay, Some(Field::Decay(decay))) => {
            Fact::Float(decay.read(now_ms, spec.half_life_ms.unwrap_or(1)))
        }
        (AggregateKind::Ring, Some(Field::Ring(texts))) => Fact::Texts(Texts::Ring(texts)),
        (AggregateKind::Run, Some(Field::Run(sequence)))
        | (AggregateKind::Switches, Some(Field::Switches(sequence))) => natural(sequence.count()),
        (AggregateKind::Repeats, Some(Field::Repeats(repeats))) => natural(repeats.count()),
        (AggregateKind::Dwell, Some(Field::Dwell(dwell))) => {
            Fact::Length(SignedDuration::from_millis(dwell.total_ms()))
        }
        (AggregateKind::Ewma, Some(Field::Ewma(mean))) => Fact::Float(*mean),
        _ => aggregate.untouched(),
    }
}

fn natural(count: u64) -> Fact<'static> {
    Fact::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn saturated(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

fn age(time_ms: i64, now_ms: i64) -> SignedDuration {
    SignedDuration::from_millis(now_ms.saturating_sub(time_ms).max(0))
}

impl Field {
    /// Appends tag and value; times are written against `base_ms`.
    pub(super) fn encode(&self, base_ms: i64, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Count(count) => put_varint(out, u128::from(*count)),
            Self::SumInt(sum) => put_signed(out, *sum),
            Self::SumFloat(sum) => sum.encode(out),
            Self::Last(time_ms, value) | Self::First(time_ms, value) => {
                put_time(out, *time_ms, base_ms);
                value.encode(out);
            }
            Self::Max(value) | Self::Min(value) => value.encode(out),
            Self::Since(time_ms) => put_time(out, *time_ms, base_ms),
            Self::Distinct(seen) => {
                put_count(out, seen.len());
                for hash in seen {
                    put_fixed(out, *hash, SHORT_HASH_BYTES);
                }
            }
            Self::Decay(decay) => decay.encode(base_ms, out),
            Self::Ring(texts) => {
                put_count(out, texts.len());
                for text in texts {
                    put_text(out, text);
                }
            }
            Self::Run(sequence) | Self::Switches(sequence) => sequence.encode(out),
            Self::Repeats(repeats) => repeats.encode(out),
            Self::Dwell(dwell) => dwell.encode(base_ms, out),
            Self::Ewma(mean) => put_float(out, *mean),
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Count(_) => 1,
            Self::SumInt(_) => 2,
            Self::SumFloat(_) => 3,
            Self::Last(..) => 4,
            Self::First(..) => 5,
            Self::Max(_) => 6,
            Self::Min(_) => 7,
            Self::Since(_) => 8,
            Self::Distinct(_) => 9,
            Self::Decay(_) => 10,
            Self::Ring(_) => 11,
            Self::Run(_) => 12,
            Self::Switches(_) => 13,
            Self::Repeats(_) => 14,
            Self::Dwell(_) => 15,
            Self::Ewma(_) => 16,
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>, base_ms: i64) -> Result<Self, RecordError> {
        match reader.byte()? {
            1 => reader.varint_u64().map(Self::Count),
            2 => reader.signed().map(Self::SumInt),
            3 => FloatSum::decode(reader).map(Self::SumFloat),
            4 => Ok(Self::Last(reader.time(base_ms)?, Scalar::decode(reader)?)),
            5 => Ok(Self::First(reader.time(base_ms)?, Scalar::decode(reader)?)),
            6 => Scalar::decode(reader).map(Self::Max),
            7 => Scalar::decode(reader).map(Self::Min),
            8 => reader.time(base_ms).map(Self::Since),
            9 => decode_distinct(reader).map(Self::Distinct),
            10 => Decay::decode(reader, base_ms).map(Self::Decay),
            11 => decode_ring(reader).map(Self::Ring),
            12 => Sequence::decode(reader).map(Self::Run),
            13 => Sequence::decode(reader).map(Self::Switches),
            14 => Repeats::decode(reader).map(Self::Repeats),
            15 => Dwell::decode(reader, base_ms).map(Self::Dwell),
            16 => reader.float().map(Self::Ewma),
            _ => Err(RecordError::Malformed("a field has an unknown kind")),
        }
    }
}

fn decode_distinct(reader: &mut Reader<'_>) -> Result<Vec<u64>, RecordError> {
    let count = reader.count(DISTINCT_MAX)?;
    let seen: Vec<u64> = (0..count).map(|_| reader.fixed(SHORT_HASH_BYTES)).collect::<Result<_, _>>()?;
    if seen.is_sorted_by(|left, right| left < right) {
        Ok(seen)
    } else {
        Err(RecordError::Malformed("distinct values are not sorted"))
    }
}

fn decode_ring(reader: &mut Reader<'_>) -> Result<VecDeque<Box<str>>, RecordError> {
    let count = reader.count(usize::from(RING_SIZE_MAX))?;
    (0..count).map(|_| reader.text(RING_TEXT_BYTES_MAX)).collect()
}
