//! The index by example; agreement with the definition on generated conditions is in `tests/index.rs`.

use super::*;
use crate::signal::{Signal, SignalTable};
use crate::value::{Type, Value};

fn table() -> SignalTable {
    let mut table = SignalTable::default();
    for name in ["a", "b"] {
        let values = Vec::new();
        table.push(Signal { name: name.to_owned(), kind: Some(Type::Int), values, min: None, max: None });
    }
    table
}

#[test]
fn conditions_share_their_leaves_and_keep_their_answers() {
    let (table, policy) = (table(), Policy::default());
    let mut builder = IndexBuilder::new(&table, &policy);
    for text in ["a == 1 && b > 2", "b > 2 || a == 1", "!(a == 1)", "a != 1 && b > 2"] {
        builder.add(text).unwrap();
        builder.post(text).unwrap();
    }
    let index = builder.build_by(Strategy::Post);
    assert_eq!((index.len(), index.conditions.leaves().len()), (8, 3));
    for row in [
        [Reading::Known(Value::Int(1)), Reading::Missing],
        [Reading::Known(Value::Int(2)), Reading::Known(Value::Int(3))],
        [Reading::Denied, Reading::Invalid],
    ] {
        let matcher = index.matcher(&row);
        for id in 0..8 {
            assert_eq!(matcher.truth(id), index.condition(id).unwrap().truth(&row));
            assert_eq!(matcher.is_true(id), matcher.truth(id) == Truth::True);
        }
    }
    assert!(!index.matcher(&[]).is_true(8));
    assert!(index.condition(8).is_none());
}
