//! Random rules with claims, and the filters that they are with the values of these claims.

use std::fmt::Write as _;
use std::sync::Arc;

use people_gateway::filter::Filter;
use people_gateway::rights::{Policy, Rights};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::filters::people::{Expression, attribute, operator, pair};

/// What stands around a literal that a claim replaces.
const MARKS: [char; 2] = ['⟦', '⟧'];
/// Texts that mean something in a filter. In a claim they are texts like any other.
const HOSTILE: [&str; 4] = [r#"x" || true || "#, "claims.c0", "') || ('", "\\"];

/// A rule, and what it has to mean.
#[derive(Clone, Debug)]
pub(crate) struct BoundRule {
    pub(crate) text: String,
    pub(crate) claims: Map<String, Value>,
    /// The same with the values in place of the claims.
    pub(crate) filter_text: String,
}

impl BoundRule {
    pub(crate) fn filter(&self) -> Filter {
        Filter::parse(&self.filter_text).expect("a filter")
    }

    /// The marked text, once with claims and once with literals.
    fn of(marked: &str) -> Self {
        let (mut text, mut claims) = (String::new(), Map::new());
        let mut rest = marked;
        while let Some((before, from)) = rest.split_once(MARKS[0]) {
            let (literal, after) = from.split_once(MARKS[1]).expect("two marks");
            let name = format!("c{}", claims.len());
            write!(text, "{before}claims.{name}").expect("a String takes all");
            claims.insert(name, serde_json::from_str(literal).expect("JSON"));
            rest = after;
        }
        text.push_str(rest);
        Self {
            text,
            claims,
            filter_text: marked.replace(MARKS, ""),
        }
    }
}

/// A literal that is a claim, most of the time.
fn marked(literal: &str, is_claim: bool) -> String {
    if is_claim && literal != "null" {
        format!("{}{literal}{}", MARKS[0], MARKS[1])
    } else {
        literal.to_owned()
    }
}

fn condition() -> impl Strategy<Value = String> {
    let is_claim = || prop::bool::weighted(0.7);
    let hostile = || select(&HOSTILE[..]).prop_map(|text| Value::from(text).to_string());
    let texts = || {
        let plain = select(&["a", "ab", "é", "longer text"][..]);
        let text = prop_oneof![
            3 => plain.prop_map(|text| json!(text).to_string()),
            1 => hostile(),
        ];
        text.boxed()
    };
    let list =
        prop::collection::vec(texts(), 0..4).prop_map(|items| format!("[{}]", items.join(", ")));
    let item = (texts(), texts(), is_claim())
        .prop_map(|(one, other, is_claim)| format!("[{one}, {}]", marked(&other, is_claim)));
    prop_oneof![
        4 => (pair(), operator(), is_claim()).prop_map(|((path, literal), operator, is_claim)| {
            format!("{path} {operator} {}", marked(&literal, is_claim))
        }),
        1 => (pair(), operator(), is_claim()).prop_map(|((path, literal), operator, is_claim)| {
            format!("{} {operator} {path}", marked(&literal, is_claim))
        }),
        2 => (attribute(), hostile(), is_claim())
            .prop_map(|(path, text, is_claim)| format!("{path} == {}", marked(&text, is_claim))),
        2 => (attribute(), list, is_claim())
            .prop_map(|(path, list, is_claim)| format!("{path} in {}", marked(&list, is_claim))),
        1 => (attribute(), item).prop_map(|(path, list)| format!("{path} in {list}")),
        2 => (texts(), attribute(), is_claim())
            .prop_map(|(text, path, is_claim)| format!("{} in {path}", marked(&text, is_claim))),
        2 => (attribute(), select(&["startsWith", "endsWith", "contains"][..]), texts(), is_claim())
            .prop_map(|(path, method, text, is_claim)| {
                format!("{path}.{method}({})", marked(&text, is_claim))
            }),
        1 => (attribute(), operator(), 0..3_u8, is_claim()).prop_map(
            |(path, operator, size, is_claim)| {
                format!("size({path}) {operator} {}", marked(&size.to_string(), is_claim))
            }
        ),
    ]
}

pub(crate) fn rule() -> impl Strategy<Value = BoundRule> {
    let leaf = condition().prop_map(Expression::Condition);
    let expression = leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Expression::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..3).prop_map(Expression::All),
            prop::collection::vec(inner, 2..3).prop_map(Expression::Any),
        ]
    });
    expression.prop_map(|expression| BoundRule::of(&expression.text()))
}

/// Paths that a role may hide, and values that it may keep.
pub(crate) fn paths() -> impl Strategy<Value = Vec<&'static str>> {
    let path = select(
        &[
            "job",
            "age",
            "attributes.x",
            "attributes.y",
            "attributes.b",
            r#"attributes["any name"]"#,
        ][..],
    );
    prop::collection::vec(path, 0..3)
}

/// The rights of the one role of a policy, whose members these are.
pub(crate) fn rights(members: Value, claims: &Map<String, Value>) -> Arc<Rights> {
    let mut role = json!({"name": "role", "can": ["read", "watch", "save", "delete", "import"]});
    for (name, value) in members.as_object().expect("an object") {
        role[name] = value.clone();
    }
    let document = toml::to_string(&json!({"role": [role]})).expect("TOML");
    let policy: Policy = document.parse().expect("a policy");
    policy.rights(["role"], claims).expect("rights")
}

/// The names of a path.
pub(crate) fn names(path: &str) -> Vec<&str> {
    match path.strip_prefix("attributes") {
        Some(r#"["any name"]"#) => vec!["attributes", "any name"],
        Some(rest) => vec!["attributes", &rest[1..]],
        None => vec![path],
    }
}

/// A person's members without what is hidden, the plain way.
pub(crate) fn masked(mut members: Value, hidden: &[&str]) -> Value {
    for path in hidden {
        match names(path)[..] {
            [field] => drop(members.as_object_mut().expect("an object").remove(field)),
            [outer, inner] => {
                let Some(object) = members.get_mut(outer).and_then(Value::as_object_mut) else {
                    continue;
                };
                if object.remove(inner).is_some() && object.is_empty() {
                    members.as_object_mut().expect("an object").remove(outer);
                }
            }
            _ => unreachable!("a path has one or two names"),
        }
    }
    members
}
