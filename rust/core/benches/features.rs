//! How long one row takes: 40 features out of a record, as a node makes them, and out of facts at hand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints and stops at the unexpected"
)]

use std::hint::black_box;
use std::time::Instant;

use edgewise_core::features::{FieldRef, Replay, Spec};
use edgewise_core::input::Input;
use edgewise_core::state::{Event, Fact};
use serde_json::{Value as Json, json};

/// Rows in one round; the best of all rounds counts.
const ROWS: u32 = 1_000;
const ROUNDS: u32 = 300;
const FEATURES: usize = 40;

fn spec_of(state: &Json, inputs: &Json, features: &[Json]) -> Spec {
    let spec = json!({
        "version": 1, "hash": "murmur3_x86_32", "seed": 0, "index": "abs_mod", "bits": 14, "slots": 64, "missing": "?",
        "overflow": "drop", "scope": "session", "state": state, "inputs": inputs, "features": features, "crosses": [],
    });
    Spec::parse(&spec.to_string()).unwrap()
}

/// Twenty texts and twenty numbers, known beforehand.
fn of_inputs() -> Spec {
    let inputs = (0..FEATURES).map(|number| {
        let value_type = if number < FEATURES / 2 { "string" } else { "float" };
        (format!("f{number:02}"), json!({"signal": "any", "type": value_type}))
    });
    let features = (0..FEATURES).map(|number| {
        let form = if number < FEATURES / 2 { "category" } else { "value" };
        json!({"name": format!("f{number:02}"), "of": format!("f{number:02}"), "as": form})
    });
    spec_of(&json!({}), &inputs.collect(), &features.collect::<Vec<_>>())
}

/// Counts, runs, sums and rings of eight properties.
fn of_state() -> Spec {
    let mut state = serde_json::Map::new();
    let mut features = Vec::new();
    for number in 0..8 {
        let declare = |kind: &str| json!({"kind": kind, "event": "Product Viewed", "property": format!("p{number}")});
        let mut last = declare("last");
        last["type"] = json!("string");
        let mut repeats = declare("repeats");
        repeats["size"] = json!(4);
        let mut equals = declare("count");
        equals["equals"] = json!("v1");
        for (kind, declared, form) in [
            ("last", last, "category"),
            ("equals", equals, "log2"),
            ("run", declare("run"), "log2"),
            ("switches", declare("switches"), "log2"),
            ("repeats", repeats, "value"),
        ] {
            features.push(json!({"name": format!("{kind}{number}"), "of": format!("{kind}{number}"), "as": form}));
            state.insert(format!("{kind}{number}"), declared);
        }
    }
    assert_eq!(features.len(), FEATURES);
    spec_of(&state.into(), &json!({}), &features)
}

/// Times what has the first argument in its name, or everything.
fn time(name: &str, spec: &Spec, mut extract: impl FnMut(&mut [i32], &mut [f32])) {
    if std::env::args().nth(1).is_some_and(|part| !part.starts_with('-') && !name.contains(&part)) {
        return;
    }
    let (mut ids, mut vals) = (vec![0; spec.slots()], vec![0.0; spec.slots()]);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..ROWS {
            extract(black_box(&mut ids), black_box(&mut vals));
        }
        best = best.min(started.elapsed().as_secs_f64() / f64::from(ROWS));
    }
    println!("{name:<44} {:>7.3} us a row", best * 1e6);
}

fn main() {
    let spec = of_inputs();
    let texts: Vec<_> = (0..FEATURES).map(|number| format!("v{}", number * 37)).collect();
    let facts = texts.iter().zip(0..).map(|(text, number): (_, u16)| {
        if usize::from(number) < FEATURES / 2 { Fact::Text(text) } else { Fact::Float(f64::from(number) * 2.5) }
    });
    let facts: Vec<Fact<'_>> = facts.collect();
    time("40 features of facts at hand", &spec, |ids, vals| {
        spec.extract(
            |field| match field {
                FieldRef::Input(place) => facts.get(place).copied().unwrap_or_default(),
                FieldRef::State(_) => Fact::Missing,
            },
            ids,
            vals,
        );
    });

    let spec = of_state();
    let mut replay = Replay::new(&spec);
    for number in 0..30_i64 {
        let id = number.to_string();
        let value = format!("v{}", number % 4);
        let properties = (0..8).map(|property| (format!("p{property}").into(), Input::String(value.as_str().into())));
        let event = Event {
            id: id.as_str().into(),
            name: "Product Viewed".into(),
            time_ms: number * 10_000,
            properties: properties.collect(),
        };
        replay.push(&event);
    }
    time("40 features of a record", &spec, |ids, vals| {
        replay.extract(|_| Fact::Missing, ids, vals);
    });
    let value = String::from("v2");
    let properties = (0..8).map(|property| (format!("p{property}").into(), Input::String(value.as_str().into())));
    let event = Event { id: "e".into(), name: "Product Viewed".into(), time_ms: 0, properties: properties.collect() };
    time("an event into 40 aggregates, and their features", &spec, |ids, vals| {
        let mut replay = Replay::new(&spec);
        replay.push(&event);
        replay.extract(|_| Fact::Missing, ids, vals);
    });
}
