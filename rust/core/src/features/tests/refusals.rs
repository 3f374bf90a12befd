//! What is refused, and in which words.

use super::super::{CROSSES_MAX, FEATURES_MAX};
use super::*;

fn refusal(change: impl FnOnce(&mut Json)) -> String {
    let mut text = full();
    change(&mut text);
    Spec::parse(&text.to_string()).unwrap_err().to_string()
}

fn assert_refused(cases: &[(&str, Json, &str)]) {
    for (pointer, value, expected) in cases {
        let message = refusal(|text| {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            match text.pointer_mut(parent).unwrap() {
                Json::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
                parent => parent[key] = value.clone(),
            }
        });
        assert_eq!(message, format!("feature spec refused at {expected}"), "{pointer} = {value}");
    }
}

#[test]
fn the_header_is_what_this_engine_knows() {
    assert_refused(&[
        ("/version", json!(2), "version: `2` is not known: write `1`"),
        ("/hash", json!("fnv"), "hash: `fnv` is not known: write `murmur3_x86_32`"),
        ("/seed", json!(7), "seed: `7` is not known: write `0`"),
        ("/index", json!("mask"), "index: `mask` is not known: write `abs_mod`"),
        ("/overflow", json!("grow"), "overflow: `grow` is not known: write `drop`"),
        ("/bits", json!(3), "bits: `3` is out of range: use 4 to 24"),
        ("/slots", json!(0), "slots: `0` is out of range: use 1 to 1024"),
        ("/missing", json!(""), "missing: write 1 to 64 bytes, as `?`"),
        ("/scope", json!("account"), "scope: `account` is not a scope: write `session` or `journey`"),
    ]);
}

#[test]
fn state_is_declared_as_in_a_book() {
    assert_refused(&[
        ("/state/run/size", json!(3), "state.run: run has no size: remove it"),
        (
            "/state/run/property",
            Json::Null,
            "state.run: run needs a property: name the one of `Product Viewed` to look at",
        ),
        (
            "/state/price/type",
            Json::Null,
            "state.price: last needs a `type`: one of bool, int, float, string, enum, timestamp, duration",
        ),
        (
            "/state/price/type",
            json!("number"),
            "state.price: `number` is not a type: use one of bool, int, float, string, enum, string_set, timestamp, duration",
        ),
        (
            "/state/a b",
            json!({"kind": "count", "event": "x"}),
            "state.a b: `a b` is not a name: use 1 to 64 letters, digits, `_`, `.`, `-`",
        ),
        (
            "/inputs/views",
            json!({"signal": "x", "type": "int"}),
            "inputs.views: is a name of state too: rename one of them",
        ),
        ("/inputs/visitor/signal", json!(""), "inputs.visitor: `signal` is empty: name the declared signal"),
    ]);
    let message = refusal(|text| text["state"]["run"]["kind"] = json!("walk"));
    assert!(message.contains("state.run: `walk` is not an aggregate: use one of count, sum,"), "{message}");
    let message = refusal(|text| {
        for number in 0..3 {
            let ring = json!({"kind": "ring", "event": "x", "property": number.to_string(), "size": 32});
            text["state"][format!("r{number}")] = ring;
        }
    });
    assert!(message.starts_with("feature spec refused at state: a record could take "), "{message}");
}

