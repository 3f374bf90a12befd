//! The index agrees with evaluating every condition by itself, on generated conditions and rows of every state of signals,
//! with each strategy forced and with the one it chooses. What a condition by itself means is shown in `conditions.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected stops"
)]

use edgewise_core::condition::{Condition, Policy, Truth};
use edgewise_core::index::{Index, IndexBuilder, Strategy};
use edgewise_core::signal::{Reading, Signal, SignalTable};
use edgewise_core::temporal::{parse_duration, parse_timestamp};
use edgewise_core::value::{Type, Value};
use proptest::prelude::*;

#[path = "../benches/common/workload.rs"]
#[allow(dead_code, missing_docs, clippy::pedantic, reason = "it belongs to the benchmarks")]
mod workload;

use workload::{Breadth, Workload};

const SIGNALS: [(&str, Type); 12] = [
    ("flag", Type::Bool),
    ("ready", Type::Bool),
    ("age", Type::Int),
    ("days", Type::Int),
    ("risk", Type::Float),
    ("price", Type::Float),
    ("country", Type::String),
    ("page", Type::String),
    ("tags", Type::StringSet),
    ("seen", Type::Timestamp),
    ("since", Type::Duration),
    ("channel", Type::Enum),
];
const WORDS: [&str; 8] = ["", "a", "ab", "abc", "b", "ba", "\u{e9}", "a\u{1f600}"];
const SIGNS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

fn table() -> SignalTable {
    let mut table = SignalTable::default();
    for (name, kind) in SIGNALS {
        let values = if kind == Type::Enum { WORDS.map(str::to_owned).to_vec() } else { Vec::new() };
        table.push(Signal { name: name.to_owned(), kind: Some(kind), values, min: None, max: None });
    }
    table
}

/// A small generator of its own: the same seed gives the same conditions and rows on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn quoted(&mut self) -> String {
        format!("'{}'", self.one_of(&WORDS))
    }

    fn list(&mut self, item: impl Fn(&mut Self) -> String) -> String {
        let items: Vec<String> = (0..self.below(4)).map(|_| item(self)).collect();
        format!("[{}]", items.join(", "))
    }

    fn number(&mut self) -> String {
        let int = i64::try_from(self.below(9)).unwrap() - 4;
        if self.below(3) == 0 { format!("{int}.5") } else { int.to_string() }
    }

    fn leaf(&mut self) -> String {
        let (numbers, texts) = (["age", "days", "risk", "price"], ["country", "page"]);
        match self.below(20) {
            0 => self.one_of(&["flag", "ready"]).to_owned(),
            1 => format!("has({})", self.one_of(&SIGNALS).0),
            2..=6 => format!("{} {} {}", self.one_of(&numbers), self.one_of(&SIGNS), self.number()),
            7 => format!("{} in {}", self.one_of(&numbers), self.list(Self::number)),
            8 => format!("{} {} {}", self.one_of(&numbers), self.one_of(&SIGNS), self.one_of(&numbers)),
            9 | 10 => format!("{} {} {}", self.one_of(&texts), self.one_of(&SIGNS), self.quoted()),
            11 => format!("{} in {}", self.one_of(&texts), self.list(Self::quoted)),
            12 => format!("channel {} {}", self.one_of(&["==", "!="]), self.quoted()),
            13 => format!(
                "{}.{}({})",
                self.one_of(&texts),
                self.one_of(&["startsWith", "endsWith", "contains"]),
                self.quoted()
            ),
            14 => format!("{}.matches('{}')", self.one_of(&texts), self.one_of(&["a", "^b", "b$", "a+b"])),
            15 => format!("{} in tags", self.quoted()),
            16 => format!("size({}) {} {}", self.one_of(&["tags", "country"]), self.one_of(&SIGNS), self.below(4)),
            17 => format!("seen {} timestamp('2026-01-0{}T00:00:00Z')", self.one_of(&SIGNS), 1 + self.below(4)),
            18 => format!("since {} duration('{}h')", self.one_of(&SIGNS), self.below(4)),
            _ => self.one_of(&["true", "false", "country in tags", "country == page"]).to_owned(),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        match if depth == 0 { 0 } else { self.below(7) } {
            0..=1 => self.leaf(),
            2 => format!("!({})", self.condition(depth - 1)),
            3..=4 => self.joined(" && ", depth),
            _ => self.joined(" || ", depth),
        }
    }

    fn joined(&mut self, sign: &str, depth: usize) -> String {
        let count = 2 + self.below(4);
        (0..count).map(|_| format!("({})", self.condition(depth - 1))).collect::<Vec<_>>().join(sign)
    }

    /// Mostly a conjunction, as rules are; at times anything.
    fn rule(&mut self) -> String {
        if self.below(3) == 0 {
            return self.condition(3);
        }
        let count = 1 + self.below(6);
        let mut parts: Vec<String> = (0..count).map(|_| self.leaf()).collect();
        if self.below(3) == 0 {
            parts.push(format!("({} || {})", self.leaf(), self.leaf()));
        }
        if self.below(5) == 0 {
            parts[0] = format!("!({})", parts[0]);
        }
        parts.join(" && ")
    }

    fn reading(&mut self, kind: Type) -> Reading<'static> {
        match self.below(9) {
            0 => return Reading::Missing,
            1 => return self.one_of(&[State::Stale, State::Invalid]).reading(),
            2 => return Reading::Denied,
            _ => {}
        }
        let number = i64::try_from(self.below(10)).unwrap() - 4;
        #[allow(clippy::cast_precision_loss, reason = "the number is small")]
        Reading::Known(match kind {
            Type::Bool => Value::Bool(number > 0),
            Type::Int => Value::Int(number),
            Type::Float if number == 5 => Value::Int(9_007_199_254_740_993),
            Type::Float => Value::Float(number as f64 / 2.0),
            Type::String | Type::Enum => Value::String(self.one_of(&[&WORDS[..], &["unheard of"]].concat()).into()),
            Type::StringSet => {
                let mut items: Vec<_> = (0..self.below(4)).map(|_| self.one_of(&WORDS).into()).collect();
                items.sort_unstable();
                items.dedup();
                Value::StringSet(items)
            }
            Type::Timestamp => {
                Value::Timestamp(parse_timestamp(&format!("2026-01-0{}T00:00:00Z", 1 + self.below(5))).unwrap())
            }
            Type::Duration => Value::Duration(parse_duration(&format!("{}h", self.below(5))).unwrap()),
        })
    }

    fn row(&mut self) -> Vec<Reading<'static>> {
        SIGNALS.iter().map(|(_, kind)| self.reading(*kind)).collect()
    }
}

