//! Examples of what looks at how events follow each other: count with `equals`, run, switches, repeats, dwell, ewma.

use jiff::SignedDuration;

use super::super::RING_SIZE_MAX;
use super::*;
use crate::value::Value;

/// Events a second apart, with these values.
fn in_turn(values: &[Input<'static>], then: impl FnOnce(&[Event<'_>])) {
    let ids: Vec<_> = (0..values.len()).map(|number| number.to_string()).collect();
    let times = (0..).map(|step| NOW_MS - 3_600_000 + step * 1_000);
    let events = ids.iter().zip(values).zip(times);
    let events: Vec<_> = events.map(|((id, value), at)| viewed(id, at, &[("page", value.clone())])).collect();
    then(&events);
}

fn says(aggregate: &Aggregate, values: &[&'static str]) -> Reading<'static> {
    let mut said = Reading::Missing;
    let values: Vec<_> = values.iter().map(|text| Input::String((*text).into())).collect();
    in_turn(&values, |events| said = reading(aggregate, events));
    said
}

const fn int(value: i64) -> Reading<'static> {
    Reading::Known(Value::Int(value))
}

fn seconds(value: i64) -> Reading<'static> {
    Reading::Known(Value::Duration(SignedDuration::from_secs(value)))
}

fn page(kind: AggregateKind) -> Aggregate {
    declare(kind, Some("page"), Type::Int)
}

#[test]
fn count_with_equals_counts_one_value_of_its_own_type() {
    let sale = declare_equals(AggregateKind::Count, "page", Literal::Text("4".into()));
    assert_eq!(says(&sale, &["4", "1", "4", "04"]), int(2));
    let four = declare_equals(AggregateKind::Count, "page", Literal::Int(4));
    in_turn(&[Input::Int(4), Input::Float(4.0), Input::String("4".into()), Input::Null], |events| {
        assert_eq!(reading(&four, events), int(2));
        assert_eq!(reading(&sale, events), int(1));
    });
}

#[test]
fn run_is_the_length_of_the_current_run() {
    assert_eq!(says(&page(AggregateKind::Run), &["a"]), int(1));
    assert_eq!(says(&page(AggregateKind::Run), &["a", "b", "b", "b"]), int(3));
    assert_eq!(says(&page(AggregateKind::Run), &["b", "b", "a"]), int(1));
    in_turn(&[Input::Int(1), Input::Null, Input::Float(1.0)], |events| {
        assert_eq!(reading(&page(AggregateKind::Run), events), int(2), "an event without a value is no event of it");
    });
}

#[test]
fn switches_are_changes_from_one_event_to_the_next() {
    assert_eq!(says(&page(AggregateKind::Switches), &["a"]), int(0));
    assert_eq!(says(&page(AggregateKind::Switches), &["a", "a", "b", "a", "a"]), int(2));
}

#[test]
fn repeats_look_back_a_few_events() {
    let repeats = page(AggregateKind::Repeats);
    assert_eq!(says(&repeats, &["a", "b", "a", "a"]), int(2));
    assert_eq!(says(&repeats, &["a", "b", "c", "a"]), int(1));
    assert_eq!(says(&repeats, &["a", "b", "c", "d", "a"]), int(0));
    let widest = AggregateSpec { size: Some(RING_SIZE_MAX), ..spec(AggregateKind::Repeats, Some("page"), Type::Int) };
    in_turn(&(0..100).map(|number| Input::Int(number % 32)).collect::<Vec<_>>(), |events| {
        assert_eq!(reading(&Aggregate::new(widest).unwrap(), events), int(68));
    });
}

#[test]
fn dwell_credits_the_event_before_and_is_capped() {
    let dwell = declare(AggregateKind::Dwell, None, Type::Duration);
    let at = |id, seconds: i64| viewed(id, NOW_MS - 3_600_000 + seconds * 1_000, &[]);
    assert_eq!(reading(&dwell, &[at("a", 0)]), seconds(0));
    assert_eq!(reading(&dwell, &[at("a", 0), at("b", 20), at("c", 600)]), seconds(20 + 60));
    assert_eq!(reading(&dwell, &[at("a", 0), at("b", 20), at("c", 10), at("d", 30)]), seconds(30), "c came late");
}

#[test]
fn any_event_ends_a_dwell_and_only_those_meant_begin_one() {
    let dwell = declare(AggregateKind::Dwell, None, Type::Duration);
    let other = |id, seconds: i64| Event {
        name: "Cart Viewed".into(),
        ..viewed(id, NOW_MS - 3_600_000 + seconds * 1_000, &[])
    };
    let viewed = |id, seconds: i64| viewed(id, NOW_MS - 3_600_000 + seconds * 1_000, &[]);
    assert_eq!(reading(&dwell, &[other("a", 0), viewed("b", 5), other("c", 15), viewed("d", 35)]), seconds(10));
    let hats = declare_equals(AggregateKind::Dwell, "page", Literal::Text("hats".into()));
    assert_eq!(says(&hats, &["hats", "bags", "bags", "hats", "hats", "bags"]), seconds(3));
    assert_eq!(says(&hats, &["bags", "bags"]), seconds(0));
}

#[test]
fn ewma_halves_the_past_in_size_events() {
    let one = |size| {
        Aggregate::new(AggregateSpec { size: Some(size), ..spec(AggregateKind::Ewma, Some("page"), Type::Float) })
            .unwrap()
    };
    let float = |value| Reading::Known(Value::Float(value));
    in_turn(&[Input::Int(8), Input::Int(0), Input::Int(0)], |events| {
        assert_eq!(reading(&one(1), events), float(2.0));
        let Reading::Known(Value::Float(mean)) = reading(&one(2), events) else { panic!("is a float") };
        assert!((mean - 4.0).abs() < 1e-12, "{mean}");
    });
    in_turn(&[Input::Float(f64::MAX), Input::Float(f64::MAX), Input::Float(f64::NAN)], |events| {
        assert_eq!(reading(&one(3), events).state().name(), "known");
    });
}

#[test]
fn of_any_event_the_name_stands_for_a_property() {
    let names = ["Page Viewed", "Product Viewed", "Product Viewed", "Page Viewed"];
    let ids = ["a", "b", "c", "d"];
    let sent = ids.iter().zip(names).map(|(id, name)| Event { name: name.into(), ..viewed(id, NOW_MS, &[]) });
    let events: Vec<_> = sent.collect();
    let says = |kind| reading(&of_any(kind, None), &events);
    assert_eq!(says(AggregateKind::Count), int(4));
    assert_eq!(says(AggregateKind::Switches), int(2));
    assert_eq!(says(AggregateKind::Run), int(1));
    assert_eq!(says(AggregateKind::Distinct), int(2));
    assert_eq!(says(AggregateKind::Repeats), int(2));
    let ring = of_any(AggregateKind::Ring, None);
    let record = after(&plan([&ring]), &events);
    let Fact::Texts(texts) = record.fact(&ring, NOW_MS) else { panic!("is a list") };
    assert_eq!((0..3).map(|place| texts.get(place).unwrap()).collect::<Vec<_>>(), names[1..]);
}
