//! The language by example: what compiles, what it says, and what is refused where.

use super::*;
use crate::input::Input;
use crate::signal::Signal;
use crate::value::{Type, Value};

fn table() -> SignalTable {
    let mut table = SignalTable::default();
    for (name, kind) in [
        ("flag", Type::Bool),
        ("ready", Type::Bool),
        ("age", Type::Int),
        ("days", Type::Int),
        ("risk", Type::Float),
        ("name", Type::String),
        ("order.channel", Type::Enum),
        ("tags", Type::StringSet),
        ("seen", Type::Timestamp),
        ("since", Type::Duration),
    ] {
        let values = if kind == Type::Enum { vec!["online".to_owned(), "store".to_owned()] } else { Vec::new() };
        table.push(Signal { name: name.to_owned(), kind: Some(kind), values, min: None, max: None });
    }
    table.push(Signal { name: "untyped".to_owned(), kind: None, values: Vec::new(), min: None, max: None });
    table
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.set("window_days", Constant::Scalar(Value::Int(30)));
    policy.set("limits.wait", Constant::Scalar(Value::String("14h".into())));
    policy.set("countries", Constant::Strings(vec!["DE".to_owned(), "AT".to_owned()]));
    policy
}

fn compile(text: &str) -> Condition {
    Condition::compile(text, &table(), &policy()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> ConditionError {
    match Condition::compile(text, &table(), &policy()) {
        Ok(condition) => panic!("{text} compiled to {condition}"),
        Err(error) => error,
    }
}

fn row(values: &[(&str, Input<'static>)]) -> Vec<Reading<'static>> {
    let table = table();
    let mut row = vec![Reading::Missing; table.len()];
    for (name, value) in values {
        let slot = table.slot(name).unwrap();
        row[slot as usize] = table.get(slot).unwrap().admit(value.clone());
    }
    row
}

fn with(values: &[(&str, Input<'static>)], states: &[(&str, Reading<'static>)]) -> Vec<Reading<'static>> {
    let mut row = row(values);
    for (name, reading) in states {
        row[table().slot(name).unwrap() as usize] = reading.clone();
    }
    row
}

fn truth(text: &str, values: &[(&str, Input<'static>)]) -> Truth {
    compile(text).truth(&row(values))
}

fn text(text: &'static str) -> Input<'static> {
    Input::String(text.into())
}

fn names(slots: &[SignalId]) -> Vec<String> {
    slots.iter().map(|slot| table().name(*slot).to_owned()).collect()
}

#[test]
fn literals_fold_as_cel_says() {
    for yes in [
        "true",
        "!false",
        "1 == 1.0",
        ".99 <= 9.9e-1",
        "0x10 == 16",
        "-9223372036854775808 < -9223372036854775807",
        "'a' < 'b'",
        "false < true",
        "'f' < '\\u1EBF'",
        "-0.0 == 0.0",
        "3 in [5, 4.0, 3.0]",
        "duration('90m') == duration('1h30m')",
        "timestamp('2026-11-21T00:00:00Z') < timestamp('2026-11-21T00:00:00-01:00')",
        "'hubba'.matches('ubb')",
        "matches('hubba', r'^h\\w+$')",
        "size('\\U0001F600') == 1",
        "'abc'.endsWith('bc') && 'abc'.contains('') && 'abc'.startsWith('ab')",
        "(true && false) == false",
        "(1 < 2) == !false",
        "policy.window_days == 30",
        "duration(policy.limits.wait) == duration('14h')",
        "'DE' in policy.countries",
        "// a note\ntrue // and another",
    ] {
        assert_eq!(truth(yes, &[]), Truth::True, "{yes}");
    }
}

#[test]
fn each_kind_of_leaf_reads_its_signal() {
    let values = [
        ("flag", Input::Bool(true)),
        ("age", Input::Float(31.0)),
        ("risk", Input::Int(1)),
        ("name", text("caf\u{e9}")),
        ("order.channel", text("online")),
        ("tags", Input::List(vec![text("b"), text("a"), text("b")])),
        ("seen", text("2026-11-21T00:00:00Z")),
        ("since", text("90m")),
    ];
    for yes in [
        "flag",
        "flag == true",
        "age == 31 && 30 < age",
        "age < 31.5",
        "risk >= 1 && age > risk",
        "name.startsWith('caf') && size(name) == 4 && name.size() < age",
        "'un caf\u{e9}'.endsWith(name)",
        "order.channel == 'online' && order . channel != 'store'",
        "order.channel in ['store', 'online']",
        "size(tags) == 2 && 'a' in tags && !(name in tags)",
        "seen > timestamp('2026-11-20T23:59:59Z')",
        "since == duration('1h30m') && since < duration('91m')",
        "has(age) && !has(days)",
        "age <= policy.window_days || age in [31, 32]",
    ] {
        assert_eq!(truth(yes, &values), Truth::True, "{yes}");
    }
}

#[test]
fn unknown_is_absorbed_only_by_a_deciding_operand() {
    let values = [("age", Input::Int(5))];
    assert_eq!(truth("age == 5 || flag", &values), Truth::True);
    assert_eq!(truth("flag || age == 5", &values), Truth::True);
    assert_eq!(truth("flag && age != 5", &values), Truth::False);
    assert_eq!(truth("flag && age == 5", &values), Truth::Unknown);
    assert_eq!(truth("!(name != 'x')", &values), Truth::Unknown);
    assert_eq!(truth("flag || !flag", &values), Truth::Unknown);
    assert_eq!(truth("days in []", &values), Truth::Unknown);
    assert_eq!(truth("untyped < 5 || untyped.startsWith('a') || 'x' in untyped || untyped", &[]), Truth::Unknown);
}

#[test]
fn has_is_unknown_only_when_denied() {
    let state = |reading| compile("has(age)").truth(&with(&[], &[("age", reading)]));
    assert_eq!(state(Reading::Known(Value::Int(1))), Truth::True);
    assert_eq!(state(Reading::Missing), Truth::False);
    assert_eq!(state(Reading::Stale), Truth::False);
    assert_eq!(state(Reading::Invalid), Truth::False);
    assert_eq!(state(Reading::Denied), Truth::Unknown);
}

#[test]
fn blocking_names_what_is_not_absorbed_in_order_of_the_text() {
    let condition = compile("(days > 1 || age == 5) && (flag || name == 'x') && age < days");
    let row = with(&[("age", Input::Int(5))], &[("flag", Reading::Denied)]);
    assert_eq!(condition.truth(&row), Truth::Unknown);
    assert_eq!(names(&condition.blocking(&row)), ["days", "flag", "name"]);
    assert!(compile("days > 1 || age == 5").blocking(&row).is_empty());
    assert!(compile("days > 1 && age != 5").blocking(&row).is_empty());
    assert_eq!(names(condition.signals()), ["days", "age", "flag", "name"]);
}

#[test]
fn support_names_what_made_it_true() {
    let row = row(&[("age", Input::Int(5)), ("flag", Input::Bool(true))]);
    let condition = compile("age == 5 && (name == 'x' || flag || age > 1)");
    assert_eq!(names(&condition.support(&row)), ["age", "flag"]);
    assert!(compile("age == 6 || name == 'x'").support(&row).is_empty());
}

#[test]
fn canonical_text_reads_back() {
    for (given, canonical) in [
        ("!(age == 1)", "age != 1"),
        ("!(5 < age)", "age <= 5"),
        ("!(flag && !ready)", "!flag || ready"),
        ("!(age in [2, 1, 1])", "!(age in [1, 2])"),
        ("flag && (ready || has(age)) && true", "flag && (ready || has(age)) && true"),
        ("flag && ready || age > 1", "flag && ready || age > 1"),
        ("tags.size() > 0x10", "size(tags) > 16"),
        ("!name.contains('\"\\n')", "!name.contains(\"\\\"\\n\")"),
        ("name.matches(r'\\d+')", "name.matches(\"\\\\d+\")"),
        ("since > duration('90m')", "since > duration(\"1h30m\")"),
        ("seen < timestamp('2026-11-21T01:00:00+01:00')", "seen < timestamp(\"2026-11-21T00:00:00Z\")"),
        ("risk > -1e300", "risk > -1e300"),
        ("risk == -0.0", "risk == 0.0"),
        ("name in policy.countries", "name in [\"AT\", \"DE\"]"),
        ("!!flag", "flag"),
        ("1 > 2", "false"),
        ("!(1 > 2)", "true"),
    ] {
        assert_eq!(compile(given).to_string(), canonical, "{given}");
        assert_eq!(compile(canonical).to_string(), canonical, "{canonical}");
    }
}

#[test]
fn errors_say_where_and_what_to_do() {
    for (text, expected, hint) in [
        ("", "1:1: expected a value, found the end", None),
        ("age ==", "1:7: expected a value, found the end", None),
        ("ag == 5", "1:1: unknown signal `ag`", Some("did you mean `age`?")),
        ("'\u{1f600}' == nme", "1:8: unknown signal `nme`", Some("did you mean `name`?")),
        (
            "flag &&\n  order.chanel == 'online'",
            "2:3: unknown signal `order.chanel`",
            Some("did you mean `order.channel`?"),
        ),
        ("order.channel == 'onlin'", "1:18: `onlin` is not a value of `order.channel`", Some("did you mean `online`?")),
        (
            "order.channel in ['store', 'phone']",
            "1:28: `phone` is not a value of `order.channel`",
            Some("its values are `online`, `store`"),
        ),
        ("'a' in [1, 'a']", "1:9: types do not match: a string and an int", None),
        (
            "age == '5'",
            "1:5: types do not match: `age` is an int, the literal is a string",
            Some("write the number without quotes"),
        ),
        ("flag and age == 5", "1:6: expected an operator, found `and`", Some("write `&&`")),
        ("(flag OR flag)", "1:7: expected `)`, found `OR`", Some("write `||`")),
        ("not flag", "1:1: `not` is not part of conditions", Some("write `!`")),
        ("flag && not (flag)", "1:9: `not` is not part of conditions", Some("write `!`")),
        (
            "name < duration('15h')",
            "1:6: types do not match: `name` is a string, the literal is a duration",
            Some("declare the signal as a duration"),
        ),
        (
            "policy.windw_days == 1",
            "1:1: unknown constant `policy.windw_days`",
            Some("did you mean `policy.window_days`?"),
        ),
        ("name.matches('(')", "1:14: bad pattern: unclosed group", None),
        (
            "since > duration('1d')",
            "1:18: `1d` is not a duration",
            Some("units are h, m, s, ms, us and ns: write `36h` or `1h30m`; a day is `24h`"),
        ),
    ] {
        let error = error(text);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.hint.as_deref(), hint, "{text}");
    }
}

#[test]
fn errors_tell_unknown_names_from_slips_of_grammar() {
    let told = |text| {
        let error = error(text);
        (error.kind.name(), error.unknown)
    };
    assert_eq!(told("flag &&"), ("syntax", None));
    assert_eq!(told("age == 'a'"), ("type", None));
    assert_eq!(told("flag && nothing"), ("type", Some("nothing".to_owned())));
    assert_eq!(told("age == policy.no"), ("type", Some("policy.no".to_owned())));
    let condition = compile("age == policy.window_days || name in policy.countries && days > policy.window_days");
    assert_eq!(condition.constants(), ["window_days", "countries"]);
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "age",
        "1",
        "'a'",
        "name",
        "[true]",
        "duration('1s')",
        "age + 1 == 2",
        "age > -days",
        "age % 2 == 0",
        "flag ? ready : flag",
        "tags[0] == 'a'",
        "{'a': 1} == {'a': 1}",
        "null == null",
        "1u == 1u",
        "b'a' == b'a'",
        "tags.exists(t, t == 'a')",
        "int(name) == 1",
        "dyn(1) == 1",
        "flag < true",
        "true > ready",
        "order.channel < 'store'",
        "order.channel < name",
        "tags == tags",
        "tags == ['a']",
        "['a'] == ['a']",
        "tags in ['a']",
        "tags in []",
        "1 in tags",
        "age in tags",
        "age in name",
        "age in ['a']",
        "1 in [1, 'a']",
        "age in [days]",
        "name.startsWith(name)",
        "name.matches(name)",
        "startsWith(name, 'a')",
        "age.startsWith('a')",
        "size(age) == 1",
        "size([1]) == 1",
        "has(age == 1)",
        "has('age')",
        "has(nothing)",
        "has(policy.window_days)",
        "has(age, days)",
        "age < days < 5",
        "(age < 5) == flag",
        "(age < 5) == (days < 5)",
        "flag && 32",
        "!age",
        "nothing || true",
        "true && nothing",
        "age = 5",
        "flag & ready",
        "flag and ready",
        "age == 5 5",
        "age == 9223372036854775808",
        "age == 0X10",
        "risk == 1e999",
        "(flag",
        "flag)",
        "'abc",
        "'\\q' == name",
        "'\\ud800' == name",
        "(order).channel == 'online'",
        "order.channel.size == 1",
        "package == 1",
        "timestamp('2026-11-21') < seen",
        "timestamp(0) < seen",
        "age == 5;",
        "\u{e9} == 1",
    ] {
        error(text);
    }
}

#[test]
fn depth_and_length_are_bounded_but_chains_are_not_deep() {
    let nested = |depth| format!("{}flag{}", "(".repeat(depth), ")".repeat(depth));
    compile(&nested(MAX_DEPTH));
    assert!(error(&nested(MAX_DEPTH + 1)).message.contains("deep"));
    assert!(error(&nested(20_000)).message.contains("deep"));
    compile(&vec!["flag"; 5_000].join(" && "));
    compile(&format!("{}flag", "!".repeat(10_000)));
    assert!(error(&" ".repeat(MAX_TEXT_BYTES + 1)).message.contains("bytes"));
    error(&vec!["1"; 10_000].join(" == "));
}
