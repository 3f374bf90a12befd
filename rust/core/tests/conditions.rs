//! The laws of conditions on generated trees and rows, beside a naive evaluator; and that no text and no input panics.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use edgewise_core::condition::{Condition, Policy, Truth};
use edgewise_core::index::IndexBuilder;
use edgewise_core::input::Input;
use edgewise_core::instant::Instant;
use edgewise_core::signal::{Reading, Signal, SignalId, SignalTable, State};
use edgewise_core::temporal::{duration_text, parse_duration, parse_duration_ms, parse_timestamp};
use edgewise_core::value::{Type, Value};
use proptest::collection::vec;
use proptest::prelude::*;

const NAMES: [(&str, Type); 6] = [
    ("flag", Type::Bool),
    ("on", Type::Bool),
    ("a.one", Type::Int),
    ("a.two", Type::Int),
    ("a.three", Type::Float),
    ("word", Type::String),
];

fn table() -> SignalTable {
    let mut table = SignalTable::default();
    for (name, kind) in NAMES {
        table.push(Signal { name: name.to_owned(), kind: Some(kind), values: Vec::new(), min: None, max: None });
    }
    table
}

#[derive(Clone, Debug)]
enum Tree {
    Flag(usize),
    Has(usize),
    /// A number signal against a small int.
    Less(usize, i64),
    /// A number signal against another.
    Same(usize, usize),
    OneOf(usize, Vec<i64>),
    StartsWith(String),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

fn leaf(with_has: bool) -> BoxedStrategy<Tree> {
    let plain = prop_oneof![
        (0..2_usize).prop_map(Tree::Flag),
        (2..5_usize, -2..3_i64).prop_map(|(signal, bound)| Tree::Less(signal, bound)),
        (2..5_usize, 2..5_usize).prop_map(|(left, right)| Tree::Same(left, right)),
        (2..5_usize, vec(-2..3_i64, 0..4)).prop_map(|(signal, list)| Tree::OneOf(signal, list)),
        "[ab\"\\\\\n\u{1f600}]{0,2}".prop_map(Tree::StartsWith),
    ];
    if with_has { prop_oneof![3 => plain, 1 => (0..NAMES.len()).prop_map(Tree::Has)].boxed() } else { plain.boxed() }
}

fn tree(with_has: bool) -> BoxedStrategy<Tree> {
    let grow = |inner: BoxedStrategy<Tree>| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
            vec(inner.clone(), 2..4).prop_map(Tree::And),
            vec(inner, 2..4).prop_map(Tree::Or),
        ]
    };
    leaf(with_has).prop_recursive(4, 16, 4, move |inner| grow(inner.boxed())).boxed()
}

fn known() -> BoxedStrategy<Vec<Reading<'static>>> {
    let int = || (-3..4_i64).prop_map(|value| Reading::Known(Value::Int(value)));
    let flag = || any::<bool>().prop_map(|value| Reading::Known(Value::Bool(value)));
    let float = (-6..8_i32).prop_map(|value| Reading::Known(Value::Float(f64::from(value) / 2.0)));
    let word = "[ab\"\\\\\n\u{1f600}]{0,3}".prop_map(|word| Reading::Known(Value::String(word.into())));
    (flag(), flag(), int(), int(), float, word).prop_map(|(a, b, c, d, e, f)| vec![a, b, c, d, e, f]).boxed()
}

fn row() -> BoxedStrategy<Vec<Reading<'static>>> {
    let unknown =
        prop_oneof![Just(Reading::Missing), Just(Reading::Stale), Just(Reading::Denied), Just(Reading::Invalid)];
    let masks = vec(proptest::option::of(unknown), NAMES.len());
    (known(), masks)
        .prop_map(|(row, masks)| row.into_iter().zip(masks).map(|(value, mask)| mask.unwrap_or(value)).collect())
        .boxed()
}

fn text(tree: &Tree) -> String {
    let join = |trees: &[Tree], sign: &str| format!("({})", trees.iter().map(text).collect::<Vec<_>>().join(sign));
    let name = |signal: &usize| NAMES[*signal].0;
    match tree {
        Tree::Flag(signal) => name(signal).to_owned(),
        Tree::Has(signal) => format!("has({})", name(signal)),
        Tree::Less(signal, bound) => format!("{bound} > {}", name(signal)),
        Tree::Same(left, right) => format!("{} == {}", name(left), name(right)),
        Tree::OneOf(signal, list) => format!("{} in {list:?}", name(signal)),
        Tree::StartsWith(part) => format!("word.startsWith('{}')", escaped(part)),
        Tree::Not(inner) => format!("!({})", text(inner)),
        Tree::And(trees) => join(trees, " && "),
        Tree::Or(trees) => join(trees, " || "),
    }
}

fn escaped(text: &str) -> String {
    text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect::<Vec<_>>().concat()
}

