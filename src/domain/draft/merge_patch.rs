//! JSON Merge Patch (RFC 7396), and the members of a body before they are judged as a person.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Draft, Faults, IdRule, MAX_ATTRIBUTES_DEPTH, Rejection, malformed, members, unmarked};
use crate::domain::age::age;
use crate::domain::{FieldsJson, PersonId, strict};

const FIELDS: [&str; 5] = ["firstName", "lastName", "age", "job", "attributes"];

/// The members of a body, each read strictly; what the store knows of a person (`revision` and the
/// times) is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonMembers {
    /// The id that the body names, under [`IdRule::Names`].
    pub id: Option<PersonId>,
    /// The others.
    pub members: Map<String, Value>,
}

/// A JSON Merge Patch of a person: its members, or none where it is not an object.
#[derive(Clone, Debug)]
pub struct MergePatch(Option<Map<String, Value>>);

impl PersonMembers {
    /// Reads a body. A byte order mark before it is skipped.
    pub fn parse(text: &str, rule: IdRule) -> Result<Self, Rejection> {
        let (mut faults, mut id, mut all) = (Faults::default(), None, Map::new());
        for (key, raw) in members(unmarked(text))? {
            match key.as_str() {
                "id" => id = faults.id(raw, rule),
                "revision" | "createdAt" | "updatedAt" => {}
                _ if all.contains_key(&key) => faults.add(&key, "is given twice: send it once"),
                _ => match strict::value(raw.get(), MAX_ATTRIBUTES_DEPTH) {
                    Ok(value) if key == "age" => drop(all.insert(key, exact_age(raw, value))),
                    Ok(value) => drop(all.insert(key, value)),
                    Err(detail) => faults.add(&key, detail),
                },
            }
        }
        if faults.0.is_empty() {
            Ok(Self { id, members: all })
        } else {
            Err(Rejection::Invalid(faults.0))
        }
    }

    /// The person that they make.
    pub fn into_draft(self) -> Result<Draft, Rejection> {
        let text = Value::Object(self.members).to_string();
        let draft = Draft::parse(&text, IdRule::Ignored)?;
        Ok(Draft {
            id: self.id,
            ..draft
        })
    }
}

impl MergePatch {
    /// Reads a patch for the person `id`. Its `id` may be absent, null or that person's.
    pub fn parse(text: &str, id: PersonId) -> Result<Self, Rejection> {
        let syntax: &RawValue = serde_json::from_str(unmarked(text)).map_err(malformed)?;
        if !syntax.get().starts_with('{') {
            return Ok(Self(None));
        }
        let read = PersonMembers::parse(text, IdRule::MustBe(id))?;
        Ok(Self(Some(read.members)))
    }

    /// Its members; none where it is not an object.
    pub const fn members(&self) -> Option<&Map<String, Value>> {
        self.0.as_ref()
    }

    /// What the members of a person become; they are not judged yet.
    pub fn merge(&self, members: Map<String, Value>) -> Result<PersonMembers, Rejection> {
        let mut target = Value::Object(members);
        let patch = self.0.clone().map_or(Value::Null, Value::Object);
        merge(&mut target, &patch);
        match (target, &self.0) {
            (Value::Object(mut members), Some(patch)) => {
                // To remove an unknown member is a mistake, too.
                let unknown = patch
                    .iter()
                    .filter(|(key, value)| value.is_null() && !FIELDS.contains(&key.as_str()));
                members.extend(unknown.map(|(key, _)| (key.clone(), Value::Null)));
                Ok(PersonMembers { id: None, members })
            }
            (other, _) => PersonMembers::parse(&other.to_string(), IdRule::Ignored),
        }
    }

    /// What the person becomes, checked like any other body.
    pub fn apply(&self, current: &FieldsJson) -> Result<Draft, Rejection> {
        self.merge(current.to_members())?.into_draft()
    }
}

/// The age by its text, as in a whole person. A fraction that the value has lost stays a text,
/// which is no age.
fn exact_age(raw: &RawValue, value: Value) -> Value {
    match age(raw.get()) {
        Some(age) => age.into(),
        None if age(&value.to_string()).is_some() => raw.get().into(),
        None => value,
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
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
