//! What each aggregate means, written down a second time: recomputed from the whole list of events, without a record.

use std::collections::HashSet;

use crate::instant::Instant;
use jiff::SignedDuration;

use super::super::EVENT_IDS_MAX;
use super::*;
use crate::value::Value;

/// The events that count: those whose id is not among the sixteen ids before.
pub fn accepted<'e, 'a>(events: &'e [Event<'a>]) -> Vec<&'e Event<'a>> {
    let mut taken: Vec<&Event<'a>> = Vec::new();
    for event in events {
        if !taken.iter().rev().take(EVENT_IDS_MAX).any(|earlier| earlier.id == event.id) {
            taken.push(event);
        }
    }
    taken
}

/// What an aggregate says of accepted events in order of arrival.
pub fn recompute(aggregate: &Aggregate, events: &[&Event<'_>]) -> Reading<'static> {
    let spec = aggregate.spec();
    if let Some(known) = of_whole_events(spec, events) {
        return Reading::Known(known);
    }
    let values: Vec<_> = events.iter().filter_map(|event| Some((event.time_ms, value(spec, event)?))).collect();
    let known = match spec.kind {
        AggregateKind::Sum => Some(sum(spec.value_type, &values)),
        AggregateKind::Distinct => Some(Value::Int(i64::try_from(distinct(&values).min(64)).unwrap())),
        AggregateKind::Last => best(&values, |(kept_ms, _), (time_ms, _)| time_ms >= kept_ms),
        AggregateKind::First => best(&values, |(kept_ms, _), (time_ms, _)| time_ms < kept_ms),
        AggregateKind::Max => best(&values, |(_, kept), (_, value)| number(value) > number(kept)),
        AggregateKind::Min => best(&values, |(_, kept), (_, value)| number(value) < number(kept)),
        AggregateKind::Decay => (!values.is_empty()).then(|| Value::Float(decay(spec, &values))),
        AggregateKind::Ring => (!values.is_empty()).then(|| ring(spec, &values)),
        AggregateKind::Run => Some(natural(run(&values))),
        AggregateKind::Switches => Some(natural(values.windows(2).filter(|pair| pair[0].1 != pair[1].1).count())),
        AggregateKind::Repeats => Some(natural(repeats(spec, &values))),
        AggregateKind::Ewma => (!values.is_empty()).then(|| Value::Float(ewma(spec, &values))),
        AggregateKind::Count | AggregateKind::Since | AggregateKind::Dwell => None,
    };
    known.map_or(Reading::Missing, Reading::Known)
}

fn of_whole_events(spec: &AggregateSpec, events: &[&Event<'_>]) -> Option<Value<'static>> {
    match spec.kind {
        AggregateKind::Count => Some(natural(events.iter().filter(|event| is_meant(spec, event)).count())),
        AggregateKind::Since => {
            let latest_ms = events.iter().filter(|event| is_meant(spec, event)).map(|event| event.time_ms).max()?;
            Some(Value::Duration(SignedDuration::from_millis((NOW_MS - latest_ms).max(0))))
        }
        AggregateKind::Dwell => Some(Value::Duration(SignedDuration::from_millis(dwell(spec, events)))),
        _ => None,
    }
}

fn is_meant(spec: &AggregateSpec, event: &Event<'_>) -> bool {
    has_name(spec, event)
        && match &spec.equals {
            None => true,
            Some(Literal::Bool(flag)) => event.property("flag") == Some(&Input::Bool(*flag)),
            Some(Literal::Int(amount)) => event.property("amount") == Some(&Input::Int(*amount)),
            Some(Literal::Text(text)) => event.property("category") == Some(&Input::String(text.clone().into())),
        }
}

fn has_name(spec: &AggregateSpec, event: &Event<'_>) -> bool {
    spec.event == ANY_EVENT || event.name == spec.event
}

fn dwell(spec: &AggregateSpec, events: &[&Event<'_>]) -> i64 {
    // Before the first event that is credited there is no field, hence nothing that could be late.
    let first = events.iter().position(|event| is_meant(spec, event));
    let Some(first) = first else { return 0 };
    let mut kept: Vec<&Event<'_>> = vec![events[first]];
    for event in &events[first + 1..] {
        if event.time_ms >= kept.last().unwrap().time_ms {
            kept.push(event);
        }
    }
    let gaps = kept.windows(2).filter(|pair| is_meant(spec, pair[0]));
    gaps.map(|pair| (pair[1].time_ms - pair[0].time_ms).min(spec.cap_ms.unwrap())).sum()
}

fn run(values: &[(i64, Value<'static>)]) -> usize {
    values.iter().rev().take_while(|(_, value)| *value == values[values.len() - 1].1).count()
}

fn repeats(spec: &AggregateSpec, values: &[(i64, Value<'static>)]) -> usize {
    let size = usize::from(spec.size.unwrap());
    let is_repeat = |place: &usize| {
        values[place.saturating_sub(size)..*place].iter().any(|(_, earlier)| *earlier == values[*place].1)
    };
    (0..values.len()).filter(is_repeat).count()
}

fn ewma(spec: &AggregateSpec, values: &[(i64, Value<'static>)]) -> f64 {
    let keeps = (-1.0 / f64::from(spec.size.unwrap())).exp2();
    let (first, rest) = values.split_first().unwrap();
    rest.iter().fold(number(&first.1), |mean, (_, value)| mean * keeps + number(value) * (1.0 - keeps))
}

fn natural(count: usize) -> Value<'static> {
    Value::Int(i64::try_from(count).unwrap())
}

fn value(spec: &AggregateSpec, event: &Event<'_>) -> Option<Value<'static>> {
    if !has_name(spec, event) {
        return None;
    }
    let Some(property) = &spec.property else {
        return Some(match spec.kind {
            AggregateKind::Decay => Value::Float(1.0),
            _ if spec.event == ANY_EVENT => Value::String(event.name.to_string().into()),
            _ => Value::Timestamp(Instant::from_nanosecond(i128::from(event.time_ms) * 1_000_000).unwrap()),
        });
    };
    let input = event.property(property)?;
    #[allow(clippy::cast_precision_loss, reason = "the ints of these tests are small")]
    match (spec.value_type, input) {
        _ if spec.property.as_deref() == Some("anything") => match input {
            Input::Bool(value) => Some(Value::Bool(*value)),
            Input::Int(value) => Some(Value::Float(*value as f64)),
            Input::Float(value) => Some(Value::Float(*value)),
            Input::String(text) => Some(Value::String(text.to_string().into())),
            _ => None,
        },
        (Type::Bool, Input::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Int, Input::Int(value)) => Some(Value::Int(*value)),
        (Type::Float, Input::Int(value)) => Some(Value::Float(*value as f64)),
        (Type::Float, Input::Float(value)) => Some(Value::Float(*value)),
        (Type::String | Type::Enum | Type::StringSet, Input::String(text)) => {
            Some(Value::String(text.to_string().into()))
        }
        (Type::Timestamp, Input::Timestamp(value)) => Some(Value::Timestamp(*value)),
        (Type::Duration, Input::Duration(value)) => Some(Value::Duration(*value)),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "the ints of these tests are small")]
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Timestamp(value) => value.as_millisecond() as f64,
        other => panic!("{other:?} is not ordered"),
    }
}

fn sum(value_type: Type, values: &[(i64, Value<'static>)]) -> Value<'static> {
    let sum: f64 = values.iter().map(|(_, value)| number(value)).sum();
    #[allow(clippy::cast_possible_truncation, reason = "a sum of small ints")]
    if value_type == Type::Int { Value::Int(sum as i64) } else { Value::Float(sum) }
}

fn distinct(values: &[(i64, Value<'static>)]) -> usize {
    values.iter().map(|(_, value)| format!("{value:?}")).collect::<HashSet<_>>().len()
}

fn best(
    values: &[(i64, Value<'static>)],
    replaces: impl Fn((i64, &Value<'static>), (i64, &Value<'static>)) -> bool,
) -> Option<Value<'static>> {
    let mut values = values.iter();
    let first = values.next()?;
    let kept =
        values.fold(first, |kept, value| if replaces((kept.0, &kept.1), (value.0, &value.1)) { value } else { kept });
    Some(kept.1.clone())
}

fn decay(spec: &AggregateSpec, values: &[(i64, Value<'static>)]) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "hours in milliseconds")]
    let weigh = |(time_ms, value): &(i64, Value<'static>)| {
        number(value) * (-((NOW_MS - time_ms) as f64) / spec.half_life_ms.unwrap() as f64).exp2()
    };
    values.iter().map(weigh).sum()
}

fn ring(spec: &AggregateSpec, values: &[(i64, Value<'static>)]) -> Value<'static> {
    let last = values.iter().rev().take(usize::from(spec.size.unwrap()));
    let texts: std::collections::BTreeSet<_> = last
        .map(|(_, value)| match value {
            Value::String(text) => text.to_string(),
            other => panic!("{other:?} is not text"),
        })
        .collect();
    Value::StringSet(texts.into_iter().map(Into::into).collect())
}
