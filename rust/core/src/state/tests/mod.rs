//! State as a bundle sees it: declarations, what events do to a record, and what survives its bytes.

mod declarations;
mod examples;
mod laws;
mod reference;
mod sequences;

use super::{ANY_EVENT, Aggregate, AggregateKind, AggregateSpec, Event, Fact, Literal, Plan, Record};
use crate::input::Input;
use crate::signal::Reading;
use crate::value::Type;

/// 2026-11-21T10:00:00Z.
const NOW_MS: i64 = 1_795_255_200_000;

const VIEWED: &str = "Product Viewed";

fn spec(kind: AggregateKind, property: Option<&str>, value_type: Type) -> AggregateSpec {
    AggregateSpec {
        kind,
        event: VIEWED.into(),
        property: property.map(Into::into),
        half_life_ms: (kind == AggregateKind::Decay).then_some(600_000),
        size: kind.takes_size().then_some(3),
        equals: None,
        cap_ms: (kind == AggregateKind::Dwell).then_some(60_000),
        value_type,
    }
}

fn declare(kind: AggregateKind, property: Option<&str>, value_type: Type) -> Aggregate {
    Aggregate::new(spec(kind, property, value_type)).unwrap()
}

fn plan<'a>(aggregates: impl IntoIterator<Item = &'a Aggregate>) -> Plan {
    let mut plan = Plan::default();
    for aggregate in aggregates {
        plan.add(aggregate.clone()).unwrap();
    }
    plan
}

fn viewed<'a>(id: &'a str, time_ms: i64, properties: &[(&'static str, Input<'a>)]) -> Event<'a> {
    let properties = properties.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Event { id: id.into(), name: VIEWED.into(), time_ms, properties }
}

fn after(plan: &Plan, events: &[Event<'_>]) -> Record {
    let mut record = Record::new();
    record.apply(&plan.update(events, |_| false, &[]));
    record
}

/// What one aggregate says of events, now.
fn reading(aggregate: &Aggregate, events: &[Event<'_>]) -> Reading<'static> {
    after(&plan([aggregate]), events).read(aggregate, NOW_MS)
}

fn bytes(record: &Record, expires_at_ms: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(expires_at_ms, &mut bytes);
    bytes
}

/// One aggregate of each kind, and of each type it may have.
fn every_aggregate() -> Vec<Aggregate> {
    use AggregateKind::{Count, Distinct, Dwell, Repeats, Ring, Run, Since, Switches};
    let mut every = Vec::new();
    for kind in AggregateKind::ALL {
        for value_type in kind.types() {
            let property = match (kind, value_type) {
                (Count | Since | Dwell, _) => None,
                (Ring, _) | (_, Type::String | Type::Enum) => Some("category"),
                (Distinct | Run | Switches | Repeats, _) => Some("anything"),
                (_, Type::Bool) => Some("flag"),
                (_, Type::Timestamp) => Some("at"),
                (_, Type::Duration) => Some("took"),
                _ => Some("amount"),
            };
            every.push(declare(kind, property, *value_type));
        }
    }
    every.push(declare(AggregateKind::Last, None, Type::Timestamp));
    every.push(declare(AggregateKind::First, None, Type::Timestamp));
    every.push(declare(AggregateKind::Decay, None, Type::Float));
    every.push(declare_equals(AggregateKind::Count, "category", Literal::Text("hats".into())));
    every.push(declare_equals(AggregateKind::Count, "amount", Literal::Int(3)));
    every.push(declare_equals(AggregateKind::Count, "flag", Literal::Bool(true)));
    every.push(declare_equals(AggregateKind::Dwell, "category", Literal::Text("hats".into())));
    for kind in [Count, Distinct, Ring, Run, Switches, Repeats, Since, Dwell] {
        every.push(of_any(kind, None));
    }
    every.push(of_any(Run, Some("anything")));
    every
}

/// An aggregate of events of every name.
fn of_any(kind: AggregateKind, property: Option<&str>) -> Aggregate {
    let spec = spec(kind, property, kind.types()[0]);
    Aggregate::new(AggregateSpec { event: ANY_EVENT.into(), ..spec }).unwrap()
}

/// An aggregate of the events whose property has one value.
fn declare_equals(kind: AggregateKind, property: &str, equals: Literal) -> Aggregate {
    let spec = spec(kind, Some(property), kind.types()[0]);
    Aggregate::new(AggregateSpec { equals: Some(equals), ..spec }).unwrap()
}
