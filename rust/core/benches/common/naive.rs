//! The naive scan to be measured against, and a fair one: rules as small trees over numbers, texts interned beforehand, each
//! row translated once; the first test that fails ends a rule. It reads the texts of the workload and nothing else.

use std::collections::HashMap;

use edgewise_core::signal::{Reading, SignalTable};
use edgewise_core::value::Value;

#[derive(Debug)]
enum Node {
    Equal(u16, u32),
    OneOf(u16, Vec<u32>),
    Less(u16, i64),
    Greater(u16, i64),
    Flag(u16),
    Has(u16, u32),
    Not(Box<Node>),
    Or(Box<Node>, Box<Node>),
}

/// A row in the numbers that the trees compare with.
enum Cell {
    Text(u32),
    Int(i64),
    Bool(bool),
    Set(Vec<u32>),
}

pub struct Naive {
    rules: Vec<Vec<Node>>,
    words: HashMap<String, u32>,
}

impl Naive {
    pub fn new(texts: &[String], table: &SignalTable) -> Self {
        let mut naive = Self { rules: Vec::new(), words: HashMap::new() };
        for text in texts {
            let rule = text.split(" && ").map(|part| naive.node(part, table)).collect();
            naive.rules.push(rule);
        }
        naive
    }

    fn node(&mut self, text: &str, table: &SignalTable) -> Node {
        let inner = |text: &str| text[1..text.len() - 1].to_owned();
        if let Some(negated) = text.strip_prefix('!') {
            return Node::Not(Box::new(self.node(&inner(negated), table)));
        }
        if let Some((left, right)) = text.split_once(" || ") {
            let (left, right) = (&left[1..], &right[..right.len() - 1]);
            return Node::Or(Box::new(self.node(left, table)), Box::new(self.node(right, table)));
        }
        let slot = |name: &str| table.slot(name).unwrap() as u16;
        let words: Vec<&str> = text.splitn(3, ' ').collect();
        match words.as_slice() {
            [flag] => Node::Flag(slot(flag)),
            [name, "==", value] => Node::Equal(slot(name), self.word(&inner(value))),
            [item, "in", set] if item.starts_with('\'') => Node::Has(slot(set), self.word(&inner(item))),
            [name, "in", list] => {
                let list = inner(list);
                let items = list.split(", ").filter(|item| !item.is_empty());
                Node::OneOf(slot(name), items.map(|item| self.word(&inner(item))).collect())
            }
            [name, "<", value] => Node::Less(slot(name), value.parse().unwrap()),
            [name, "<=", value] => Node::Less(slot(name), value.parse::<i64>().unwrap() + 1),
            [name, ">", value] => Node::Greater(slot(name), value.parse().unwrap()),
            [name, ">=", value] => Node::Greater(slot(name), value.parse::<i64>().unwrap() - 1),
            _ => panic!("{text}"),
        }
    }

    fn word(&mut self, text: &str) -> u32 {
        let next = self.words.len() as u32;
        *self.words.entry(text.to_owned()).or_insert(next)
    }

    pub fn matching(&self, row: &[Reading<'_>]) -> Vec<u32> {
        let word = |text: &str| self.words.get(text).copied().unwrap_or(u32::MAX);
        let cells: Vec<Cell> = row
            .iter()
            .map(|reading| match reading {
                Reading::Known(Value::String(text)) => Cell::Text(word(text)),
                Reading::Known(Value::Int(int)) => Cell::Int(*int),
                Reading::Known(Value::Bool(flag)) => Cell::Bool(*flag),
                Reading::Known(Value::StringSet(items)) => Cell::Set(items.iter().map(|item| word(item)).collect()),
                _ => panic!("every signal is known"),
            })
            .collect();
        let rules = (0..).zip(&self.rules);
        rules.filter(|(_, rule)| rule.iter().all(|node| holds(node, &cells))).map(|(number, _)| number).collect()
    }
}

fn holds(node: &Node, cells: &[Cell]) -> bool {
    match node {
        Node::Equal(slot, value) => matches!(&cells[usize::from(*slot)], Cell::Text(text) if text == value),
        Node::OneOf(slot, list) => matches!(&cells[usize::from(*slot)], Cell::Text(text) if list.contains(text)),
        Node::Less(slot, bound) => matches!(&cells[usize::from(*slot)], Cell::Int(int) if int < bound),
        Node::Greater(slot, bound) => matches!(&cells[usize::from(*slot)], Cell::Int(int) if int > bound),
        Node::Flag(slot) => matches!(&cells[usize::from(*slot)], Cell::Bool(true)),
        Node::Has(slot, item) => matches!(&cells[usize::from(*slot)], Cell::Set(items) if items.contains(item)),
        Node::Not(node) => !holds(node, cells),
        Node::Or(left, right) => holds(left, cells) || holds(right, cells),
    }
}
