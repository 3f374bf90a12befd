//! One example for each word of a spec.

use std::borrow::Cow;

use super::*;
use crate::state::Texts;
use crate::value::Type;

/// A spec of this state and these features, with two inputs.
fn spec(state: &Json, features: &Json) -> Spec {
    let mut text = full();
    (text["state"], text["features"], text["crosses"]) = (state.clone(), features.clone(), json!([]));
    Spec::parse(&text.to_string()).unwrap()
}

#[test]
fn a_session_of_which_nothing_is_known() {
    let spec = full_spec();
    let row = row(&spec, &Replay::new(&spec), &[]);
    let missing = ["cat", "page", "weekend", "visitor", "tags", "uni", "bi", "turn", "path", "price", "mean", "rel"];
    // Beside those: share, dear, since, heat and drift.
    assert_eq!(row.extracted, Extracted { tokens: 27, dropped: 0, missing: missing.len() + 5 });
}

#[test]
fn a_session_in_full() {
    let spec = full_spec();
    let mut replay = Replay::new(&spec);
    let steps = [(0, "shoes", "m1", 30), (10_000, "sale", "m2", 60), (70_000, "sale", "m1", 120)];
    for (number, (time_ms, category, model, price)) in steps.into_iter().enumerate() {
        let properties = [
            ("category", Input::String(category.into())),
            ("model", Input::String(model.into())),
            ("price", Input::Int(price)),
            ("page", Input::Int(2)),
        ];
        replay.push(&event(&number.to_string(), VIEWED, time_ms, &properties));
    }
    replay.push(&event("cart", "Cart Viewed", 80_000, &[]));
    let tags: Vec<Cow<'_, str>> = vec!["a".into(), "b".into()];
    let inputs = [Fact::Texts(Texts::List(&tags)), Fact::Text("new"), Fact::Bool(true)];
    assert_eq!(
        spec.inputs().iter().map(|input| input.name.as_str()).collect::<Vec<_>>(),
        ["tags", "visitor", "weekend"]
    );

    let drift = {
        let keeps = (-1.0_f64 / 3.0).exp2();
        let mean = 30.0 * keeps + 60.0 * (1.0 - keeps);
        mean * keeps + 120.0 * (1.0 - keeps)
    };
    let drift = format!("drift={}", (drift / 5.0).floor());
    #[allow(clippy::cast_possible_truncation, reason = "as the row does")]
    let heat = (
        (2.0 * (1.0 + (-60.0_f64 / 600.0).exp2() + (-70.0_f64 / 600.0).exp2()) * (-10.0_f64 / 600.0).exp2()) as f32,
        0,
    );
    let got = row(&spec, &replay, &inputs);
    let tokens = [
        ("cat=sale", 1.0),
        ("page=2", 1.0),
        ("weekend=true", 1.0),
        ("visitor=new", 1.0),
        ("tags=a", 1.0),
        ("tags=b", 1.0),
        ("n=4", 1.0),
        ("all=2", 1.0),
        ("sale=2", 1.0),
        ("uni=shoes", 1.0),
        ("uni=sale", 1.0),
        ("uni=sale", 1.0),
        ("bi=shoes>sale", 1.0),
        ("bi=sale>sale", 1.0),
        ("turn=sale>sale", 1.0),
        ("path=Product Viewed>Product Viewed>Cart Viewed", 1.0),
        ("price=20", 1.0),
        ("mean=14", 1.0),
        ("rel=17", 1.0),
        ("share", 2.0 / 3.0),
        ("dear=4", 1.0),
        ("run=1", 1.0),
        ("switches=1", 1.0),
        ("repeats=1", 1.0),
        ("models", 2.0),
        ("since=3", 1.0),
        ("heat", heat.0),
        (drift.as_str(), 1.0),
        ("dwell=6", 1.0),
        ("cat=sale&n=4", 1.0),
        ("turn=sale>sale&visitor=new", 1.0),
        ("cat=sale&page=2&sale=2", 1.0),
    ];
    assert!((got.vals[26].abs() - heat.0).abs() < 1e-6, "{:?}", got.vals[26]);
    let tokens =
        tokens.map(|(token, weight)| if token == "heat" { (token, got.vals[26].abs()) } else { (token, weight) });
    assert_tokens(&spec, &replay, &inputs, &tokens);
    assert_eq!(got.extracted.missing, 0);
}

