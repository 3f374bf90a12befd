//! What is promised of any spec, any text and any events.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::state::Record;

const BYTES: &[u8] = b" \t0129aAzZ\"\\/ue-+.E_{}[]:,?&=>\x00\x1f\x7f";

fn some_event() -> impl Strategy<Value = (String, &'static str, i64, Vec<(&'static str, Input<'static>)>)> {
    let text =
        |values: &'static [&'static str]| proptest::sample::select(values).prop_map(|text| Input::String(text.into()));
    let number = prop_oneof![
        (0..200_i64).prop_map(Input::Int),
        (0..800_i32).prop_map(|quarter| Input::Float(f64::from(quarter) / 4.0)),
        any::<f64>().prop_map(Input::Float),
        Just(Input::Null),
    ];
    let properties =
        (text(&["sale", "shoes", "hats", "Käse", ""]), text(&["m1", "m2", "m3", "m4", "m5"]), number.clone(), number);
    let name = prop_oneof![4 => Just(VIEWED), 1 => Just("Cart Viewed"), 1 => Just("Page Viewed")];
    let id = (0..30).prop_map(|number: i32| number.to_string());
    let time_ms = prop_oneof![0..3_600_000_i64, any::<i64>()];
    (id, name, time_ms, properties).prop_map(|(id, name, time_ms, (category, model, price, page))| {
        (id, name, time_ms, vec![("category", category), ("model", model), ("price", price), ("page", page)])
    })
}

fn replayed<'s>(spec: &'s Spec, events: &[Event<'_>]) -> Replay<'s> {
    let mut replay = Replay::new(spec);
    for event in events {
        replay.push(event);
    }
    replay
}

proptest! {
    #[test]
    fn each_prefix_gives_what_replaying_it_alone_gives(parts in vec(some_event(), 0..30)) {
        let spec = full_spec();
        let events: Vec<_> = parts.iter().map(|(id, name, at, properties)| event(id, name, *at, properties)).collect();
        let mut streamed = Replay::new(&spec);
        for prefix in 1..=events.len() {
            streamed.push(&events[prefix - 1]);
            prop_assert_eq!(row(&spec, &streamed, &[]), row(&spec, &replayed(&spec, &events[..prefix]), &[]));
        }
    }

    #[test]
    fn a_record_that_went_through_its_bytes_gives_the_same_row(parts in vec(some_event(), 0..30), now_ms in 0..7_200_000_i64) {
        let spec = full_spec();
        let events: Vec<_> = parts.iter().map(|(id, name, at, properties)| event(id, name, *at, properties)).collect();
        let replay = replayed(&spec, &events);
        let mut bytes = Vec::new();
        replay.record().encode(now_ms, &mut bytes);
        let read_back = Record::decode(&bytes).unwrap();
        let rows = [replay.record(), &read_back].map(|record| {
            let (mut ids, mut vals) = (vec![0; 64], vec![0.0; 64]);
            let extracted = spec.extract_record(record, now_ms, |_| Fact::Missing, &mut ids, &mut vals);
            (ids, vals, extracted)
        });
        prop_assert_eq!(&rows[0], &rows[1]);
    }

    #[test]
    fn rows_are_in_range_finite_and_padded_whatever_comes(parts in vec(some_event(), 0..30), slots in 1..80_usize, bits in 4..=24_u32) {
        let mut text = full();
        (text["slots"], text["bits"]) = (json!(slots), json!(bits));
        let spec = Spec::parse(&text.to_string()).unwrap();
        let events: Vec<_> = parts.iter().map(|(id, name, at, properties)| event(id, name, *at, properties)).collect();
        let row = row(&spec, &replayed(&spec, &events), &[]);
        let (used, free) = row.vals.split_at(row.extracted.tokens);
        prop_assert!(row.ids.iter().all(|id| (0..1 << bits).contains(id)));
        prop_assert!(used.iter().all(|val| val.is_finite() && *val != 0.0));
        prop_assert!(free.iter().all(|val| val.to_bits() == 0));
        prop_assert!(row.ids[row.extracted.tokens..].iter().all(|id| *id == 0));
        prop_assert!(row.extracted.dropped == 0 || free.is_empty());
    }

    #[test]
    fn any_text_is_a_spec_or_refused(garbage in vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":,a-z0-9 ]{0,80}") {
        let _ = Spec::parse(&String::from_utf8_lossy(&garbage));
        let _ = Spec::parse(&text);
    }

    #[test]
    fn a_mangled_spec_is_a_spec_or_refused(
        cuts in vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 1..4),
    ) {
        let mut text = full_spec().canonical().to_owned();
        for (from, until, to) in cuts {
            let (from, until, to) = (from.index(text.len()), until.index(text.len()), to.index(text.len()));
            let piece = text.get(from..until.max(from)).unwrap_or_default().to_owned();
            text.insert_str(to, &piece.chars().take(60).collect::<String>());
        }
        let _ = Spec::parse(&text);
    }

    #[test]
    fn changing_any_byte_changes_the_digest_or_is_refused(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let spec = full_spec();
        changed(&spec, at.index(spec.canonical().len()), byte)?;
    }
}

/// The canonical text with one byte changed.
fn changed(spec: &Spec, at: usize, byte: u8) -> Result<(), TestCaseError> {
    let mut bytes = spec.canonical().as_bytes().to_vec();
    if bytes[at] == byte {
        return Ok(());
    }
    bytes[at] = byte;
    if let Ok(other) = std::str::from_utf8(&bytes).map_err(|_| ()).and_then(|text| Spec::parse(text).map_err(|_| ())) {
        prop_assert_ne!(spec.digest(), other.digest(), "byte {} at {}", byte, at);
    }
    Ok(())
}

#[test]
fn no_byte_of_json_hides_in_a_digest() {
    let mut text = full();
    // A small one with a text and a number of every sort, so that every byte can be tried in good time.
    text["state"] = json!({"n": {"kind": "count", "event": "a\"\\é", "property": "p", "equals": 10}});
    text["inputs"] = json!({"v": {"signal": "v", "type": "bool"}});
    text["features"] =
        json!([{"name": "n", "of": "n", "as": "log2", "step": 2}, {"name": "v", "of": "v", "as": "category"}]);
    text["crosses"] = json!([["n", "v"]]);
    let spec = Spec::parse(&text.to_string()).unwrap();
    for at in 0..spec.canonical().len() {
        for byte in BYTES {
            changed(&spec, at, *byte).unwrap();
        }
    }
}
