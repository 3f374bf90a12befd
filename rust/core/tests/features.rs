//! The feature vectors that Python runs too: events and inputs in, rows of ids and values out, after each event.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected should stop")]

use std::collections::BTreeMap;

use edgewise_core::features::{Replay, Spec, slot_and_sign};
use edgewise_core::input::Input;
use edgewise_core::request::{EventRequest, Pairs};
use edgewise_core::signal::{Reading, Signal};
use edgewise_core::state::{Event, Fact};
use edgewise_core::temporal::parse_timestamp;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

const VECTORS: &str = include_str!("../../../tests/contract/vectors/features.json");

#[derive(Deserialize)]
struct Vectors {
    spec: Json,
    digest: String,
    sessions: Vec<Session>,
}

#[derive(Deserialize)]
struct Session {
    name: String,
    inputs: BTreeMap<String, Json>,
    events: Vec<Box<RawValue>>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    tokens: Vec<String>,
    ids: Vec<i32>,
    vals: Vec<f32>,
}

/// An event as a node takes it.
fn event(raw: &RawValue) -> Event<'_> {
    let event = EventRequest::parse(raw).unwrap();
    let time_ms = parse_timestamp(event.timestamp.unwrap().as_str()).unwrap().as_millisecond();
    let properties = event.properties.map(Pairs::into_inner).unwrap_or_default();
    Event { id: event.id.into_inner(), name: event.event.into_inner(), time_ms, properties }
}

fn reading(spec: &Spec, place: usize, inputs: &BTreeMap<String, Json>) -> Reading<'static> {
    let input = &spec.inputs()[place];
    let Some(value) = inputs.get(&input.name) else { return Reading::Missing };
    let text = Box::leak(value.to_string().into_boxed_str());
    let signal =
        Signal { name: input.signal.clone(), kind: Some(input.value_type), values: Vec::new(), min: None, max: None };
    signal.admit(serde_json::from_str::<Input<'_>>(text).unwrap())
}

#[test]
fn every_row_comes_out_as_written() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    let spec = Spec::parse(&vectors.spec.to_string()).unwrap();
    assert_eq!(spec.digest(), vectors.digest);
    for session in &vectors.sessions {
        let readings: Vec<_> = (0..spec.inputs().len()).map(|place| reading(&spec, place, &session.inputs)).collect();
        let mut replay = Replay::new(&spec);
        for (number, row) in session.rows.iter().enumerate() {
            if let Some(raw) = number.checked_sub(1).and_then(|number| session.events.get(number)) {
                replay.push(&event(raw));
            }
            let (mut ids, mut vals) = (vec![-1; spec.slots()], vec![-1.0; spec.slots()]);
            let facts = |place: usize| readings.get(place).map_or(Fact::Missing, Fact::of);
            let extracted = replay.extract(facts, &mut ids, &mut vals);
            let name = format!("{} after {number} events", session.name);
            assert_eq!(extracted.tokens, row.ids.len(), "{name}");
            assert_eq!(extracted.tokens + extracted.dropped, row.tokens.len(), "{name}");
            assert_eq!(ids, padded(&row.ids, spec.slots()), "{name}");
            assert_eq!(vals, padded(&row.vals, spec.slots()), "{name}");
            for (token, id) in row.tokens.iter().zip(&row.ids) {
                assert_eq!(slot_and_sign(token.as_bytes(), spec.width()).0, *id, "{token}");
            }
        }
        assert_eq!(session.rows.len(), session.events.len() + 1);
    }
}

fn padded<T: Copy + Default>(values: &[T], length: usize) -> Vec<T> {
    values.iter().copied().chain(std::iter::repeat(T::default())).take(length).collect()
}