#[test]
fn buckets_of_numbers() {
    let state = json!({"x": {"kind": "last", "event": "*", "property": "x", "type": "float"},
                       "y": {"kind": "last", "event": "*", "property": "y", "type": "int"}});
    let features = json!([
        {"name": "lin", "of": "x", "as": "linear", "width": 5, "cap": 20},
        {"name": "log", "of": "x", "as": "log2"},
        {"name": "half", "of": "x", "as": "log2", "step": 2, "width": 10},
        {"name": "ratio", "of": ["x", "y"], "as": "ratio_linear", "scale": 100, "width": 25},
        {"name": "val", "of": "x", "as": "value", "cap": 1000, "width": 4},
    ]);
    let spec = spec(&state, &features);
    for (x, y, tokens) in [
        (
            Input::Float(12.5),
            Input::Int(10),
            [("lin=2", 1.0), ("log=3", 1.0), ("half=2", 1.0), ("ratio=5", 1.0), ("val", 3.125)],
        ),
        (
            Input::Int(-7),
            Input::Int(2),
            [("lin=-2", 1.0), ("log=-3", 1.0), ("half=-1", 1.0), ("ratio=-14", 1.0), ("val", -1.75)],
        ),
        (
            Input::Float(1e300),
            Input::Int(1),
            [("lin=4", 1.0), ("log=996", 1.0), ("half=1986", 1.0), ("ratio=9223372036854775807", 1.0), ("val", 250.0)],
        ),
        (
            Input::Int(3),
            Input::Int(0),
            [("lin=0", 1.0), ("log=2", 1.0), ("half=0", 1.0), ("ratio=?", 1.0), ("val", 0.75)],
        ),
    ] {
        let mut replay = Replay::new(&spec);
        replay.push(&event("1", "any", 0, &[("x", x), ("y", y)]));
        assert_tokens(&spec, &replay, &[], &tokens);
    }
}

#[test]
fn a_zero_is_no_token_and_an_empty_set_is_not_missing() {
    let state = json!({"views": {"kind": "count", "event": VIEWED}});
    let features =
        json!([{"name": "views", "of": "views", "as": "value"}, {"name": "tags", "of": "tags", "as": "each"}]);
    let spec = spec(&state, &features);
    let replay = Replay::new(&spec);
    assert_tokens(&spec, &replay, &[Fact::Texts(Texts::List(&[]))], &[]);
    assert_tokens(&spec, &replay, &[], &[("tags=?", 1.0)]);
    assert_eq!(row(&spec, &replay, &[]).extracted.missing, 1);
}

#[test]
fn what_has_another_type_or_is_not_finite_is_missing() {
    let features = json!([{"name": "v", "of": "visitor", "as": "category"}, {"name": "w", "of": "weekend", "as": "linear", "width": 1}]);
    let spec = spec(&json!({}), &features);
    let replay = Replay::new(&spec);
    assert_tokens(&spec, &replay, &[Fact::Missing, Fact::Float(1.0), Fact::Text("x")], &[("v=?", 1.0), ("w=?", 1.0)]);
    assert_tokens(
        &spec,
        &replay,
        &[Fact::Missing, Fact::Text("é=&"), Fact::Float(f64::NAN)],
        &[("v=é=&", 1.0), ("w=?", 1.0)],
    );
    assert_tokens(
        &spec,
        &replay,
        &[Fact::Missing, Fact::Int(i64::MIN), Fact::Float(f64::INFINITY)],
        &[("v=-9223372036854775808", 1.0), ("w=?", 1.0)],
    );
}

#[test]
fn the_last_tokens_in_declared_order_find_no_slot() {
    let mut text = full();
    text["slots"] = json!(7);
    let short = Spec::parse(&text.to_string()).unwrap();
    let long = full_spec();
    let (short, long) = (row(&short, &Replay::new(&short), &[]), row(&long, &Replay::new(&long), &[]));
    assert_eq!((short.ids.as_slice(), short.vals.as_slice()), (&long.ids[..7], &long.vals[..7]));
    assert_eq!(short.extracted, Extracted { tokens: 7, dropped: 20, ..long.extracted });
}

#[test]
fn state_is_kept_apart_by_purpose() {
    let (spec, other) = (full_spec(), full_spec().for_purposes(&["ads".to_owned()]));
    let digests = |spec: &Spec| spec.aggregates().iter().map(|(_, aggregate)| aggregate.digest()).collect::<Vec<_>>();
    assert!(digests(&spec).iter().zip(digests(&other)).all(|(one, other)| *one != other));
    assert_eq!(spec.digest(), other.digest());
    let rows = [&spec, &other].map(|spec| {
        let mut replay = Replay::new(spec);
        replay.push(&event("1", VIEWED, 0, &[("category", Input::String("hats".into()))]));
        row(spec, &replay, &[])
    });
    assert_eq!(rows[0], rows[1]);
}

#[test]
fn a_spec_says_what_it_needs() {
    let spec = full_spec();
    assert_eq!((spec.slots(), spec.width(), spec.scope().name()), (64, 16_384, "session"));
    assert_eq!(spec.feature_names().take(3).collect::<Vec<_>>(), ["cat", "page", "weekend"]);
    let visitor = &spec.inputs()[1];
    assert_eq!((visitor.signal.as_str(), visitor.value_type), ("visit.visitor_type", Type::String));
    assert_eq!(spec.aggregates().len(), 18);
    assert!(spec.aggregates().is_sorted_by(|(left, _), (right, _)| left < right));
}

#[test]
fn the_digest_is_that_of_the_canonical_text() {
    let text = full().to_string();
    let spaced = serde_json::to_string_pretty(&full()).unwrap();
    let (spec, same) = (Spec::parse(&text).unwrap(), Spec::parse(&spaced).unwrap());
    assert_eq!((spec.canonical(), spec.digest()), (same.canonical(), same.digest()));
    assert_eq!(spec.digest(), crate::bundle::digest(spec.canonical().as_bytes()));
    assert!(spec.canonical().starts_with(r#"{"bits":14,"crosses":[["cat","n"],"#), "{}", spec.canonical());
    assert_eq!(Spec::parse(spec.canonical()).unwrap().canonical(), spec.canonical());
}
