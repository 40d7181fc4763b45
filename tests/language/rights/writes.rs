//! Writes under rules and a mask: what is refused, and what is saved.

use people_gateway::domain::{FieldsJson, IdRule, PersonId};
use people_gateway::rights::{Rights, WriteRefusal};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::filters::people::{IDS, fields};
use crate::rights::sample::{BoundRule, masked, names, paths, rights, rule};

/// What becomes of a write.
#[derive(Debug, PartialEq)]
enum Outcome {
    Saved(Value),
    Rejected,
    Forbidden,
}

impl From<Result<FieldsJson, WriteRefusal>> for Outcome {
    fn from(result: Result<FieldsJson, WriteRefusal>) -> Self {
        match result {
            Ok(fields) => Self::Saved(serde_json::from_str(fields.as_str()).expect("JSON")),
            Err(WriteRefusal::Rejected(_)) => Self::Rejected,
            Err(WriteRefusal::Forbidden(..)) => Self::Forbidden,
        }
    }
}

fn id() -> PersonId {
    IDS[0].parse().expect("an id")
}

fn json_of(fields: &Value) -> FieldsJson {
    FieldsJson::from_stored(&fields.to_string()).expect("fields")
}

fn at<'v>(fields: &'v Value, path: &str) -> Option<&'v Value> {
    names(path)
        .into_iter()
        .try_fold(fields, |value, name| value.get(name))
}

/// The judge that knows all.
struct Judge<'a> {
    rule: &'a BoundRule,
    hidden: &'a [&'static str],
    keep: &'a [&'static str],
}

impl Judge<'_> {
    fn may_save(&self, fields: &Value) -> bool {
        self.rule.filter().matches(id(), &json_of(fields))
    }

    /// What replaces a person; `before` is none for a new one.
    fn saved(&self, before: Option<&Value>, body: &Value) -> Outcome {
        if self.hidden.iter().any(|path| at(body, path).is_some()) {
            return Outcome::Rejected;
        }
        if before.is_some_and(|before| !self.may_save(before)) {
            return Outcome::Forbidden;
        }
        let mut after = body.clone();
        for path in self.hidden {
            match (before.and_then(|before| at(before, path)), &names(path)[..]) {
                (Some(value), [field]) => after[*field] = value.clone(),
                (Some(value), [outer, inner]) => {
                    if !after[*outer].is_object() {
                        after[*outer] = json!({});
                    }
                    after[*outer][*inner] = value.clone();
                }
                (None, ["job" | "age"]) => return Outcome::Forbidden,
                _ => {}
            }
        }
        let is_changed = |path: &&&str| match before {
            Some(before) => at(before, path) != at(&after, path),
            None => path.starts_with("attributes") && at(&after, path).is_some(),
        };
        if self.keep.iter().any(|path| is_changed(&path)) || !self.may_save(&after) {
            return Outcome::Forbidden;
        }
        Outcome::Saved(after)
    }
}

fn replace(rights: &Rights, before: Option<&Value>, body: &Value) -> Outcome {
    let Ok(body) = rights.read_body(&body.to_string(), IdRule::Ignored) else {
        return Outcome::Rejected;
    };
    let Some(before) = before else {
        return rights.create(id(), &body).into();
    };
    let before = json_of(before);
    if rights.check_update(id(), &before).is_err() {
        return Outcome::Forbidden;
    }
    rights.replace(id(), &before, &body).into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_write_is_judged_before_and_after_and_keeps_what_is_hidden(
        rule in rule(),
        (hidden, keep) in (paths(), paths()),
        before in prop::option::weighted(0.8, fields()),
        (body, names_hidden) in (fields(), prop::bool::weighted(0.1)),
    ) {
        let members = json!({"save": rule.text, "hide": hidden, "keep": keep});
        let rights = rights(members, &rule.claims);
        let body = if names_hidden { body } else { masked(body, &hidden) };
        let judge = Judge { rule: &rule, hidden: &hidden, keep: &keep };
        let expected = judge.saved(before.as_ref(), &body);
        prop_assert_eq!(replace(&rights, before.as_ref(), &body), expected);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_keeps_what_is_hidden(
        rule in rule(), hidden in paths(), before in fields(), job in "[a-b]{0,2}",
    ) {
        let rights = rights(json!({"save": rule.text, "hide": hidden}), &rule.claims);
        let judge = Judge { rule: &rule, hidden: &hidden, keep: &[] };
        let patch = json!({"job": job, "attributes": {"x": 7, "y": null}});
        let patch_names = ["job", "attributes.x", "attributes.y"];
        let names_hidden = hidden.iter().any(|path| patch_names.contains(path));
        let read = rights.read_patch(&patch.to_string(), id());
        prop_assert_eq!(read.is_err(), names_hidden);
        let Ok(patch) = read else { return Ok(()) };
        let mut after = before.clone();
        after["job"] = job.into();
        if !after["attributes"].is_object() {
            after["attributes"] = json!({});
        }
        after["attributes"]["x"] = json!(7);
        after["attributes"].as_object_mut().expect("an object").remove("y");
        let before_json = json_of(&before);
        prop_assert_eq!(rights.check_update(id(), &before_json).is_ok(), judge.may_save(&before));
        let merged: Outcome = rights.merge(id(), &before_json, &patch).into();
        let expected = if judge.may_save(&after) {
            Outcome::Saved(after)
        } else {
            Outcome::Forbidden
        };
        prop_assert_eq!(merged, expected);
    }
}
