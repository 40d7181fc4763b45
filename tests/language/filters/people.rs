//! Random people and random conditions from small pools of values, so that conditions hold often.
//!
//! The generators match over `Method` and `Function`: the tests compile only if a new one has a
//! condition here.

use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Function, Method};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
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
    // Longer than the grams of the index, with common prefixes and suffixes.
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
const OPERATORS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// A person's id and fields.
#[derive(Clone, Debug)]
pub(crate) struct PersonSample {
    pub(crate) id: PersonId,
    pub(crate) fields: Value,
}

impl PersonSample {
    pub(crate) fn json(&self) -> FieldsJson {
        FieldsJson::from_stored(&self.fields.to_string()).expect("a person's fields")
    }
}

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

pub(crate) fn any_person() -> impl Strategy<Value = PersonSample> {
    (select(&IDS[..]), fields()).prop_map(|(id, fields)| PersonSample {
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

/// A path into the attributes.
pub(crate) fn attribute() -> impl Strategy<Value = String> {
    let step = || select(&[".x", ".y", ".b", "[\"any name\"]", "['x']"][..]);
    prop::collection::vec(step(), 1..3).prop_map(|steps| format!("attributes{}", steps.concat()))
}

fn text_path() -> impl Strategy<Value = String> {
    select(&["firstName", "lastName", "job"][..]).prop_map(str::to_owned)
}

fn list(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))
}

pub(crate) fn operator() -> impl Strategy<Value = &'static str> {
    select(&OPERATORS[..])
}

/// A path to a value that may be a text.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![3 => attribute(), 1 => text_path(), 1 => Just("id".to_owned())]
}

fn size() -> impl Strategy<Value = &'static str> {
    select(&["-1", "0", "1", "2", "3", "36"][..])
}

/// A path and a literal of its type.
pub(crate) fn pair() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        4 => (attribute(), literal()),
        2 => (text_path(), select(&TEXTS[..]).prop_map(quoted)),
        2 => (Just("age".to_owned()), select(&NUMBERS[..]).prop_map(str::to_owned)),
        1 => (Just("id".to_owned()), select(&IDS[..]).prop_map(quoted)),
    ]
}

/// `PATH.method(...)` as a condition.
fn call_of_method(method: Method) -> BoxedStrategy<String> {
    let with_text = |texts: &'static [&'static str]| {
        (path(), select(texts))
            .prop_map(move |(path, text)| format!("{path}.{}(\"{text}\")", method.name()))
            .boxed()
    };
    match method {
        Method::StartsWith | Method::EndsWith | Method::Contains => with_text(&TEXTS),
        Method::Matches => with_text(&PATTERNS),
        Method::Size => (path(), operator(), size())
            .prop_map(move |(path, operator, size)| {
                format!("{size} {operator} {path}.{}()", method.name())
            })
            .boxed(),
    }
}

/// `function(PATH)` as a condition.
fn call_of_function(function: Function) -> BoxedStrategy<String> {
    match function {
        Function::Size => (path(), operator(), size())
            .prop_map(move |(path, operator, size)| {
                format!("{}({path}) {operator} {size}", function.name())
            })
            .boxed(),
        // The path must end with a name after a dot.
        Function::Has => select(&[".x", ".y", ".x.y", ".b", "[\"any name\"].x"][..])
            .prop_map(move |path| format!("{}(attributes{path})", function.name()))
            .boxed(),
    }
}

/// One condition, in every form of the language.
pub(crate) fn condition() -> impl Strategy<Value = String> {
    let list_of_path = prop_oneof![
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
    let methods = Union::new(Method::ALL.iter().map(|method| call_of_method(*method)));
    let functions = Union::new(
        Function::ALL
            .iter()
            .map(|function| call_of_function(*function)),
    );
    prop_oneof![
        4 => (pair(), operator())
            .prop_map(|((path, literal), operator)| format!("{path} {operator} {literal}")),
        1 => (pair(), operator())
            .prop_map(|((path, literal), operator)| format!("{literal}{operator}{path}")),
        2 => list_of_path.prop_map(|(path, list)| format!("{path} in {list}")),
        2 => (literal(), attribute()).prop_map(|(literal, path)| format!("{literal} in {path}")),
        4 => methods,
        2 => functions,
        1 => any::<bool>().prop_map(|constant| constant.to_string()),
    ]
}

/// Conditions with `!`, `&&` and `||`.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Condition(String),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Expression {
    /// The text of the expression, with parentheses only where they are needed.
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

    fn inside(&self, in_parentheses: bool) -> String {
        if in_parentheses {
            format!("({})", self.text())
        } else {
            self.text()
        }
    }

    /// The value of the expression, where `holds` gives the value of each condition.
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
