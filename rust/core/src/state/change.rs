//! What one event does to one aggregate: taken from the event once, then applied to any copy of the record.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::VecDeque;

use super::aggregate::{Aggregate, AggregateSpec};
use super::decay::{Decay, moved};
use super::dwell::Dwell;
use super::event::Event;
use super::field::Field;
use super::kind::AggregateKind;
use super::literal::Literal;
use super::scalar::{Scalar, float, identity, int};
use super::sequence::{Repeats, Sequence};
use super::sum::FloatSum;
use super::{DISTINCT_MAX, RING_TEXT_BYTES_MAX};
use crate::input::Input;
use crate::value::Type;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Count,
    SumInt(i64),
    SumFloat(f64),
    Last(Scalar),
    First(Scalar),
    Max(Scalar),
    Min(Scalar),
    Since,
    Distinct(u64),
    Decay { half_life_ms: i64, weight: f64 },
    Ring { size: u16, text: Box<str> },
    Run(u64),
    Switches(u64),
    Repeats { size: u16, value: u64 },
    Dwell { cap_ms: i64, credits: bool },
    Ewma { size: u16, value: f64 },
}

impl Change {
    /// What `event` does to `aggregate`: nothing if the property is absent or of another type.
    pub(super) fn of(aggregate: &Aggregate, event: &Event<'_>) -> Option<Self> {
        let spec = aggregate.spec();
        match spec.kind {
            AggregateKind::Count => is_meant(spec, event).then_some(Self::Count),
            AggregateKind::Since => Some(Self::Since),
            AggregateKind::Sum if spec.value_type == Type::Int => int(property(spec, event)?).map(Self::SumInt),
            AggregateKind::Sum => float(property(spec, event)?).map(Self::SumFloat),
            AggregateKind::Last => value_or_time(spec, event).map(Self::Last),
            AggregateKind::First => value_or_time(spec, event).map(Self::First),
            AggregateKind::Max => value_or_time(spec, event).map(Self::Max),
            AggregateKind::Min => value_or_time(spec, event).map(Self::Min),
            AggregateKind::Distinct => value_or_name(spec, event, identity).map(Self::Distinct),
            AggregateKind::Decay => decay(spec, event),
            AggregateKind::Ring => Some(Self::Ring { size: spec.size?, text: value_or_name(spec, event, ring_text)? }),
            AggregateKind::Run => value_or_name(spec, event, identity).map(Self::Run),
            AggregateKind::Switches => value_or_name(spec, event, identity).map(Self::Switches),
            AggregateKind::Repeats => {
                Some(Self::Repeats { size: spec.size?, value: value_or_name(spec, event, identity)? })
            }
            AggregateKind::Dwell => Some(Self::Dwell { cap_ms: spec.cap_ms?, credits: is_meant(spec, event) }),
            AggregateKind::Ewma => Some(Self::Ewma { size: spec.size?, value: float(property(spec, event)?)? }),
        }
    }

    /// Carries the change out; a field of another kind under the same digest starts anew.
    pub(super) fn apply(&self, time_ms: i64, field: &mut Field) {
        match (self, field) {
            (Self::Count, Field::Count(count)) => *count = count.saturating_add(1),
            (Self::SumInt(term), Field::SumInt(sum)) => *sum = sum.saturating_add(i128::from(*term)),
            (Self::SumFloat(term), Field::SumFloat(sum)) => sum.add(*term),
            (Self::Last(value), Field::Last(kept_ms, kept)) if time_ms >= *kept_ms => {
                *kept_ms = time_ms;
                kept.clone_from(value);
            }
            (Self::First(value), Field::First(kept_ms, kept)) if time_ms < *kept_ms => {
                *kept_ms = time_ms;
                kept.clone_from(value);
            }
            (Self::Last(_), Field::Last(..)) | (Self::First(_), Field::First(..)) => {}
            (Self::Max(value), Field::Max(kept)) => replace(kept, value, Ordering::is_gt),
            (Self::Min(value), Field::Min(kept)) => replace(kept, value, Ordering::is_lt),
            (Self::Since, Field::Since(kept_ms)) => *kept_ms = time_ms.max(*kept_ms),
            (Self::Distinct(hash), Field::Distinct(seen)) => insert(seen, *hash),
            (Self::Decay { half_life_ms, weight }, Field::Decay(decay)) => decay.add(time_ms, *weight, *half_life_ms),
            (Self::Ring { size, text }, Field::Ring(texts)) => push(texts, text, usize::from(*size)),
            (Self::Run(value), Field::Run(sequence)) => sequence.extend_run(*value),
            (Self::Switches(value), Field::Switches(sequence)) => sequence.add_switch(*value),
            (Self::Repeats { size, value }, Field::Repeats(repeats)) => repeats.add(*value, usize::from(*size)),
            (Self::Dwell { cap_ms, credits }, Field::Dwell(dwell)) => dwell.add(time_ms, *credits, *cap_ms),
            (Self::Ewma { size, value }, Field::Ewma(mean)) => *mean = moved(*mean, *value, *size),
            (_, field) => {
                if let Some(start) = self.start(time_ms) {
                    *field = start;
                }
            }
        }
    }

