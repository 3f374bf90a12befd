//! Generated rules and rows: 50 signals, rules of four tests. `Broad` rules match at about 1.4 %; the first test of a
//! `Targeted` rule names a rare value, so 0.03 % match. The same seed gives the same rules and rows everywhere.

use edgewise_core::condition::Policy;
use edgewise_core::index::IndexBuilder;
use edgewise_core::signal::{Reading, Signal, SignalTable};
use edgewise_core::value::{Type, Value};

/// How many values each string signal has.
const CARDINALITIES: [usize; 20] =
    [3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 80, 120, 200, 400, 800, 1_200, 2_000];
const INTS: usize = 18;
const BOOLS: usize = 8;
const SETS: usize = 4;
/// Ints are drawn below this, and rules compare them with multiples of ten.
const INT_BELOW: usize = 200;
/// How many values the items of sets have.
const ITEMS: usize = 1_500;
/// Lists that rules share, for each string signal.
const LISTS: usize = 6;
/// String signals with rare values.
const RARE_FROM: usize = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    Broad,
    Targeted,
}

/// A small generator, so that no version of a library changes what is measured.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % bound as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }

    /// Low numbers are frequent, as in Zipf's law with an exponent near one.
    fn skewed(&mut self, bound: usize) -> usize {
        (((bound as f64 + 1.0).powf(self.unit()) - 1.0) as usize).min(bound - 1)
    }
}

pub fn table() -> SignalTable {
    let mut table = SignalTable::default();
    let names = |prefix: &'static str, count: usize, kind| (0..count).map(move |n| (format!("{prefix}{n}"), kind));
    let signals = names("s", CARDINALITIES.len(), Type::String)
        .chain(names("i", INTS, Type::Int))
        .chain(names("b", BOOLS, Type::Bool))
        .chain(names("l", SETS, Type::StringSet));
    for (name, kind) in signals {
        table.push(Signal { name, kind: Some(kind), values: Vec::new(), min: None, max: None });
    }
    table
}

pub struct Workload {
    random: Random,
    breadth: Breadth,
    lists: Vec<Vec<String>>,
}

impl Workload {
    pub fn new(breadth: Breadth) -> Self {
        let mut random = Random::new(7);
        let lists =
            CARDINALITIES.iter().map(|values| (0..LISTS).map(|_| list(&mut random, *values)).collect()).collect();
        Self { random, breadth, lists }
    }

    /// The text of a rule.
    pub fn rule(&mut self) -> String {
        let mut parts: Vec<String> = (0..4).map(|_| self.part()).collect();
        if self.breadth == Breadth::Targeted {
            parts[0] = self.rare();
        }
        if self.random.below(5) == 0 {
            let last = parts.pop().unwrap();
            parts.push(format!("({last} || {})", self.part()));
        }
        parts.join(" && ")
    }

    fn rare(&mut self) -> String {
        if self.random.below(4) == 0 {
            return format!("'v{}' in l{}", self.random.below(ITEMS), self.random.below(SETS));
        }
        let signal = RARE_FROM + self.random.below(CARDINALITIES.len() - RARE_FROM);
        format!("s{signal} == 'v{}'", self.random.below(CARDINALITIES[signal]))
    }

    fn part(&mut self) -> String {
        let part = match self.random.below(20) {
            0..=5 => {
                let signal = self.random.below(6);
                format!("s{signal} == 'v{}'", self.random.skewed(CARDINALITIES[signal]))
            }
            6..=11 => {
                let signal = self.random.below(CARDINALITIES.len());
                let list = self.random.below(LISTS);
                format!("s{signal} in {}", self.lists[signal][list])
            }
            12..=16 => {
                let sign = ["<", "<=", ">", ">="][self.random.below(4)];
                format!("i{} {sign} {}", self.random.below(INTS), 10 * (2 + self.random.below(INT_BELOW / 10 - 4)))
            }
            17 => format!("b{}", self.random.below(BOOLS)),
            _ => format!("'v{}' in l{}", self.random.skewed(20), self.random.below(SETS)),
        };
        if self.random.below(10) == 0 { format!("!({part})") } else { part }
    }

    pub fn rules(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.rule()).collect()
    }

    /// A row in which every signal is known.
    pub fn row(&mut self) -> Vec<Reading<'static>> {
        let mut row = Vec::new();
        for values in CARDINALITIES {
            row.push(Value::String(format!("v{}", self.random.skewed(values)).into()));
        }
        row.extend((0..INTS).map(|_| Value::Int(self.random.below(INT_BELOW) as i64)));
        row.extend((0..BOOLS).map(|_| Value::Bool(self.random.below(2) == 0)));
        for _ in 0..SETS {
            let count = 8 + self.random.below(13);
            let mut items: Vec<_> = (0..count).map(|_| format!("v{}", self.random.skewed(ITEMS)).into()).collect();
            items.sort_unstable();
            items.dedup();
            row.push(Value::StringSet(items));
        }
        row.into_iter().map(Reading::Known).collect()
    }

    pub fn rows(&mut self, count: usize) -> Vec<Vec<Reading<'static>>> {
        (0..count).map(|_| self.row()).collect()
    }
}

/// A literal list that covers a fifth to a half of the rows.
fn list(random: &mut Random, values: usize) -> String {
    let wanted = 0.2 + 0.3 * random.unit();
    let mut items: Vec<usize> = Vec::new();
    let weight = |value: usize| ((value as f64 + 2.0) / (value as f64 + 1.0)).ln() / (values as f64 + 1.0).ln();
    while items.len() < values.min(40) && items.iter().map(|value| weight(*value)).sum::<f64>() < wanted {
        let value = random.skewed(values);
        if !items.contains(&value) {
            items.push(value);
        }
    }
    format!("[{}]", items.iter().map(|value| format!("'v{value}'")).collect::<Vec<_>>().join(", "))
}

/// Compiled rules, from which an index is built.
pub fn post<'c>(texts: &[String], table: &'c SignalTable, policy: &'c Policy) -> IndexBuilder<'c> {
    let mut builder = IndexBuilder::new(table, policy);
    for text in texts {
        builder.post(text).unwrap();
    }
    builder
}
