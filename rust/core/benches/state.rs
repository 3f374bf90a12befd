//! What one event costs a record that holds one aggregate of each standard kind, and how many bytes the record then has.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints and stops at the unexpected")]

use std::hint::black_box;
use std::time::Instant;

use edgewise_core::input::Input;
use edgewise_core::state::{Aggregate, AggregateKind, AggregateSpec, Event, Plan, Record};
use edgewise_core::value::Type;

/// Calls in one round; the best of all rounds counts.
const CALLS: u32 = 1_000;
const ROUNDS: u32 = 200;
const HALF_LIFE_MS: i64 = 600_000;
const RING_SIZE: u16 = 8;
const NOW_MS: i64 = 1_795_255_200_000;
const TTL_MS: i64 = 1_800_000;

fn standard() -> Plan {
    let kinds = [
        (AggregateKind::Count, Type::Int, None),
        (AggregateKind::Sum, Type::Float, Some("price")),
        (AggregateKind::Last, Type::String, Some("category")),
        (AggregateKind::First, Type::String, Some("category")),
        (AggregateKind::Max, Type::Float, Some("price")),
        (AggregateKind::Min, Type::Float, Some("price")),
        (AggregateKind::Since, Type::Duration, None),
        (AggregateKind::Distinct, Type::Int, Some("category")),
        (AggregateKind::Decay, Type::Float, None),
        (AggregateKind::Ring, Type::StringSet, Some("category")),
    ];
    let mut plan = Plan::default();
    for (kind, value_type, property) in kinds {
        let spec = AggregateSpec {
            kind,
            event: "Product Viewed".to_owned(),
            property: property.map(str::to_owned),
            half_life_ms: (kind == AggregateKind::Decay).then_some(HALF_LIFE_MS),
            size: (kind == AggregateKind::Ring).then_some(RING_SIZE),
            equals: None,
            cap_ms: None,
            value_type,
        };
        plan.add(Aggregate::new(spec).unwrap()).unwrap();
    }
    plan
}

fn event(number: i64) -> Event<'static> {
    let category = Input::String(format!("c-{}", number % 6).into());
    #[allow(clippy::cast_precision_loss, reason = "a price")]
    let price = Input::Float((number % 97) as f64 + 0.5);
    Event {
        id: format!("e-{number}").into(),
        name: "Product Viewed".into(),
        time_ms: NOW_MS + number * 1_000,
        properties: vec![("category".into(), category), ("price".into(), price)],
    }
}

fn visited(plan: &Plan, events: i64) -> Record {
    let mut record = Record::new();
    for number in 0..events {
        record.apply(&plan.update(&[event(number)], |_| false, &[]));
    }
    record
}

fn time(name: &str, mut call: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        best = best.min(started.elapsed().as_secs_f64() / f64::from(CALLS));
    }
    println!("{name:<52} {:>7.3} us", best * 1e6);
}

fn main() {
    let plan = standard();
    for events in [1, 4, 16, 100] {
        let mut bytes = Vec::new();
        visited(&plan, events).encode(NOW_MS + TTL_MS, &mut bytes);
        println!("{:<52} {:>7} bytes", format!("a record of ten aggregates after {events} events"), bytes.len());
    }
    let (record, next) = (visited(&plan, 100), event(100));
    let update = plan.update(std::slice::from_ref(&next), |_| false, &[]);
    let mut bytes = Vec::new();
    record.encode(NOW_MS + TTL_MS, &mut bytes);
    time("an event to an update", || {
        black_box(plan.update(black_box(std::slice::from_ref(&next)), |_| false, &[]));
    });
    time("a copy of the record, and the update applied to it", || {
        black_box(record.clone().apply(black_box(&update)));
    });
    time("a copy of the record", || {
        black_box(black_box(&record).clone());
    });
    time("bytes to a record", || {
        black_box(Record::decode(black_box(&bytes)).unwrap());
    });
    let mut out = Vec::new();
    time("a record to bytes", || {
        out.clear();
        record.encode(NOW_MS + TTL_MS, black_box(&mut out));
    });
}
