//! From a request's body to a person's fields: everything that is wrong with it, at once and by
//! name.

mod merge_patch;

pub use merge_patch::{MergePatch, PersonMembers};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::age::{MAX_AGE, age};
use super::fields::{JOB_LENGTH, MAX_ATTRIBUTES_BYTES, NAME_LENGTH};
use super::members::Members;
use super::{Fields, PersonId, strict};

/// Levels of nesting in attributes; the object itself is the first.
pub const MAX_ATTRIBUTES_DEPTH: usize = 8;
/// Faults that one refusal lists; a body with more of them has the first ones named.
const MAX_FAULTS: usize = 100;

/// One value that is wrong: its place (RFC 6901, JSON Pointer) and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fault {
    /// The place in the body.
    pub pointer: String,
    /// What to send instead.
    pub detail: String,
}

/// Why a body is not a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The text is not JSON.
    #[error("not JSON: {detail}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes; 0 at the very start of the text.
        column: usize,
        /// What the parser met.
        detail: String,
    },
    /// It is JSON, but its values are wrong.
    #[error("{} of the values are wrong", .0.len())]
    Invalid(Vec<Fault>),
}

/// What a body's `id` may be. Absent and null always pass.
#[derive(Clone, Copy, Debug)]
pub enum IdRule {
    /// Any value is ignored: the server gives the id.
    Ignored,
    /// It must name this person.
    MustBe(PersonId),
    /// It names the person to save.
    Names,
}

/// A checked body.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The id that the body names, under [`IdRule::Names`].
    pub id: Option<PersonId>,
    /// What the user says of the person.
    pub fields: Fields,
}

impl Draft {
    /// Reads a body. A byte order mark before it is skipped.
    pub fn parse(text: &str, rule: IdRule) -> Result<Self, Rejection> {
        let members = members(unmarked(text))?;
        let mut faults = Faults::default();
        let (mut first_name, mut last_name, mut age, mut job, mut attributes, mut id) =
            (None, None, None, None, None, None);
        let mut seen: Vec<&str> = Vec::new();
        for (key, raw) in &members {
            if seen.contains(&key.as_str()) {
                faults.add(key, "is given twice: send it once");
                continue;
            }
            match key.as_str() {
                "firstName" => first_name = faults.text(key, raw, NAME_LENGTH),
                "lastName" => last_name = faults.text(key, raw, NAME_LENGTH),
                "job" => job = faults.text(key, raw, JOB_LENGTH),
                "age" => age = faults.age(raw),
                "attributes" => attributes = faults.attributes(raw),
                "id" => id = faults.id(raw, rule),
                "revision" | "createdAt" | "updatedAt" => {}
                _ => {
                    faults.add(
                        key,
                        "is not a field of a person: leave it out, or put it inside attributes",
                    );
                    continue;
                }
            }
            seen.push(key);
        }
        for required in ["firstName", "lastName", "age", "job"] {
            if !seen.contains(&required) {
                faults.add(required, "is required");
            }
        }
        match (first_name, last_name, age, job) {
            (Some(first_name), Some(last_name), Some(age), Some(job)) if faults.0.is_empty() => {
                Ok(Self {
                    id,
                    fields: Fields {
                        first_name,
                        last_name,
                        age,
                        job,
                        attributes,
                    },
                })
            }
            _ => Err(Rejection::Invalid(faults.0)),
        }
    }
}

/// A byte order mark is no part of the text: RFC 8259, section 8.1, lets parsers pass over it.
fn unmarked(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn members(text: &str) -> Result<Vec<(String, &RawValue)>, Rejection> {
    match serde_json::from_str(text) {
        Ok(Members(members)) => Ok(members),
        Err(_) => Err(match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Rejection::Invalid(vec![Fault {
                pointer: String::new(),
                detail: "must be a JSON object".into(),
            }]),
            Err(error) => malformed(error),
        }),
    }
}

fn malformed(error: serde_json::Error) -> Rejection {
    Rejection::Malformed {
        line: error.line(),
        column: error.column(),
        detail: error.to_string(),
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, key: &str, detail: impl Into<String>) {
        if self.0.len() < MAX_FAULTS {
            let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            self.0.push(Fault {
                pointer,
                detail: detail.into(),
            });
        }
    }

    fn text(
        &mut self,
        key: &str,
        raw: &RawValue,
        length: std::ops::RangeInclusive<usize>,
    ) -> Option<String> {
        let (min, max) = (length.start(), length.end());
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if length.contains(&text.chars().count()) => return Some(text),
            Err(error) if raw.get().starts_with('"') => {
                self.add(key, format!("is not a Unicode text: {error}"));
            }
            _ => self.add(
                key,
                format!("must be a string of {min} to {max} characters"),
            ),
        }
        None
    }

    fn age(&mut self, raw: &RawValue) -> Option<u8> {
        let age = age(raw.get());
        if age.is_none() {
            self.add("age", format!("must be an integer from 0 to {MAX_AGE}"));
        }
        age
    }

    fn id(&mut self, raw: &RawValue, rule: IdRule) -> Option<PersonId> {
        if matches!(rule, IdRule::Ignored) || raw.get() == "null" {
            return None;
        }
        let id = serde_json::from_str::<String>(raw.get())
            .ok()
            .and_then(|text| text.parse().ok());
        match (rule, id) {
            (IdRule::MustBe(path), Some(id)) if id == path => {}
            (IdRule::MustBe(path), _) => {
                self.add("id", format!("must be absent, null, or the path's: {path}"));
            }
            (IdRule::Names, None) => self.add("id", "must be absent, null, or a UUID"),
            _ => return id,
        }
        None
    }

    fn attributes(&mut self, raw: &RawValue) -> Option<Map<String, Value>> {
        if raw.get() == "null" {
            return None;
        }
        match strict::value(raw.get(), MAX_ATTRIBUTES_DEPTH) {
            Ok(Value::Object(attributes)) => {
                let bytes = serde_json::to_string(&attributes)
                    .expect("a map with string keys serializes")
                    .len();
                if bytes <= MAX_ATTRIBUTES_BYTES {
                    return Some(attributes);
                }
                self.add(
                    "attributes",
                    format!(
                        "must be at most {MAX_ATTRIBUTES_BYTES} bytes as compact JSON, not {bytes}"
                    ),
                );
            }
            Ok(_) => self.add("attributes", "must be a JSON object or null"),
            Err(detail) => self.add("attributes", detail),
        }
        None
    }
}

#[cfg(test)]
mod tests;
