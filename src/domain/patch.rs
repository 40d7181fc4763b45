//! A partial save: JSON Merge Patch (RFC 7396) on the user's fields.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::draft::{Faults, Members, malformed};
use super::{Draft, Fields, FieldsJson, IdRule, MAX_ATTRIBUTES_DEPTH, PersonId, Rejection, strict};

/// A JSON Merge Patch (RFC 7396) of a person.
#[derive(Clone, Debug)]
pub struct MergePatch(Value);

impl MergePatch {
    /// Reads a patch for the person `id`. Its `id` may be absent, null or that person's; what the store knows of a
    /// person (`revision` and the times) is ignored.
    pub fn parse(text: &str, id: PersonId) -> Result<Self, Rejection> {
        let syntax: &RawValue = serde_json::from_str(text).map_err(malformed)?;
        if !syntax.get().starts_with('{') {
            return Ok(Self(Value::Null));
        }
        let mut faults = Faults::default();
        let mut patch = Map::new();
        for (key, raw) in Members::parse(text)?.0 {
            match key.as_str() {
                "id" => drop(faults.id(raw, IdRule::MustBe(id))),
                "revision" | "createdAt" | "updatedAt" => {}
                _ if patch.contains_key(&key) => faults.add(&key, "is given twice: send it once"),
                _ => match strict::value(raw.get(), MAX_ATTRIBUTES_DEPTH) {
                    Ok(value) => drop(patch.insert(key, value)),
                    Err(detail) => faults.add(&key, detail),
                },
            }
        }
        if faults.0.is_empty() { Ok(Self(Value::Object(patch))) } else { Err(Rejection::Invalid(faults.0)) }
    }

    /// What the person becomes, checked like any other body.
    pub fn apply(&self, current: &FieldsJson) -> Result<Fields, Rejection> {
        let mut target = serde_json::from_str(current.as_str()).expect("stored fields are JSON");
        merge(&mut target, &self.0);
        Draft::parse(&target.to_string(), IdRule::Ignored).map(|draft| draft.fields)
    }
}

/// `MergePatch(Target, Patch)` of RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_is_rfc_7396_on_the_users_fields() {
        let id: PersonId = "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().expect("an id");
        let body = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician","attributes":{"a":{"b":1,"c":2},"l":[1]}}"#;
        let current = Draft::parse(body, IdRule::Ignored).expect("a person").fields.to_json();
        let patched = |patch: &str| {
            MergePatch::parse(patch, id)
                .and_then(|patch| patch.apply(&current))
                .map(|fields| fields.to_json().as_str().to_owned())
        };
        assert_eq!(
            patched(r#"{"age":37,"id":null,"revision":"x","attributes":{"a":{"b":null,"d":{"e":null}},"l":[2,null]}}"#)
                .expect("a person"),
            r#"{"firstName":"Ada","lastName":"Lovelace","age":37,"job":"Mathematician","attributes":{"a":{"c":2,"d":{}},"l":[2,null]}}"#
        );
        assert_eq!(
            patched(r#"{"attributes":null}"#).expect("a person"),
            body.replace(r#","attributes":{"a":{"b":1,"c":2},"l":[1]}"#, "")
        );
        for wrong in [
            r#"{"age":null}"#,
            r#"{"x":1}"#,
            "[]",
            "null",
            r#"{"attributes":{"n":99999999999999999999}}"#,
            r#"{"age":1,"age":2}"#,
        ] {
            assert!(matches!(patched(wrong), Err(Rejection::Invalid(_))), "{wrong}");
        }
        assert!(matches!(patched("{"), Err(Rejection::Malformed { .. })));
    }
}
