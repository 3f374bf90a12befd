//! One example for each word of a spec.

use super::super::{FieldRef, Replay, Spec, slot_and_sign};
use crate::input::Input;
use crate::state::{Event, Fact};

fn spec(state: &str, inputs: &str, features: &str, crosses: &str) -> String {
    format!(
        r#"{{"version":1,"hash":"murmur3_x86_32","seed":0,"index":"abs_mod","bits":14,"slots":16,"missing":"?",
            "overflow":"drop","scope":"session","state":{{{state}}},"inputs":{{{inputs}}},"features":[{features}],"crosses":[{crosses}]}}"#
    )
}

fn viewed<'a>(id: &'a str, time_ms: i64, properties: &[(&'static str, Input<'a>)]) -> Event<'a> {
    let properties = properties.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Event { id: id.into(), name: "Product Viewed".into(), time_ms, properties }
}

/// The slots in use, beside those of the expected tokens.
fn compare(spec: &Spec, replay: &Replay<'_>, inputs: &[Fact<'_>], tokens: &[(&str, f32)]) {
    let (mut ids, mut vals) = (vec![-1; spec.slots()], vec![-1.0; spec.slots()]);
    let input = |place: usize| inputs.get(place).copied().unwrap_or_default();
    let extracted = replay.extract(input, &mut ids, &mut vals);
    assert_eq!(extracted.tokens, tokens.len().min(spec.slots()));
    assert_eq!(extracted.dropped, tokens.len().saturating_sub(spec.slots()));
    for (place, (token, weight)) in tokens.iter().take(spec.slots()).enumerate() {
        let (slot, sign) = slot_and_sign(token.as_bytes(), spec.width());
        #[allow(clippy::cast_possible_truncation, reason = "a sign")]
        let expected = (slot, weight * sign as f32);
        assert_eq!((ids[place], vals[place]), expected, "{token} at {place}");
    }
    assert!(ids.iter().zip(&vals).skip(tokens.len()).all(|(id, val)| *id == 0 && val.to_bits() == 0));
}

#[test]
fn state_and_inputs_become_tokens() {
    let text = spec(
        r#""views":{"kind":"count","event":"Product Viewed"},
           "category":{"kind":"last","event":"Product Viewed","property":"category","type":"string"},
           "categories":{"kind":"ring","event":"Product Viewed","property":"category","size":4},
           "price":{"kind":"last","event":"Product Viewed","property":"price","type":"float"},
           "spent":{"kind":"sum","event":"Product Viewed","property":"price","type":"float"}"#,
        r#""visitor":{"signal":"visit.visitor_type","type":"string"},"tags":{"signal":"visit.tags","type":"string_set"}"#,
        r#"{"name":"cat","of":"category","as":"category"},{"name":"n","of":"views","as":"log2"},
           {"name":"price","of":"price","as":"linear","width":5,"cap":100},
           {"name":"bi","of":"categories","as":"ngram","n":2},
           {"name":"last2","of":"categories","as":"ngram","n":2,"take":1},
           {"name":"rel","of":["price","spent","views"],"as":"ratio_linear","scale":100,"width":10,"cap":300},
           {"name":"x","of":"views","as":"value"},{"name":"v","of":"visitor","as":"category"},
           {"name":"t","of":"tags","as":"each"}"#,
        r#"["cat","n"],["last2","v"]"#,
    );
    let spec = Spec::parse(&text).unwrap();
    let mut replay = Replay::new(&spec);
    let unknown = [
        ("cat=?", 1.0),
        ("n=0", 1.0),
        ("price=?", 1.0),
        ("bi=?", 1.0),
        ("last2=?", 1.0),
        ("rel=?", 1.0),
        ("v=?", 1.0),
        ("t=?", 1.0),
        ("cat=?&n=0", 1.0),
        ("last2=?&v=?", 1.0),
    ];
    compare(&spec, &replay, &[], &unknown);
    for (id, category, price) in [("a", "shoes", 30), ("b", "hats", 60), ("c", "shoes", 120)] {
        replay.push(&viewed(id, 0, &[("category", Input::String(category.into())), ("price", Input::Int(price))]));
    }
    let tags: Vec<std::borrow::Cow<'_, str>> = vec!["a".into(), "b".into()];
    // Inputs are sorted by name: tags, visitor.
    let inputs = [Fact::Texts(crate::state::Texts::List(&tags)), Fact::Text("new")];
    let known = [
        ("cat=shoes", 1.0),
        ("n=2", 1.0),
        ("price=20", 1.0),
        ("bi=shoes>hats", 1.0),
        ("bi=hats>shoes", 1.0),
        ("last2=hats>shoes", 1.0),
        ("rel=17", 1.0),
        ("x", 3.0),
        ("v=new", 1.0),
        ("t=a", 1.0),
        ("t=b", 1.0),
        ("cat=shoes&n=2", 1.0),
        ("last2=hats>shoes&v=new", 1.0),
    ];
    compare(&spec, &replay, &inputs, &known);
    assert_eq!(spec.aggregates()[0].0, "categories");
    assert!(matches!(FieldRef::State(0), FieldRef::State(_)));
}
