//! Feature specs as a model's maker sees them: what comes out, what is refused and how, and what is promised of any spec.

mod examples;
mod laws;
mod refusals;

use serde_json::{Value as Json, json};

use super::{Extracted, Replay, Spec, slot_and_sign};
use crate::input::Input;
use crate::state::{Event, Fact};

const VIEWED: &str = "Product Viewed";

/// A spec with every kind of state and every form, which leave some slots of 64 free.
fn full() -> Json {
    let of = |kind: &str| json!({"kind": kind, "event": VIEWED});
    let on = |kind: &str, property: &str| json!({"kind": kind, "event": VIEWED, "property": property});
    let with = |mut base: Json, key: &str, value: Json| {
        base[key] = value;
        base
    };
    json!({
        "version": 1, "hash": "murmur3_x86_32", "seed": 0, "index": "abs_mod", "bits": 14, "slots": 64, "missing": "?",
        "overflow": "drop", "scope": "session",
        "state": {
            "views": of("count"),
            "events": {"kind": "count", "event": "*"},
            "sale": with(on("count", "category"), "equals", json!("sale")),
            "category": with(on("last", "category"), "type", json!("string")),
            "recent": with(on("ring", "category"), "size", json!(4)),
            "names": {"kind": "ring", "event": "*", "size": 3},
            "price": with(on("last", "price"), "type", json!("float")),
            "spent": with(on("sum", "price"), "type", json!("float")),
            "page": with(on("last", "page"), "type", json!("int")),
            "dearest": with(on("max", "price"), "type", json!("float")),
            "run": on("run", "category"),
            "switches": on("switches", "category"),
            "repeats": with(on("repeats", "model"), "size", json!(8)),
            "models": on("distinct", "model"),
            "since": of("since"),
            "heat": with(of("decay"), "halfLifeMs", json!(600_000)),
            "drift": with(on("ewma", "price"), "size", json!(3)),
            "dwell": with(of("dwell"), "capMs", json!(1_800_000)),
        },
        "inputs": {
            "visitor": {"signal": "visit.visitor_type", "type": "string"},
            "weekend": {"signal": "visit.weekend", "type": "bool"},
            "tags": {"signal": "visit.tags", "type": "string_set"},
        },
        "features": [
            {"name": "cat", "of": "category", "as": "category"},
            {"name": "page", "of": "page", "as": "category"},
            {"name": "weekend", "of": "weekend", "as": "category"},
            {"name": "visitor", "of": "visitor", "as": "category"},
            {"name": "tags", "of": "tags", "as": "each"},
            {"name": "n", "of": "views", "as": "log2", "step": 2},
            {"name": "all", "of": "events", "as": "log2"},
            {"name": "sale", "of": "sale", "as": "linear", "width": 1, "cap": 9},
            {"name": "uni", "of": "recent", "as": "ngram"},
            {"name": "bi", "of": "recent", "as": "ngram", "n": 2},
            {"name": "turn", "of": "recent", "as": "ngram", "n": 2, "take": 1},
            {"name": "path", "of": "names", "as": "ngram", "n": 3},
            {"name": "price", "of": "price", "as": "linear", "width": 5, "cap": 100},
            {"name": "mean", "of": ["spent", "views"], "as": "ratio_linear", "width": 5, "cap": 100},
            {"name": "rel", "of": ["price", "spent", "views"], "as": "ratio_linear", "scale": 100, "width": 10, "cap": 300},
            {"name": "share", "of": ["sale", "views"], "as": "ratio_value"},
            {"name": "dear", "of": ["dearest", "price"], "as": "ratio_log2", "step": 4},
            {"name": "run", "of": "run", "as": "log2"},
            {"name": "switches", "of": "switches", "as": "log2"},
            {"name": "repeats", "of": "repeats", "as": "log2"},
            {"name": "models", "of": "models", "as": "value"},
            {"name": "since", "of": "since", "as": "log2", "width": 1000},
            {"name": "heat", "of": "heat", "as": "value", "scale": 2, "cap": 50},
            {"name": "drift", "of": "drift", "as": "linear", "width": 5},
            {"name": "dwell", "of": "dwell", "as": "log2", "width": 1000, "cap": 3_600_000},
        ],
        "crosses": [["cat", "n"], ["turn", "visitor"], ["cat", "page", "sale"]],
    })
}

fn full_spec() -> Spec {
    Spec::parse(&full().to_string()).unwrap()
}

fn event<'a>(id: &'a str, name: &'a str, time_ms: i64, properties: &[(&'static str, Input<'a>)]) -> Event<'a> {
    let properties = properties.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Event { id: id.into(), name: name.into(), time_ms, properties }
}

/// A row as it was left in buffers that held something else.
#[derive(Debug, PartialEq)]
struct RowOf {
    ids: Vec<i32>,
    vals: Vec<f32>,
    extracted: Extracted,
}

fn row(spec: &Spec, replay: &Replay<'_>, inputs: &[Fact<'_>]) -> RowOf {
    let (mut ids, mut vals) = (vec![-1; spec.slots()], vec![f32::NAN; spec.slots()]);
    let input = |place: usize| inputs.get(place).copied().unwrap_or_default();
    let extracted = replay.extract(input, &mut ids, &mut vals);
    RowOf { ids, vals, extracted }
}

/// The row that these tokens make.
fn expected(spec: &Spec, tokens: &[(&str, f32)]) -> (Vec<i32>, Vec<f32>) {
    let placed = tokens.iter().map(|(token, weight)| {
        let (slot, sign) = slot_and_sign(token.as_bytes(), spec.width());
        (slot, if sign > 0.0 { *weight } else { -weight })
    });
    let padding = std::iter::repeat((0, 0.0));
    placed.chain(padding).take(spec.slots()).unzip()
}

fn assert_tokens(spec: &Spec, replay: &Replay<'_>, inputs: &[Fact<'_>], tokens: &[(&str, f32)]) {
    let row = row(spec, replay, inputs);
    let (ids, vals) = expected(spec, tokens);
    for (place, (token, _)) in tokens.iter().enumerate().take(spec.slots()) {
        assert_eq!((row.ids[place], row.vals[place]), (ids[place], vals[place]), "{token} at {place}");
    }
    assert_eq!((&row.ids, &row.vals), (&ids, &vals));
    assert_eq!(row.extracted.tokens, tokens.len().min(spec.slots()));
    assert_eq!(row.extracted.dropped, tokens.len().saturating_sub(spec.slots()));
}
