//! Random people and random conditions, drawn from small pools, so that they meet.

use people_gateway::domain::{FieldsJson, PersonId};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

pub(crate) const IDS: [&str; 3] = [
    "0190f3e2-7c1b-7d9a-8f00-000000000000",
    "0190f3e2-7c1b-7d9a-8f00-00000000000a",
    "f190f3e2-7c1b-7d9a-8f00-000000000000",
];
const TEXTS: [&str; 14] = [
    "",
    "a",
    "b",
    "ab",
    "B",
    "é",
    "😀",
    "a😀b",
    "1",
    "0190f3e2",
    // Longer than what the index looks up in one piece, with beginnings and ends in common.
    "longer text",
    "a longer text",
    "a longer word",
    "no longer text",
];
const NUMBERS: [&str; 9] = ["-2", "-1", "0", "1", "2", "0.5", "1.0", "-1.5", "2.5e0"];
const KEYS: [&str; 4] = ["x", "y", "b", "any name"];
const PATTERNS: [&str; 13] = [
    "a",
    "^a",
    "b$",
    "^.$",
    "[ab]+",
    "(?i)B",
    "",
    "ab|B",
    "^(a|b)",
    "a.*longer",
    "(😀|é)b?",
    "(long|no).*(text|word)$",
    "(ab)*",
];
const RELATIONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const METHODS: [&str; 3] = ["startsWith", "endsWith", "contains"];

/// One person at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Someone {
    pub(crate) id: PersonId,
    pub(crate) fields: Value,
}

impl Someone {
    pub(crate) fn json(&self) -> FieldsJson {
        FieldsJson::from_stored(&self.fields.to_string()).expect("a person's fields")
    }
}

/// The fields of a person.
pub(crate) fn fields() -> impl Strategy<Value = Value> {
    let attributes = prop::collection::hash_map(select(&KEYS[..]), value(), 0..4);
    let name = || {
        select(
            TEXTS
                .iter()
                .copied()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>(),
        )
    };
    (
        name(),
        name(),
        0_u8..4,
        select(&TEXTS[..]),
        prop::option::of(attributes),
    )
        .prop_map(|(first, last, age, job, attributes)| {
            let mut fields = json!({"firstName": first, "lastName": last, "age": age, "job": job});
            if let Some(attributes) = attributes {
                fields["attributes"] = attributes
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect();
            }
            fields
        })
}

pub(crate) fn someone() -> impl Strategy<Value = Someone> {
    (select(&IDS[..]), fields()).prop_map(|(id, fields)| Someone {
        id: id.parse().expect("an id"),
        fields,
    })
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        4 => select(&NUMBERS[..])
            .prop_map(|number| serde_json::from_str(number).expect("a number")),
        4 => select(&TEXTS[..]).prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(select(&KEYS[..]), inner, 0..3).prop_map(|object| {
                Value::Object(
                    object
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just("null".to_owned()),
        2 => any::<bool>().prop_map(|value| value.to_string()),
        4 => select(&NUMBERS[..]).prop_map(str::to_owned),
        4 => select(&TEXTS[..]).prop_map(quoted),
    ]
}

/// A path into the attributes; `has` takes those that end with a name behind a dot.
fn attribute() -> impl Strategy<Value = String> {
    let step = || select(&[".x", ".y", ".b", "[\"any name\"]", "['x']"][..]);
    prop::collection::vec(step(), 1..3).prop_map(|steps| format!("attributes{}", steps.concat()))
}

fn text_path() -> impl Strategy<Value = String> {
    select(&["firstName", "lastName", "job"][..]).prop_map(str::to_owned)
}

fn list(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))
}

/// A path and a literal that may be compared with it.
fn pair() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        4 => (attribute(), literal()),
        2 => (text_path(), select(&TEXTS[..]).prop_map(quoted)),
        2 => (Just("age".to_owned()), select(&NUMBERS[..]).prop_map(str::to_owned)),
        1 => (Just("id".to_owned()), select(&IDS[..]).prop_map(quoted)),
    ]
}

/// One condition, in every form that there is.
pub(crate) fn condition() -> impl Strategy<Value = String> {
    let relation = || select(&RELATIONS[..]);
    let any_path = || prop_oneof![3 => attribute(), 1 => text_path(), 1 => Just("id".to_owned())];
    let small = || select(&["-1", "0", "1", "2", "3", "36"][..]);
    let among = prop_oneof![
        (attribute(), list(literal())),
        (text_path(), list(select(&TEXTS[..]).prop_map(quoted))),
        (
            Just("age".to_owned()),
            list(select(&NUMBERS[..]).prop_map(str::to_owned))
        ),
        (
            Just("id".to_owned()),
            list(select(&IDS[..]).prop_map(quoted))
        ),
    ];
    prop_oneof![
        4 => (pair(), relation())
            .prop_map(|((path, literal), relation)| format!("{path} {relation} {literal}")),
        1 => (pair(), relation())
            .prop_map(|((path, literal), relation)| format!("{literal}{relation}{path}")),
        2 => among.prop_map(|(path, list)| format!("{path} in {list}")),
        2 => (literal(), attribute()).prop_map(|(literal, path)| format!("{literal} in {path}")),
        2 => (any_path(), select(&METHODS[..]), select(&TEXTS[..]))
            .prop_map(|(path, method, text)| format!("{path}.{method}(\"{text}\")")),
        1 => (any_path(), select(&PATTERNS[..]))
            .prop_map(|(path, text)| format!("{path}.matches(\"{text}\")")),
        1 => (any_path(), relation(), small())
            .prop_map(|(path, relation, size)| format!("size({path}) {relation} {size}")),
        1 => (any_path(), relation(), small())
            .prop_map(|(path, relation, size)| format!("{size} {relation} {path}.size()")),
        1 => select(&["x", "y", "x.y", "b", "[\"any name\"].x"][..])
            .prop_map(|path| format!("has(attributes.{path})").replace(".[", "[")),
        1 => any::<bool>().prop_map(|constant| constant.to_string()),
    ]
}

/// Conditions, joined.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Condition(String),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Expression {
    /// Its text; parentheses stand where they are needed.
    pub(crate) fn text(&self) -> String {
        let joined = |parts: &[Self], by: &str| {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| part.inside(matches!(part, Self::All(_) | Self::Any(_))))
                .collect();
            parts.join(by)
        };
        match self {
            Self::Condition(text) => text.clone(),
            Self::Not(inner) => format!("!{}", inner.inside(true)),
            Self::All(parts) => joined(parts, " && "),
            Self::Any(parts) => joined(parts, "||"),
        }
    }

    fn inside(&self, parentheses: bool) -> String {
        if parentheses {
            format!("({})", self.text())
        } else {
            self.text()
        }
    }

    /// What it is when `holds` says what its conditions are.
    pub(crate) fn is_true(&self, holds: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Condition(text) => holds(text),
            Self::Not(inner) => !inner.is_true(holds),
            Self::All(parts) => parts.iter().all(|part| part.is_true(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.is_true(holds)),
        }
    }
}

pub(crate) fn expression() -> impl Strategy<Value = Expression> {
    let leaf = condition().prop_map(Expression::Condition);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Expression::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::All),
            prop::collection::vec(inner, 2..4).prop_map(Expression::Any),
        ]
    })
}
