//! One example for each word of the contract.

use crate::instant::Instant;
use jiff::SignedDuration;

use super::super::{
    Applied, CAPS_MAX, DISTINCT_MAX, RECORD_BYTES_MAX, RING_TEXT_BYTES_MAX, RecordError, TEXT_BYTES_MAX, expires_at_ms,
    union_bytes,
};
use super::*;
use crate::value::Value;

fn amount<'a>(id: &'a str, time_ms: i64, amount: Input<'a>) -> Event<'a> {
    viewed(id, time_ms, &[("amount", amount)])
}

fn category<'a>(id: &'a str, time_ms: i64, category: &'a str) -> Event<'a> {
    viewed(id, time_ms, &[("category", Input::String(category.into()))])
}

fn set(values: &[&'static str]) -> Reading<'static> {
    Reading::Known(Value::StringSet(values.iter().map(|value| (*value).into()).collect()))
}

const fn int(value: i64) -> Reading<'static> {
    Reading::Known(Value::Int(value))
}

const fn float(value: f64) -> Reading<'static> {
    Reading::Known(Value::Float(value))
}

fn text(value: &'static str) -> Reading<'static> {
    Reading::Known(Value::String(value.into()))
}

#[test]
fn a_new_record_counts_zero_and_knows_nothing_else() {
    for aggregate in every_aggregate() {
        use AggregateKind::{Count, Distinct, Dwell, Repeats, Run, Sum, Switches};
        let expected = match (aggregate.spec().kind, aggregate.spec().value_type) {
            (Count | Distinct | Run | Switches | Repeats, _) | (Sum, Type::Int) => int(0),
            (Sum, _) => float(0.0),
            (Dwell, _) => Reading::Known(Value::Duration(SignedDuration::ZERO)),
            _ => Reading::Missing,
        };
        assert_eq!(Record::new().read(&aggregate, NOW_MS), expected, "{:?}", aggregate.spec());
    }
}

#[test]
fn count_counts_events_of_its_name_once() {
    let mut other = viewed("e3", NOW_MS, &[]);
    other.name = "Product Added".into();
    let events = [viewed("e1", NOW_MS, &[]), viewed("e2", NOW_MS, &[]), viewed("e1", NOW_MS, &[]), other];
    assert_eq!(reading(&declare(AggregateKind::Count, None, Type::Int), &events), int(2));
}

#[test]
fn sum_of_ints_stays_an_int_and_saturates() {
    let sum = declare(AggregateKind::Sum, Some("amount"), Type::Int);
    let add = |terms: &[Input<'static>]| {
        let ids: Vec<_> = (0..terms.len()).map(|number| number.to_string()).collect();
        let events: Vec<_> = ids.iter().zip(terms).map(|(id, term)| amount(id, NOW_MS, term.clone())).collect();
        reading(&sum, &events)
    };
    assert_eq!(add(&[Input::Int(2), Input::Float(3.0), Input::Float(0.5), Input::String("4".into())]), int(5));
    assert_eq!(add(&[Input::Int(i64::MAX), Input::Int(1)]), int(i64::MAX));
    assert_eq!(add(&[Input::Int(i64::MAX), Input::Int(1), Input::Int(-2)]), int(i64::MAX - 1));
    assert_eq!(add(&[Input::Int(i64::MIN), Input::Int(-1)]), int(i64::MIN));
}

#[test]
fn sum_of_floats_is_rounded_once() {
    let sum = declare(AggregateKind::Sum, Some("amount"), Type::Float);
    let ids: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let events: Vec<_> = ids.iter().map(|id| amount(id, NOW_MS, Input::Float(0.1))).collect();
    assert_eq!(reading(&sum, &events), float(1.0));
    let events = ["a", "b"].map(|id| amount(id, NOW_MS, Input::Float(f64::MAX)));
    assert_eq!(reading(&sum, &events), float(f64::MAX));
    assert_eq!(reading(&sum, &[amount("a", NOW_MS, Input::Float(f64::NAN))]), float(0.0));
}

#[test]
fn last_and_first_go_by_the_time_of_the_event() {
    let events = [
        category("e1", NOW_MS - 20, "bags"),
        category("e2", NOW_MS - 10, "hats"),
        category("e3", NOW_MS - 30, "shoes"),
    ];
    assert_eq!(reading(&declare(AggregateKind::Last, Some("category"), Type::String), &events), text("hats"));
    assert_eq!(reading(&declare(AggregateKind::First, Some("category"), Type::String), &events), text("shoes"));
}

#[test]
fn at_equal_times_last_is_what_came_last_and_first_what_came_first() {
    let events = [category("e1", NOW_MS, "bags"), category("e2", NOW_MS, "hats")];
    assert_eq!(reading(&declare(AggregateKind::Last, Some("category"), Type::String), &events), text("hats"));
    assert_eq!(reading(&declare(AggregateKind::First, Some("category"), Type::String), &events), text("bags"));
}

#[test]
fn last_without_a_property_is_the_time() {
    let events = [viewed("e1", NOW_MS, &[]), viewed("e2", NOW_MS - 5, &[])];
    let expected = Instant::from_nanosecond(i128::from(NOW_MS) * 1_000_000).unwrap();
    let last = declare(AggregateKind::Last, None, Type::Timestamp);
    assert_eq!(reading(&last, &events), Reading::Known(Value::Timestamp(expected)));
}

#[test]
fn text_forms_of_instants_and_lengths_are_kept_to_the_nanosecond() {
    let at = "2026-11-21T01:00:00.123456789+01:00";
    let events = [viewed("e1", NOW_MS, &[("at", Input::String(at.into())), ("took", Input::String("1h0.5s".into()))])];
    let instant = Reading::Known(Value::Timestamp(crate::temporal::parse_timestamp(at).unwrap()));
    let length = Reading::Known(Value::Duration(SignedDuration::new(3_600, 500_000_000)));
    assert_eq!(reading(&declare(AggregateKind::Last, Some("at"), Type::Timestamp), &events), instant);
    assert_eq!(reading(&declare(AggregateKind::Max, Some("at"), Type::Timestamp), &events), instant);
    assert_eq!(reading(&declare(AggregateKind::First, Some("took"), Type::Duration), &events), length);
}

#[test]
fn max_and_min_keep_extremes() {
    let events = [Input::Int(3), Input::Int(-7), Input::Null, Input::Int(5)];
    let events: Vec<_> = ["a", "b", "c", "d"].iter().zip(events).map(|(id, value)| amount(id, NOW_MS, value)).collect();
    assert_eq!(reading(&declare(AggregateKind::Max, Some("amount"), Type::Int), &events), int(5));
    assert_eq!(reading(&declare(AggregateKind::Min, Some("amount"), Type::Float), &events), float(-7.0));
}

#[test]
fn since_is_never_negative() {
    let since = declare(AggregateKind::Since, None, Type::Duration);
    let length = |millis| Reading::Known(Value::Duration(SignedDuration::from_millis(millis)));
    assert_eq!(reading(&since, &[viewed("e1", NOW_MS - 50, &[]), viewed("e2", NOW_MS - 70, &[])]), length(50));
    assert_eq!(reading(&since, &[viewed("e1", NOW_MS + 60_000, &[])]), length(0));
    assert_eq!(reading(&since, &[viewed("e1", i64::MIN, &[])]), length(i64::MAX));
}

#[test]
fn distinct_counts_values_and_saturates() {
    let distinct = declare(AggregateKind::Distinct, Some("amount"), Type::Int);
    let count = |values: &[Input<'static>]| {
        let ids: Vec<_> = (0..values.len()).map(|number| number.to_string()).collect();
        let events: Vec<_> = ids.iter().zip(values).map(|(id, value)| amount(id, NOW_MS, value.clone())).collect();
        reading(&distinct, &events)
    };
    let values = [Input::Int(1), Input::Float(1.0), Input::String("1".into()), Input::Bool(true), Input::Null];
    assert_eq!(count(&values), int(3));
    assert_eq!(count(&[Input::Int(7), Input::Int(7), Input::List(vec![])]), int(1));
    let many: Vec<_> = (0..200).map(Input::Int).collect();
    assert_eq!(count(&many[..DISTINCT_MAX]), int(64));
    assert_eq!(count(&many), int(64));
}

#[test]
fn decay_halves_in_each_half_life_and_a_late_event_weighs_as_its_age() {
    let decay = declare(AggregateKind::Decay, None, Type::Float);
    assert_eq!(reading(&decay, &[viewed("e1", NOW_MS - 600_000, &[])]), float(0.5));
    assert_eq!(reading(&decay, &[viewed("e1", NOW_MS, &[]), viewed("e2", NOW_MS - 1_200_000, &[])]), float(1.25));
    let weighted = declare(AggregateKind::Decay, Some("amount"), Type::Float);
    assert_eq!(reading(&weighted, &[amount("e1", NOW_MS - 600_000, Input::Int(8))]), float(4.0));
}

#[test]
fn ring_keeps_the_last_values_to_arrive() {
    let ring = declare(AggregateKind::Ring, Some("category"), Type::StringSet);
    let events = ["shoes", "hats", "bags", "hats", "coats"];
    let events: Vec<_> = ["1", "2", "3", "4", "5"]
        .iter()
        .zip(events)
        .zip([50, 40, 30, 20, 10])
        .map(|((id, category_name), time_ms)| category(id, time_ms, category_name))
        .collect();
    assert_eq!(reading(&ring, &events), set(&["bags", "coats", "hats"]));
    assert_eq!(reading(&ring, &events[..2]), set(&["hats", "shoes"]));
}

#[test]
fn a_text_too_long_to_keep_changes_nothing() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let events = [category("e1", NOW_MS, "bags"), category("e2", NOW_MS, &long)];
    assert_eq!(reading(&declare(AggregateKind::Last, Some("category"), Type::String), &events), text("bags"));
    let events = [category("e1", NOW_MS, "bags"), category("e2", NOW_MS, &long[..=RING_TEXT_BYTES_MAX])];
    assert_eq!(reading(&declare(AggregateKind::Ring, Some("category"), Type::StringSet), &events), set(&["bags"]));
}

