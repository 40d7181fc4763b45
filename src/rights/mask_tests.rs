//! Masks and writes through them, against a reference that knows leaves only.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Mask;
use super::overlay::Null;
use crate::domain::{FieldsJson, Rejection};
use crate::filter::FieldPath;

type Leaves = BTreeMap<Vec<String>, Value>;

/// The values that are no objects, or empty ones, by the names that lead to them.
fn leaves(members: &Map<String, Value>) -> Leaves {
    let mut found = Leaves::new();
    add_leaves(members, &[], &mut found);
    found
}

fn add_leaves(members: &Map<String, Value>, names: &[String], found: &mut Leaves) {
    for (name, value) in members {
        let names = [names, std::slice::from_ref(name)].concat();
        match value {
            Value::Object(inner) if !inner.is_empty() => add_leaves(inner, &names, found),
            leaf => drop(found.insert(names, leaf.clone())),
        }
    }
}

/// Whether a leaf is shown.
fn is_shown(mask: &Mask, names: &[String]) -> bool {
    let covers = |path: &FieldPath| {
        let path = path.names();
        path.len() <= names.len() && path.iter().zip(names).all(|(one, other)| **one == **other)
    };
    !mask.hidden().iter().any(covers) && mask.shown().is_none_or(|shown| shown.iter().any(covers))
}

fn shown(mask: &Mask, members: &Map<String, Value>) -> Leaves {
    let mut all = leaves(members);
    all.retain(|names, _| is_shown(mask, names));
    all
}

/// Without empty objects: a caller's own object takes their place.
fn hidden(mask: &Mask, members: &Map<String, Value>) -> Leaves {
    let mut all = leaves(members);
    all.retain(|names, value| !is_shown(mask, names) && *value != json!({}));
    all
}

fn attribute() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..9_u8).prop_map(Value::from),
        Just(json!([{"a": 1}])),
        Just(json!({})),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::vec((name(), inner), 0..3)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(String::from)
}

fn fields() -> impl Strategy<Value = FieldsJson> {
    let attributes = prop::option::of(prop::collection::vec((name(), attribute()), 0..4));
    attributes.prop_map(|attributes| {
        let mut fields = json!({"firstName": "A", "lastName": "B", "age": 3, "job": ""});
        if let Some(attributes) = attributes {
            let attributes: Map<String, Value> = attributes.into_iter().collect();
            fields["attributes"] = attributes.into();
        }
        FieldsJson::from_stored(&fields.to_string()).expect("fields")
    })
}

fn path() -> impl Strategy<Value = FieldPath> {
    let fixed = prop::sample::select(vec!["firstName", "age", "job", "attributes"]);
    let below = prop::collection::vec(name(), 1..4);
    prop_oneof![
        fixed.prop_map(String::from),
        below.prop_map(|names| format!("attributes.{}", names.join("."))),
    ]
    .prop_map(|text| text.parse().expect("a path"))
}

fn mask() -> impl Strategy<Value = Mask> {
    let paths = || prop::collection::vec(path(), 0..4);
    let one = || (paths(), prop::option::of(paths()));
    (one(), one())
        .prop_map(|((hide, show), (more, less))| Mask::new(hide, show).and(&Mask::new(more, less)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_hidden_is_left_out_and_nothing_else(fields in fields(), mask in mask()) {
        let all = fields.to_members();
        let masked = mask.apply(&fields);
        prop_assert_eq!(leaves(&masked), shown(&mask, &all));
        for names in hidden(&mask, &all).keys() {
            let text = names[1..].iter().fold(names[0].clone(), |text, name| {
                format!("{text}.{name}")
            });
            let path: FieldPath = text.parse().expect("a path");
            prop_assert!(mask.hides(&path), "a filter must not ask for {}", path);
        }
    }

    #[test]
    fn a_write_of_what_is_seen_changes_nothing(fields in fields(), mask in mask()) {
        let mut edited = mask.apply(&fields);
        prop_assert_eq!(mask.check_names(&edited), Ok(()));
        let before = fields.to_members();
        prop_assert_eq!(mask.check_room(&edited, Null::Value, Some(&before)), Ok(()));
        prop_assert_eq!(mask.overlay(&fields, &mut edited), Ok(()));
        prop_assert_eq!(edited, before);
    }

    #[test]
    fn a_write_changes_what_is_seen_and_keeps_what_is_hidden(
        before in fields(), after in fields(), mask in mask()
    ) {
        let edited = mask.apply(&after);
        let mut saved = edited.clone();
        let has_room = mask.check_room(&edited, Null::Value, Some(&before.to_members())).is_ok();
        if has_room && mask.overlay(&before, &mut saved).is_ok() {
            prop_assert_eq!(hidden(&mask, &saved), hidden(&mask, &before.to_members()));
            // An object of the caller's that holds hidden values only looks like none.
            let some = |mut leaves: Leaves| {
                leaves.retain(|_, value| *value != json!({}));
                leaves
            };
            prop_assert_eq!(some(shown(&mask, &saved)), some(leaves(&edited)));
        }
    }

    #[test]
    fn a_body_that_names_what_is_hidden_is_refused(fields in fields(), mask in mask()) {
        let all = fields.to_members();
        let names_hidden = !hidden(&mask, &all).is_empty();
        let refused = mask.check_names(&all).is_err()
            || mask.check_room(&all, Null::Value, Some(&all)).is_err();
        prop_assert!(refused || !names_hidden, "{:?}", all);
    }
}

#[test]
fn a_value_in_the_way_of_a_hidden_part_is_refused() {
    let path = "attributes.address.street".parse().expect("a path");
    let mask = Mask::new(vec![path], None);
    let pointers = |body: Value, removes| {
        let body = body.as_object().expect("an object").clone();
        let checks = [
            mask.check_names(&body),
            mask.check_room(&body, removes, None),
        ];
        let faults = checks.into_iter().filter_map(|check| match check {
            Err(Rejection::Invalid(faults)) => Some(faults),
            _ => None,
        });
        faults
            .flatten()
            .map(|fault| fault.pointer)
            .collect::<Vec<_>>()
    };
    let address = |value: Value| json!({"attributes": {"address": value}});
    assert_eq!(
        pointers(address(json!("x")), Null::Value),
        ["/attributes/address"]
    );
    assert_eq!(
        pointers(address(Value::Null), Null::Value),
        ["/attributes/address"]
    );
    assert!(
        pointers(address(Value::Null), Null::Removes).is_empty(),
        "a patch removes it"
    );
    let street = address(json!({"street": Value::Null}));
    assert_eq!(
        pointers(street, Null::Removes),
        ["/attributes/address/street"]
    );
    assert!(pointers(json!({"attributes": null}), Null::Value).is_empty());
    assert_eq!(
        pointers(json!({"attributes": 1}), Null::Value),
        ["/attributes"]
    );
}
