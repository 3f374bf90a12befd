//! Reads rules and rows from standard input and writes how long each Rust engine takes for them, with the answers.

#[path = "../../../rust/core/benches/common/naive.rs"]
mod naive;

use std::collections::BTreeMap;
use std::io::{Read, stdin};
use std::time::{Duration, Instant};

use a_tree::{ATree, AttributeDefinition};
use edgewise_core::rules::RuleSet;
use edgewise_core::signal::{Reading, Signal, SignalTable};
use edgewise_core::value::{Type, Value};
use naive::Naive;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Words walked through to empty the caches: 96 MiB.
const OTHER_WORDS: usize = 12 * 1_024 * 1_024;
const COLD_CALLS: usize = 40;

#[derive(Deserialize)]
struct Task {
    /// `index`, `naive` or `a-tree`.
    engine: String,
    signals: BTreeMap<String, String>,
    /// As the engine reads them.
    rules: Vec<String>,
    rows: Vec<BTreeMap<String, Json>>,
    seconds: f64,
}

#[derive(Serialize)]
struct Report {
    build_ms: f64,
    p50_us: f64,
    p99_us: f64,
    cold_us: f64,
    answers: Vec<Vec<u64>>,
}

fn main() {
    let mut input = String::new();
    stdin().read_to_string(&mut input).unwrap();
    let task: Task = serde_json::from_str(&input).unwrap();
    let report = match task.engine.as_str() {
        "a-tree" => a_tree(&task),
        "naive" => naive(&task),
        _ => index(&task),
    };
    println!("{}", serde_json::to_string(&report).unwrap());
}

fn table(task: &Task) -> SignalTable {
    let mut table = SignalTable::default();
    for (name, kind) in &task.signals {
        table.push(Signal { name: name.clone(), kind: Type::from_name(kind), values: Vec::new(), min: None, max: None });
    }
    table
}

fn readings(task: &Task) -> Vec<Vec<Reading<'_>>> {
    let value = |value: &Json| match value {
        Json::String(text) => Value::String(text.clone().into()),
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Array(items) => Value::StringSet(items.iter().map(|item| item.as_str().unwrap().to_owned().into()).collect()),
        number => Value::Int(number.as_i64().unwrap()),
    };
    task.rows.iter().map(|row| task.signals.keys().map(|name| Reading::Known(value(&row[name]))).collect()).collect()
}

fn index(task: &Task) -> Report {
    let (table, rows) = (table(task), readings(task));
    let rules = task.rules.iter().enumerate().map(|(number, text)| (number.to_string(), text.clone())).collect();
    let started = Instant::now();
    let rules = RuleSet::compile(rules, &table).unwrap();
    report(task, started.elapsed(), &rows, |row| rules.matching(row).into_iter().map(u64::from).collect())
}

fn naive(task: &Task) -> Report {
    let (table, rows) = (table(task), readings(task));
    let started = Instant::now();
    let rules = Naive::new(&task.rules, &table);
    report(task, started.elapsed(), &rows, |row| rules.matching(row).into_iter().map(u64::from).collect())
}

/// Rows are made into events within the measured call, as the others translate theirs.
fn a_tree(task: &Task) -> Report {
    let definitions: Vec<AttributeDefinition> = task
        .signals
        .iter()
        .map(|(name, kind)| match kind.as_str() {
            "string" => AttributeDefinition::string(name),
            "int" => AttributeDefinition::integer(name),
            "bool" => AttributeDefinition::boolean(name),
            _ => AttributeDefinition::string_list(name),
        })
        .collect();
    let started = Instant::now();
    let mut tree = ATree::new(&definitions).unwrap();
    for (number, rule) in (0_u64..).zip(&task.rules) {
        tree.insert(&number, rule).unwrap();
    }
    let built = started.elapsed();
    report(task, built, &task.rows, |row| {
        let mut event = tree.make_event();
        for (name, value) in row {
            match value {
                Json::String(text) => event.with_string(name, text),
                Json::Bool(flag) => event.with_boolean(name, *flag),
                Json::Array(items) => {
                    let items: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                    event.with_string_list(name, &items)
                }
                number => event.with_integer(name, number.as_i64().unwrap()),
            }
            .unwrap();
        }
        let event = event.build().unwrap();
        tree.search(&event).unwrap().matches().iter().map(|number| **number).collect()
    })
}

fn report<T>(task: &Task, built: Duration, rows: &[T], mut call: impl FnMut(&T) -> Vec<u64>) -> Report {
    let mut answers: Vec<Vec<u64>> = rows.iter().map(&mut call).collect();
    answers.iter_mut().for_each(|answer| answer.sort_unstable());
    let (ends, mut times) = (Instant::now() + Duration::from_secs_f64(task.seconds), Vec::new());
    while times.len() < rows.len() || Instant::now() < ends {
        for row in rows {
            let started = Instant::now();
            std::hint::black_box(call(row));
            times.push(started.elapsed());
        }
    }
    times.sort_unstable();
    let at = |times: &[Duration], percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    let mut cold = cold(rows, call);
    cold.sort_unstable();
    Report {
        build_ms: built.as_secs_f64() * 1e3,
        p50_us: at(&times, 50),
        p99_us: at(&times, 99),
        cold_us: at(&cold, 50),
        answers,
    }
}

fn cold<T>(rows: &[T], mut call: impl FnMut(&T) -> Vec<u64>) -> Vec<Duration> {
    let mut other = vec![0_u64; OTHER_WORDS];
    let rows = rows.iter().cycle().take(COLD_CALLS);
    rows.map(|row| {
        other.iter_mut().for_each(|word| *word = std::hint::black_box(*word + 1));
        let started = Instant::now();
        std::hint::black_box(call(row));
        started.elapsed()
    })
    .collect()
}
