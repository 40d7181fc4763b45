//! Unknown fields are ignored; answers of another shape are errors.

use super::*;
use crate::domain::{Epoch, Position};
use crate::store::log::chain::EntryFault;

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn entry(fields: &[(&str, &str)]) -> Value {
    let fields = fields
        .iter()
        .flat_map(|(name, value)| [bulk(name), bulk(value)])
        .collect();
    Value::Array(vec![bulk("7-0"), Value::Array(fields)])
}

const FIELDS: &str = r#"{"firstName":"A","lastName":"B","age":1,"job":""}"#;
const ENTRY: [(&str, &str); 9] = [
    ("e", "a"),
    ("p", "b"),
    ("t", "c"),
    ("o", "S"),
    ("i", "0190f3e2-7c1b-7d9a-8f00-1234567890ab"),
    ("c", "1"),
    ("b", FIELDS),
    ("a", ""),
    ("ts", "2"),
];

#[test]
fn unknown_fields_are_ignored_and_missing_fields_are_errors() {
    let mut later = ENTRY.to_vec();
    later.insert(3, ("future", "x"));
    let change = log::change(Partition::new(0), entry(&later)).expect("a change");
    assert_eq!(change.at.to_string(), "0:a.7.c");
    for missing in 0..ENTRY.len() {
        let mut fields = ENTRY.to_vec();
        fields.remove(missing);
        assert!(matches!(
            log::change(Partition::new(0), entry(&fields)),
            Err(EntryFault::Unreadable(_))
        ));
    }
}

#[test]
fn answers_of_another_shape_are_errors() {
    for answer in [
        Value::Nil,
        Value::Int(1),
        Value::Array(vec![]),
        Value::Array(vec![bulk("OK"), bulk("x")]),
    ] {
        let id = ENTRY[4].1.parse().expect("an id");
        assert!(matches!(
            outcome(Partition::new(0), id, answer.clone()),
            Err(StoreError::Corrupt(_))
        ));
        let from = Position::start_of(Epoch::new(1));
        assert!(matches!(
            since(Partition::new(0), from, answer),
            Err(StoreError::Corrupt(_))
        ));
    }
}
