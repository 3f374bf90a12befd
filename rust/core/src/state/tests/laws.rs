//! The promises of state, on generated events.

use crate::instant::Instant;
use jiff::SignedDuration;
use proptest::collection::{hash_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::super::{EVENT_IDS_MAX, RECORD_BYTES_MAX, Update, expires_at_ms, union_bytes};
use super::reference::{accepted, recompute};
use super::*;
use crate::value::Value;

const CATEGORIES: [&str; 6] = ["shoes", "hats", "bags", "coats", "Käse", ""];

fn some_id() -> impl Strategy<Value = String> {
    (0..24).prop_map(|number| format!("e{number}"))
}

/// Past times, often equal, never ahead of the clock.
fn time_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        (0..8_i64).prop_map(|step| NOW_MS - step * 1_000),
        (0..7_200_000_i64).prop_map(|age_ms| NOW_MS - age_ms)
    ]
}

fn amount() -> impl Strategy<Value = Input<'static>> {
    prop_oneof![
        (-1_000..1_000_i64).prop_map(Input::Int),
        // Quarters of odd numbers: exact, and never whole.
        (-1_000..1_000_i32).prop_map(|number| Input::Float(f64::from(2 * number + 1) / 4.0)),
        Just(Input::String("12".into())),
        Just(Input::Null),
    ]
}

fn properties() -> impl Strategy<Value = Vec<(std::borrow::Cow<'static, str>, Input<'static>)>> {
    let category = proptest::sample::select(&CATEGORIES[..]).prop_map(|text| Input::String(text.into()));
    let flag = any::<bool>().prop_map(Input::Bool);
    let at = (0..1_000_i64)
        .prop_map(|step| Input::Timestamp(Instant::from_nanosecond(i128::from(step) * 777_000_000).unwrap()));
    let took = (0..1_000_i64).prop_map(|step| Input::Duration(SignedDuration::from_millis(step)));
    let anything = prop_oneof![amount(), category.clone(), flag.clone()];
    let parts = (option::of(amount()), option::of(category), option::of(flag), option::of(at), option::of(took));
    (parts, option::of(anything)).prop_map(|((amount, category, flag, at, took), anything)| {
        let parts = [
            ("amount", amount),
            ("category", category),
            ("flag", flag),
            ("at", at),
            ("took", took),
            ("anything", anything),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
    })
}

fn event_with(id: impl Strategy<Value = String>) -> impl Strategy<Value = Event<'static>> {
    let name = prop_oneof![9 => Just(VIEWED), 1 => Just("Product Added")];
    (id, name, time_ms(), properties()).prop_map(|(id, name, time_ms, properties)| Event {
        id: id.into(),
        name: name.into(),
        time_ms,
        properties,
    })
}

fn events() -> impl Strategy<Value = Vec<Event<'static>>> {
    vec(event_with(some_id()), 0..40)
}

/// Events with an id of their own each.
fn fresh_events() -> impl Strategy<Value = Vec<Event<'static>>> {
    let ids = hash_set("[a-z]{6}", 0..40);
    ids.prop_flat_map(|ids| ids.into_iter().map(|id| event_with(Just(id))).collect::<Vec<_>>())
}

/// Aggregates that fit one record.
fn aggregates() -> impl Strategy<Value = Vec<Aggregate>> {
    proptest::sample::subsequence(every_aggregate(), 1..=12)
        .prop_filter("must fit a record", |aggregates| union_bytes(aggregates) <= RECORD_BYTES_MAX)
}

fn update(plan: &Plan, event: &Event<'_>) -> Update {
    plan.update(std::slice::from_ref(event), |_| false, &[])
}