    /// The field of a record in which this is the first event; none if it only ends what never began.
    pub(super) fn start(&self, time_ms: i64) -> Option<Field> {
        Some(match self {
            Self::Count => Field::Count(1),
            Self::SumInt(term) => Field::SumInt(i128::from(*term)),
            Self::SumFloat(term) => {
                let mut sum = FloatSum::default();
                sum.add(*term);
                Field::SumFloat(sum)
            }
            Self::Last(value) => Field::Last(time_ms, value.clone()),
            Self::First(value) => Field::First(time_ms, value.clone()),
            Self::Max(value) => Field::Max(value.clone()),
            Self::Min(value) => Field::Min(value.clone()),
            Self::Since => Field::Since(time_ms),
            Self::Distinct(hash) => Field::Distinct(vec![*hash]),
            Self::Decay { weight, .. } => Field::Decay(Decay::new(time_ms, *weight)),
            Self::Ring { text, .. } => Field::Ring(VecDeque::from([text.clone()])),
            Self::Run(value) => Field::Run(Sequence::run(*value)),
            Self::Switches(value) => Field::Switches(Sequence::switches(*value)),
            Self::Repeats { value, .. } => Field::Repeats(Repeats::new(*value)),
            Self::Dwell { credits: true, .. } => Field::Dwell(Dwell::new(time_ms)),
            Self::Dwell { credits: false, .. } => return None,
            Self::Ewma { value, .. } => Field::Ewma(*value),
        })
    }
}

/// Whether the event has the name and, where that is declared, the value.
fn is_meant(spec: &AggregateSpec, event: &Event<'_>) -> bool {
    let has_value = |literal: &Literal| property(spec, event).is_some_and(|input| literal.equals(input));
    (spec.is_of_any_event() || event.name == spec.event) && spec.equals.as_ref().is_none_or(has_value)
}

fn property<'e, 'a>(spec: &AggregateSpec, event: &'e Event<'a>) -> Option<&'e Input<'a>> {
    event.property(spec.property.as_deref()?)
}

/// The value of the property; of any event, the name stands for a property that is not declared.
fn value_or_name<T>(spec: &AggregateSpec, event: &Event<'_>, take: impl Fn(&Input<'_>) -> Option<T>) -> Option<T> {
    match &spec.property {
        Some(_) => take(property(spec, event)?),
        None => take(&Input::String(Cow::Borrowed(&event.name))),
    }
}

fn value_or_time(spec: &AggregateSpec, event: &Event<'_>) -> Option<Scalar> {
    match &spec.property {
        Some(_) => Scalar::from_input(property(spec, event)?, spec.value_type),
        None => Some(Scalar::event_time(event.time_ms)),
    }
}

fn decay(spec: &AggregateSpec, event: &Event<'_>) -> Option<Change> {
    let weight = if spec.property.is_some() { float(property(spec, event)?)? } else { 1.0 };
    Some(Change::Decay { half_life_ms: spec.half_life_ms?, weight })
}

fn ring_text(input: &Input<'_>) -> Option<Box<str>> {
    match input {
        Input::String(text) if text.len() <= RING_TEXT_BYTES_MAX => Some(text.as_ref().into()),
        _ => None,
    }
}

fn replace(kept: &mut Scalar, value: &Scalar, better: impl Fn(Ordering) -> bool) {
    if value.order(kept).is_none_or(better) {
        kept.clone_from(value);
    }
}

fn insert(seen: &mut Vec<u64>, hash: u64) {
    if let Err(place) = seen.binary_search(&hash)
        && seen.len() < DISTINCT_MAX
    {
        seen.insert(place, hash);
    }
}

fn push(texts: &mut VecDeque<Box<str>>, text: &str, size: usize) {
    while texts.len() >= size.max(1) {
        texts.pop_front();
    }
    texts.push_back(text.into());
}