fn number(row: &[Reading<'_>], signal: usize) -> Option<f64> {
    match &row[signal] {
        #[allow(clippy::cast_precision_loss, reason = "the ints here are small")]
        Reading::Known(Value::Int(value)) => Some(*value as f64),
        Reading::Known(Value::Float(value)) => Some(*value),
        _ => None,
    }
}

/// Straight from the definition: every operand, no short cut.
fn naive(tree: &Tree, row: &[Reading<'_>]) -> Option<bool> {
    #[allow(clippy::cast_precision_loss, clippy::float_cmp, reason = "the numbers here are small multiples of a half")]
    match tree {
        Tree::Flag(signal) => match &row[*signal] {
            Reading::Known(Value::Bool(value)) => Some(*value),
            _ => None,
        },
        Tree::Has(signal) => match row[*signal].state() {
            State::Known => Some(true),
            State::Denied => None,
            _ => Some(false),
        },
        Tree::Less(signal, bound) => number(row, *signal).map(|value| value < *bound as f64),
        Tree::Same(left, right) => number(row, *left).zip(number(row, *right)).map(|(left, right)| left == right),
        Tree::OneOf(signal, list) => number(row, *signal).map(|value| list.iter().any(|item| *item as f64 == value)),
        Tree::StartsWith(part) => match &row[5] {
            Reading::Known(Value::String(word)) => Some(word.starts_with(part.as_str())),
            _ => None,
        },
        Tree::Not(inner) => naive(inner, row).map(|value| !value),
        Tree::And(trees) => all(trees, row, false),
        Tree::Or(trees) => all(trees, row, true),
    }
}

fn all(trees: &[Tree], row: &[Reading<'_>], deciding: bool) -> Option<bool> {
    let values: Vec<Option<bool>> = trees.iter().map(|tree| naive(tree, row)).collect();
    if values.contains(&Some(deciding)) {
        return Some(deciding);
    }
    if values.contains(&None) { None } else { Some(!deciding) }
}

fn compile(tree: &Tree) -> Condition {
    Condition::compile(&text(tree), &table(), &Policy::default())
        .unwrap_or_else(|error| panic!("{}: {error}", text(tree)))
}

fn truth(value: Option<bool>) -> Truth {
    value.map_or(Truth::Unknown, Truth::from)
}

fn shuffled(tree: &Tree) -> Tree {
    let mirrored = |trees: &[Tree]| trees.iter().rev().map(shuffled).collect();
    match tree {
        Tree::Not(inner) => Tree::Not(Box::new(shuffled(inner))),
        Tree::And(trees) => Tree::And(mirrored(trees)),
        Tree::Or(trees) => Tree::Or(mirrored(trees)),
        leaf => leaf.clone(),
    }
}

fn filled(row: &[Reading<'static>], with: &[Reading<'static>], which: impl Fn(State) -> bool) -> Vec<Reading<'static>> {
    row.iter().zip(with).map(|(old, new)| if which(old.state()) { new.clone() } else { old.clone() }).collect()
}

fn without(row: &[Reading<'static>], kept: &[SignalId]) -> Vec<Reading<'static>> {
    let keep = |slot: usize| kept.iter().any(|kept| *kept as usize == slot);
    row.iter().enumerate().map(|(slot, old)| if keep(slot) { old.clone() } else { Reading::Denied }).collect()
}

proptest! {
    #[test]
    fn conditions_and_index_say_what_the_definition_says(trees in vec(tree(true), 1..4), row in row()) {
        let (table, policy) = (table(), Policy::default());
        let mut builder = IndexBuilder::new(&table, &policy);
        for tree in &trees {
            prop_assert!(builder.add(&text(tree)).is_ok());
        }
        let index = builder.build();
        let matcher = index.matcher(&row);
        for (id, tree) in (0..).zip(&trees) {
            let expected = truth(naive(tree, &row));
            prop_assert_eq!(compile(tree).truth(&row), expected);
            prop_assert_eq!(matcher.truth(id), expected);
            prop_assert_eq!(matcher.is_true(id), expected == Truth::True);
        }
    }

    #[test]
    fn operand_order_never_matters(tree in tree(true), row in row()) {
        prop_assert_eq!(compile(&shuffled(&tree)).truth(&row), compile(&tree).truth(&row));
    }

    #[test]
    fn without_has_a_decision_survives_every_filling(tree in tree(false), row in row(), filling in known()) {
        let condition = compile(&tree);
        let before = condition.truth(&row);
        let after = condition.truth(&filled(&row, &filling, |state| state != State::Known));
        prop_assert!(before == Truth::Unknown || after == before);
    }

    #[test]
    fn with_has_a_decision_survives_every_filling_of_the_denied(tree in tree(true), row in row(), filling in self::row()) {
        let condition = compile(&tree);
        let before = condition.truth(&row);
        let after = condition.truth(&filled(&row, &filling, |state| state == State::Denied));
        prop_assert!(before == Truth::Unknown || after == before);
    }

    #[test]
    fn refusing_never_makes_true(tree in tree(true), row in row(), refused in vec(any::<bool>(), NAMES.len())) {
        let condition = compile(&tree);
        let denied: Vec<_> =
            row.iter().zip(refused).map(|(old, refused)| if refused { Reading::Denied } else { old.clone() }).collect();
        let after = condition.truth(&denied);
        prop_assert!(after == Truth::Unknown || after == condition.truth(&row));
    }

    #[test]
    fn canonical_text_reads_back(tree in tree(true), row in row()) {
        let condition = compile(&tree);
        let again = Condition::compile(&condition.to_string(), &table(), &Policy::default()).unwrap();
        prop_assert_eq!(again.to_string(), condition.to_string());
        prop_assert_eq!(again.signals(), condition.signals());
        prop_assert_eq!(again.truth(&row), condition.truth(&row));
        prop_assert_eq!(again.blocking(&row), condition.blocking(&row));
        prop_assert_eq!(again.support(&row), condition.support(&row));
    }

    #[test]
    fn what_blocks_is_not_known_and_what_supports_suffices(tree in tree(true), row in row()) {
        let condition = compile(&tree);
        let (blocking, support) = (condition.blocking(&row), condition.support(&row));
        match condition.truth(&row) {
            Truth::Unknown => prop_assert!(!blocking.is_empty() && support.is_empty()),
            Truth::True => {
                prop_assert!(blocking.is_empty());
                prop_assert_eq!(condition.truth(&without(&row, &support)), Truth::True);
            }
            Truth::False => prop_assert!(blocking.is_empty() && support.is_empty()),
        }
        prop_assert!(blocking.iter().all(|slot| row[*slot as usize].state() != State::Known));
    }

    #[test]
    fn no_text_panics(text in prop_oneof![
        any::<String>(),
        "[ -~\n]{0,40}",
        r#"((flag|a\.one|word|has|size|matches|in|true|1|2\.5|'x'|"|'|\\|r'|\(|\)|\[|\]|,|\.|&&|\|\||!|==|<|-|//|\n) ?){0,20}"#,
    ]) {
        if let Err(error) = Condition::compile(&text, &table(), &Policy::default()) {
            let line = text.split('\n').nth(error.line as usize - 1).unwrap_or_else(|| panic!("no line {}", error.line));
            prop_assert!((1..=line.chars().count() + 1).contains(&(error.column as usize)), "{}", error);
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn no_pattern_panics(pattern in prop_oneof![any::<String>(), r"[a-z\\\[\](){}|*+?.^$:<>=!,&~0-9-]{0,20}"], text: String) {
        let text_of = format!("word.matches('{}')", escaped(&pattern));
        if let Ok(condition) = Condition::compile(&text_of, &table(), &Policy::default()) {
            let mut row = vec![Reading::Missing; NAMES.len()];
            row[5] = Reading::Known(Value::String(text.into()));
            prop_assert!(condition.truth(&row) != Truth::Unknown);
        }
    }

    #[test]
    fn no_json_panics_and_only_fitting_values_are_known(json: String, number: f64, int: i64, kind in 0..Type::ALL.len()) {
        let kind = Type::ALL[kind];
        let values = if kind == Type::Enum { vec![json.clone()] } else { Vec::new() };
        let signal = Signal { name: "x".to_owned(), kind: Some(kind), values, min: None, max: None };
        if let Ok(input) = serde_json::from_str::<Input<'_>>(&json) {
            signal.admit(input);
        }
        let text = serde_json::to_string(&json).unwrap();
        for input in [Input::Float(number), Input::Int(int), serde_json::from_str(&text).unwrap()] {
            let fits = matches!(
                (kind, &input),
                (Type::Int | Type::Float, Input::Int(_)) | (Type::String | Type::Enum, Input::String(_))
            );
            let known = signal.admit(input.clone()).state() == State::Known;
            prop_assert!(known || !fits);
            if let (Type::Bool | Type::StringSet, _) | (Type::Int | Type::Float, Input::String(_)) = (kind, &input) {
                prop_assert!(!known);
            }
        }
    }

    #[test]
    fn times_read_back(nanos in -315_576_000_000_000_000_000_i128..315_576_000_000_000_000_000, text: String) {
        let seconds = i64::try_from(nanos / 1_000_000_000).unwrap();
        let duration = jiff::SignedDuration::new(seconds, i32::try_from(nanos % 1_000_000_000).unwrap());
        prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        if let Some(instant) = Instant::from_nanosecond(nanos / 2) {
            prop_assert_eq!(parse_timestamp(&instant.to_string()), Some(instant));
        }
        prop_assert!(parse_duration(&text).is_none() || !text.is_empty());
        prop_assert!(parse_duration_ms(&text).is_none_or(|millis| millis >= 0));
        prop_assert!(parse_timestamp(&text).is_none() || text.len() >= 20);
    }
}