#[derive(Clone, Copy)]
enum State {
    Stale,
    Invalid,
}

impl State {
    fn reading(self) -> Reading<'static> {
        match self {
            Self::Stale => Reading::Stale,
            Self::Invalid => Reading::Invalid,
        }
    }
}

/// Every second condition is posted, or all are.
fn index(texts: &[String], table: &SignalTable, post_all: bool, strategy: Option<Strategy>) -> Index {
    let policy = Policy::default();
    let mut builder = IndexBuilder::new(table, &policy);
    for (place, text) in texts.iter().enumerate() {
        let is_posted = post_all || place % 2 == 0;
        let id = if is_posted { builder.post(text) } else { builder.add(text) };
        assert_eq!(id.unwrap() as usize, place);
    }
    match strategy {
        Some(strategy) => builder.build_by(strategy),
        None => builder.build(),
    }
}

fn indexes(texts: &[String], table: &SignalTable, post_all: bool) -> Vec<Index> {
    let strategies = [None, Some(Strategy::Ask), Some(Strategy::Scan), Some(Strategy::Post)];
    strategies.map(|strategy| index(texts, table, post_all, strategy)).into()
}

/// How many pairs of a condition and a row were compared.
fn compare(seed: u64, rules: usize, rows: usize) -> usize {
    let mut random = Random(seed);
    let table = table();
    let texts: Vec<String> = (0..rules).map(|_| random.rule()).collect();
    let compile = |text: &String| {
        Condition::compile(text, &table, &Policy::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let conditions: Vec<Condition> = texts.iter().map(compile).collect();
    let all = indexes(&texts, &table, true);
    let half = indexes(&texts, &table, false);
    for _ in 0..rows {
        let row = random.row();
        let truths: Vec<Truth> = conditions.iter().map(|condition| condition.truth(&row)).collect();
        let expected: Vec<u32> =
            (0..).zip(&truths).filter(|(_, truth)| **truth == Truth::True).map(|(id, _)| id).collect();
        for index in &all {
            assert_eq!(index.matching(&row), expected, "seed {seed}, row {row:?}");
        }
        for index in &half {
            let matcher = index.matcher(&row);
            for ((id, truth), text) in (0..).zip(&truths).zip(&texts) {
                assert_eq!(matcher.is_true(id), *truth == Truth::True, "seed {seed}: {text} on {row:?}");
                assert_eq!(matcher.truth(id), *truth, "seed {seed}: {text} on {row:?}");
            }
        }
    }
    all.len() * rules * rows + half.len() * rules * rows
}

#[test]
fn every_strategy_finds_what_evaluation_finds() {
    let pairs: usize = (0..6).map(|seed| compare(seed, 120, 20)).sum();
    assert!(pairs > 100_000);
}

/// `cargo test --release -p edgewise-core --test index -- --ignored`: half a minute.
#[test]
#[ignore = "millions of pairs, for a release build"]
fn every_strategy_finds_what_evaluation_finds_in_millions_of_pairs() {
    let pairs: usize = (1_000..1_250).map(|seed| compare(seed, 400, 60)).sum();
    assert!(pairs > 40_000_000);
}

/// What a pass costs, counted and not timed: the numbers are equal on every machine.
#[test]
fn a_pass_looks_at_few_of_many_rules() {
    const RULES: usize = 4_000;
    let effort = |breadth| {
        let (table, mut workload) = (workload::table(), Workload::new(breadth));
        let index = workload::post(&workload.rules(RULES), &table, &Policy::default()).build();
        let efforts = workload.rows(50).into_iter().map(|row| index.effort(&row));
        let sum = efforts.fold((0, 0), |(rows, asked), effort| (rows + effort.rows, asked + effort.asked));
        (sum.0 / 50, sum.1 / 50, index.size().0 / RULES)
    };
    let (rows, asked, bytes) = effort(Breadth::Targeted);
    assert!(rows < RULES / 200 && asked == 0 && bytes < 100, "{rows} rows, {asked} asked, {bytes} bytes a rule");
    let (rows, asked, bytes) = effort(Breadth::Broad);
    assert!(rows < RULES / 3 && asked < 5 && bytes < 60, "{rows} rows, {asked} asked, {bytes} bytes a rule");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn few_and_many_conditions_alike(seed: u64, rules in 1..100_usize) {
        compare(seed, rules, 4);
    }
}