/// Applies one event after the other, the record going through its bytes each time.
fn stream(plan: &Plan, events: &[Event<'_>]) -> Record {
    let mut record = Record::new();
    for event in events {
        record.apply(&update(plan, event));
        record = Record::decode(&bytes(&record, NOW_MS + 1_800_000)).unwrap();
    }
    record
}

fn alike(left: &Reading<'_>, right: &Reading<'_>) -> bool {
    match (left, right) {
        (Reading::Known(Value::Float(left)), Reading::Known(Value::Float(right))) => {
            (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
        }
        (left, right) => left == right,
    }
}

proptest! {
    #[test]
    fn streaming_equals_recomputing_in_arrival_order(events in events(), aggregates in aggregates()) {
        let dwell = declare(AggregateKind::Dwell, None, Type::Duration);
        // With it every event leaves a trace, so that the ids remembered are the last ones of all.
        let all: Vec<_> = std::iter::once(&dwell).chain(&aggregates).cloned().collect();
        prop_assume!(union_bytes(&all) <= RECORD_BYTES_MAX);
        let record = stream(&plan(&all), &events);
        let accepted = accepted(&events);
        for aggregate in &all {
            let (streamed, recomputed) = (record.read(aggregate, NOW_MS), recompute(aggregate, &accepted));
            prop_assert!(alike(&streamed, &recomputed), "{:?}: {streamed:?} is not {recomputed:?}", aggregate.spec());
        }
    }

    #[test]
    fn it_makes_no_difference_how_events_are_batched(events in events(), aggregates in aggregates()) {
        let plan = plan(&aggregates);
        prop_assert_eq!(stream(&plan, &events), after(&plan, &events));
    }

    #[test]
    fn what_promises_to_ignore_order_does(
        (events, shuffled) in fresh_events().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
    ) {
        for aggregate in every_aggregate() {
            let kind = aggregate.spec().kind;
            let by_time = matches!(kind, AggregateKind::Last | AggregateKind::First);
            let times: std::collections::HashSet<_> = events.iter().map(|event| event.time_ms).collect();
            if is_by_arrival(kind) || (by_time && times.len() < events.len()) {
                continue;
            }
            let (one, other) = (reading(&aggregate, &events), reading(&aggregate, &shuffled));
            let same = if kind == AggregateKind::Decay { alike(&one, &other) } else { one == other };
            prop_assert!(same, "{:?}: {one:?} is not {other:?}", aggregate.spec());
        }
    }

    #[test]
    fn sums_of_any_floats_ignore_order_and_stay_finite(
        (terms, shuffled) in vec(-1e12..1e12_f64, 0..60).prop_flat_map(|terms| (Just(terms.clone()), Just(terms).prop_shuffle())),
        huge in any::<f64>(),
    ) {
        let sum = declare(AggregateKind::Sum, Some("amount"), Type::Float);
        let ids: Vec<_> = (0..=terms.len()).map(|number| number.to_string()).collect();
        let total = |terms: &[f64]| {
            let events: Vec<_> =
                ids.iter().zip(terms).map(|(id, term)| viewed(id, NOW_MS, &[("amount", Input::Float(*term))])).collect();
            reading(&sum, &events)
        };
        prop_assert_eq!(total(&terms), total(&shuffled));
        let with_huge: Vec<_> = [huge].into_iter().chain(terms).collect();
        let is_finite = matches!(total(&with_huge), Reading::Known(Value::Float(total)) if total.is_finite());
        prop_assert!(is_finite);
    }

    #[test]
    fn an_event_sent_again_changes_nothing(events in fresh_events(), aggregates in aggregates(), again in any::<proptest::sample::Index>()) {
        prop_assume!(!events.is_empty());
        let plan = plan(&aggregates);
        let mut record = after(&plan, &events);
        let before = record.clone();
        let touching: Vec<_> = events.iter().filter(|event| !update(&plan, event).is_empty()).collect();
        prop_assume!(!touching.is_empty());
        let last = &touching[touching.len().saturating_sub(EVENT_IDS_MAX)..];
        let applied = record.apply(&update(&plan, last[again.index(last.len())]));
        prop_assert_eq!((applied.accepted, applied.duplicates), (0, 1));
        prop_assert_eq!(record, before);
    }

    #[test]
    fn two_bundles_taking_turns_lose_nothing(
        events in fresh_events(), turns in vec(any::<bool>(), 40), split in 1..28_usize,
    ) {
        let every = every_aggregate();
        let (left, right) = every.split_at(split);
        prop_assume!(union_bytes(&every) <= RECORD_BYTES_MAX);
        let plans = [plan(left), plan(right)];
        let mut shared = Record::new();
        let mut own = [Record::new(), Record::new()];
        for (event, turn) in events.iter().zip(turns) {
            let turn = usize::from(turn);
            shared.apply(&update(&plans[turn], event));
            own[turn].apply(&update(&plans[turn], event));
            shared = Record::decode(&bytes(&shared, NOW_MS)).unwrap();
        }
        for (aggregates, own) in [left, right].into_iter().zip(own) {
            for aggregate in aggregates {
                prop_assert_eq!(shared.read(aggregate, NOW_MS), own.read(aggregate, NOW_MS));
            }
        }
    }

    #[test]
    fn a_record_survives_its_bytes(events in events(), aggregates in aggregates(), caps in vec(any::<u64>(), 0..10), expires_at_ms_ in 0..(1_i64 << 48)) {
        let plan = plan(&aggregates);
        let mut record = Record::new();
        record.apply(&plan.update(&events, |_| false, &caps));
        let bytes = bytes(&record, expires_at_ms_);
        prop_assert_eq!(expires_at_ms(&bytes), Ok(expires_at_ms_));
        prop_assert_eq!(Record::decode(&bytes), Ok(record));
        prop_assert!(bytes.len() <= union_bytes(&aggregates));
    }

    #[test]
    fn whatever_the_bytes_decoding_ends_in_a_record_or_an_error(garbage in vec(any::<u8>(), 0..300)) {
        let versioned: Vec<_> = [1].into_iter().chain(garbage.iter().copied()).collect();
        for bytes in [garbage, versioned] {
            survive(&bytes)?;
        }
    }

    #[test]
    fn a_damaged_record_decodes_to_a_record_or_an_error(
        events in events(), aggregates in aggregates(), at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = bytes(&after(&plan(&aggregates), &events), NOW_MS);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(Record::decode(&bytes).is_err());
        } else {
            bytes[at] = byte;
            survive(&bytes)?;
        }
    }
}

/// Kinds that promise nothing when events come in another order.
const fn is_by_arrival(kind: AggregateKind) -> bool {
    use AggregateKind::{Dwell, Ewma, Repeats, Ring, Run, Switches};
    matches!(kind, Ring | Run | Switches | Repeats | Dwell | Ewma)
}

/// Decodes, and uses and encodes what comes out.
fn survive(bytes_: &[u8]) -> Result<(), TestCaseError> {
    let Ok(mut record) = Record::decode(bytes_) else { return Ok(()) };
    let every = every_aggregate();
    let some = viewed("e1", NOW_MS, &[("amount", Input::Int(1)), ("category", Input::String("hats".into()))]);
    for aggregate in &every {
        record.read(aggregate, NOW_MS);
    }
    record.apply(&update(&plan(&every[..8]), &some));
    prop_assert_eq!(Record::decode(&bytes(&record, NOW_MS)), Ok(record));
    Ok(())
}