#[test]
fn an_event_is_remembered_while_sixteen_more_arrive() {
    let count = declare(AggregateKind::Count, None, Type::Int);
    let ids: Vec<_> = (0..17).map(|number| number.to_string()).collect();
    let first = viewed("0", NOW_MS, &[]);
    let events: Vec<_> = ids.iter().map(|id| viewed(id, NOW_MS, &[])).collect();
    assert_eq!(reading(&count, &[&events[..16], std::slice::from_ref(&first)].concat()), int(16));
    assert_eq!(reading(&count, &[&events[..17], &[first]].concat()), int(18));
}

#[test]
fn a_denied_aggregate_is_left_alone_and_an_event_without_effect_leaves_no_trace() {
    let count = declare(AggregateKind::Count, None, Type::Int);
    let since = declare(AggregateKind::Since, None, Type::Duration);
    let plan = plan([&count, &since]);
    let events = [viewed("e1", NOW_MS, &[])];
    let mut record = Record::new();

    assert!(plan.update(&events, |_| true, &[]).is_empty());
    let applied = record.apply(&plan.update(&events, |field| field == 0, &[]));
    assert_eq!(applied, Applied { accepted: 1, ..Applied::default() });
    assert_eq!(record.read(&count, NOW_MS), int(0));
    assert_eq!(record.read(&since, NOW_MS), Reading::Known(Value::Duration(SignedDuration::ZERO)));
}