#[test]
fn features_fit_what_they_read() {
    assert_refused(&[
        ("/features/0/of", json!("colour"), "features[0]: `colour` is neither in `state` nor in `inputs`: declare it"),
        (
            "/features/0/of",
            json!("price"),
            "features[0]: `price` is a float, which has no category: bucket it with `linear` or `log2`",
        ),
        (
            "/features/0/as",
            json!("onehot"),
            "features[0]: `onehot` is not a form: use one of category, each, linear, log2, ngram, ratio_linear, ratio_log2, ratio_value, value",
        ),
        (
            "/features/0/name",
            json!("a=b"),
            "features[0]: `a=b` is not a name: use 1 to 64 letters, digits, `_`, `.`, `-`",
        ),
        ("/features/1/name", json!("cat"), "features[1]: `cat` is declared twice: rename one of them"),
        ("/features/0/width", json!(5), "features[0]: category has no `width`: remove it"),
        ("/features/4/of", json!("recent"), "features[4]: a ring is no set here: use ngram with `n` 1"),
        ("/features/5/step", json!(0), "features[5]: the step `0` is out of range: use 1 to 64"),
        ("/features/7/width", Json::Null, "features[7]: linear needs a `width` of its buckets"),
        ("/features/7/of", json!(["sale", "views"]), "features[7]: linear is `of` one name; a ratio_linear is of two"),
        (
            "/features/7/of",
            json!("category"),
            "features[7]: `category` is a string, which has no linear: it is not a number",
        ),
        (
            "/features/8/of",
            json!("tags"),
            "features[8]: `tags` is not a ring: an ngram needs values in order of arrival",
        ),
        ("/features/9/n", json!(6), "features[9]: the n `6` is out of range: use 1 to 5"),
        (
            "/features/13/of",
            json!("spent"),
            "features[13]: ratio_linear is `of` two names, a number and what divides it, or three: a number, a sum, a count",
        ),
        ("/features", json!([]), "features: there are 0: declare 1 to 128"),
        ("/crosses/0", json!(["cat"]), "crosses[0]: crosses 1 features: name 2 to 4"),
        ("/crosses/0", json!(["cat", "cat"]), "crosses[0]: `cat` is crossed with itself"),
        ("/crosses/0", json!(["cat", "x"]), "crosses[0]: `x` is not a feature"),
        (
            "/crosses/0",
            json!(["cat", "bi"]),
            "crosses[0]: `bi` is not one token: cross categories, buckets and an ngram with `take` 1",
        ),
        ("/crosses/1", json!(["cat", "n"]), "crosses[1]: is declared twice"),
    ]);
    let many = |count: usize, of: &dyn Fn(usize) -> Json| Json::Array((0..count).map(of).collect());
    let message = refusal(|text| {
        text["features"] =
            many(FEATURES_MAX + 1, &|number| json!({"name": format!("f{number}"), "of": "views", "as": "value"}));
    });
    assert!(message.ends_with("features: there are 129: declare 1 to 128"), "{message}");
    let message = refusal(|text| text["crosses"] = many(CROSSES_MAX + 1, &|_| json!(["cat", "n"])));
    assert!(message.ends_with("crosses: there are 129: declare 128 at most"), "{message}");
}

#[test]
fn the_form_of_the_text_says_where_it_is_wrong() {
    for (change, expected) in [
        (("\"slots\":64", "\"slots\":64.0"), "at slots: invalid type: floating point `64.0`, expected usize"),
        (("\"width\":5", "\"width\":\"5\""), "features[12].width: invalid type: string \"5\", expected i64"),
        (("\"step\":2", "\"steps\":2"), "features[5].steps: unknown field `steps`, expected one of"),
        (("\"equals\":\"sale\"", "\"equals\":1.5"), "state.sale.equals: expected a string, an int or a bool"),
        (("\"of\":\"views\"", "\"of\":7"), "of: expected a name or a list of names"),
        (("\"seed\":0,", ""), "missing field `seed`"),
        (("\"seed\":0,", "\"seed\":0,\"seed\":0,"), "duplicate field `seed`"),
        (("\"n\":2,", "\"n\":2,\"n\":2,"), "duplicate field `n`"),
        (("\"run\":{", "\"views\":{"), "state: `views` is given twice"),
        (
            ("\"missing\":\"?\"", "\"missing\":\"\\u0001\""),
            "at $: the text `\\u{1}` holds a control character: remove it",
        ),
        (("\"version\":1}", "\"version\":1}x"), "trailing characters at line 1"),
    ] {
        let text = full().to_string();
        assert!(text.contains(change.0), "{} is not there", change.0);
        let message = Spec::parse(&text.replacen(change.0, change.1, 1)).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let message = Spec::parse(&" ".repeat(300_000)).unwrap_err().to_string();
    assert_eq!(message, "feature spec refused at $: it is longer than 262144 bytes: shorten it");
}