#[test]
fn caps_are_counted_by_digest_and_bounded() {
    let mut record = Record::new();
    let mut update = Plan::default().update(&[], |_| false, &[7, 8]);
    update.count_cap(7);
    assert_eq!(record.apply(&update), Applied { caps: 3, ..Applied::default() });
    let record = Record::decode(&bytes(&record, NOW_MS)).unwrap();
    assert_eq!([7, 8, 9].map(|digest| record.cap_count(digest)), [2, 1, 0]);

    let many: Vec<_> = (0..=CAPS_MAX as u64).collect();
    let mut record = Record::new();
    record.apply(&Plan::default().update(&[], |_| false, &many));
    assert_eq!([0, 1, CAPS_MAX as u64].map(|digest| record.cap_count(digest)), [0, 1, 1]);
}

#[test]
fn the_expiry_is_read_without_the_rest() {
    let bytes = bytes(&Record::new(), NOW_MS);
    assert_eq!(expires_at_ms(&bytes), Ok(NOW_MS));
    assert_eq!(expires_at_ms(&bytes[..7]), Ok(NOW_MS));
    assert_eq!(expires_at_ms(&bytes[..6]), Err(RecordError::Truncated));
    assert_eq!(expires_at_ms(&[9; 40]), Err(RecordError::Version(9)));
}

/// One of each numeric kind, in the middle of a busy visit: all event ids in use.
#[test]
fn standard_aggregates_take_256_bytes_at_most() {
    let standard = [
        declare(AggregateKind::Count, None, Type::Int),
        declare(AggregateKind::Sum, Some("amount"), Type::Int),
        declare(AggregateKind::Last, None, Type::Timestamp),
        declare(AggregateKind::First, None, Type::Timestamp),
        declare(AggregateKind::Max, Some("amount"), Type::Int),
        declare(AggregateKind::Min, Some("amount"), Type::Int),
        declare(AggregateKind::Since, None, Type::Duration),
        declare(AggregateKind::Distinct, Some("category"), Type::Int),
        declare(AggregateKind::Decay, None, Type::Float),
    ];
    let ids: Vec<_> = (0..40).map(|number| format!("event-{number}")).collect();
    let categories = ["shoes", "hats", "bags", "coats"];
    let events: Vec<_> = ids
        .iter()
        .zip((0..).map(|step| NOW_MS - 1_500_000 + step * 30_000))
        .zip(categories.into_iter().cycle())
        .map(|((id, time_ms), category)| {
            viewed(id, time_ms, &[("amount", Input::Int(4_999)), ("category", Input::String(category.into()))])
        })
        .collect();
    let encoded = bytes(&after(&plan(&standard), &events), NOW_MS + 1_800_000);
    assert!(encoded.len() <= 256, "{} bytes", encoded.len());
}

#[test]
fn a_full_record_lets_other_bundles_fields_go_and_no_field_of_its_own() {
    let rings = |prefix: &str| -> Vec<_> {
        let declare = |number| {
            let spec = spec(AggregateKind::Ring, Some(&format!("{prefix}{number}")), Type::StringSet);
            Aggregate::new(AggregateSpec { size: Some(8), ..spec }).unwrap()
        };
        (0..5).map(declare).collect()
    };
    let fill = |record: &mut Record, plan: &Plan, round: &str| {
        let values: Vec<_> = (0..8).map(|number| format!("{round}{number}{}", "x".repeat(50))).collect();
        for value in &values {
            let properties = plan.fields().iter().map(|aggregate| {
                let property = aggregate.spec().property.clone().unwrap();
                (property.into(), Input::String(value.as_str().into()))
            });
            let event =
                Event { id: value.into(), name: VIEWED.into(), time_ms: NOW_MS, properties: properties.collect() };
            record.apply(&plan.update(&[event], |_| false, &[]));
        }
    };
    let (old, new) = (rings("old"), rings("new"));
    let mut record = Record::new();
    fill(&mut record, &plan(&old), "a");
    fill(&mut record, &plan(&new), "b");

    assert!(bytes(&record, NOW_MS).len() <= RECORD_BYTES_MAX);
    assert!(new.iter().all(|aggregate| record.read(aggregate, NOW_MS) != Reading::Missing));
    let kept = old.iter().filter(|aggregate| record.read(aggregate, NOW_MS) != Reading::Missing).count();
    assert!((1..5).contains(&kept), "{kept} of the others are kept");
    assert!(union_bytes(&old) <= RECORD_BYTES_MAX);
}
