//! The user's own part of a person, and its one JSON form.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::age::MAX_AGE;

/// A name's length in code points.
pub(super) const NAME_LENGTH: RangeInclusive<usize> = 1..=200;
/// A job's length in code points.
pub(super) const JOB_LENGTH: RangeInclusive<usize> = 0..=200;
/// Attributes as compact JSON, in bytes.
pub const MAX_ATTRIBUTES_BYTES: usize = 8 * 1024;

/// What a user says of a person; [`Draft`](super::Draft) checks the limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) age: u8,
    pub(super) job: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attributes: Option<Map<String, Value>>,
}

/// [`Fields`] as compact JSON: an object with `firstName`, `lastName`, `age`, `job` and, where
/// there are any, `attributes`. Stores, logs and frames carry this text; cloning it is cheap, and
/// clones share what was read of it.
#[derive(Clone)]
pub struct FieldsJson(Arc<Stored>);

struct Stored {
    text: Box<str>,
    values: OnceLock<Values>,
}

/// The values in a [`FieldsJson`].
pub struct Values {
    /// The first name.
    pub first_name: Box<str>,
    /// The last name.
    pub last_name: Box<str>,
    /// Years.
    pub age: u8,
    /// The job; may be empty.
    pub job: Box<str>,
    /// Where the user's own JSON object is in the text.
    attributes_text: Option<Range<usize>>,
    /// The values, once a caller asked for them.
    attributes: OnceLock<Option<Box<Value>>>,
}

/// How a stored text is read: borrowed where no escape had to be resolved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading<'a> {
    #[serde(borrow)]
    first_name: Cow<'a, str>,
    #[serde(borrow)]
    last_name: Cow<'a, str>,
    age: u8,
    #[serde(borrow)]
    job: Cow<'a, str>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

/// A stored text that does not hold a person's fields. The error has the place, but not the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorruptFields {
    /// It is no JSON object with these fields.
    #[error("its text is not a person's fields as JSON (column {0})")]
    Json(usize),
    /// A value that no save would have let through.
    #[error("its {0} is outside of what a person may have")]
    Limit(&'static str),
}

impl From<serde_json::Error> for CorruptFields {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.column())
    }
}

impl Fields {
    /// The fields as stores and frames carry them.
    pub fn to_json(&self) -> FieldsJson {
        let text = serde_json::to_string(self)
            .expect("strings, a number and a map with string keys always serialize");
        FieldsJson::unread(text)
    }
}

impl FieldsJson {
    /// Takes a text that a store or a frame carried, after a look at all of it.
    pub fn from_stored(text: &str) -> Result<Self, CorruptFields> {
        let values = Values::read(text)?.into();
        Ok(Self(Arc::new(Stored {
            text: text.into(),
            values,
        })))
    }

    fn unread(text: String) -> Self {
        Self(Arc::new(Stored {
            text: text.into(),
            values: OnceLock::new(),
        }))
    }

    /// The JSON object.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The object's members: its text without the braces, for splicing into a larger object. There
    /// always are some.
    pub fn members(&self) -> &str {
        self.as_str()
            .trim_ascii()
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .expect("the constructors take objects only")
    }

    /// The object's members as values.
    pub fn to_members(&self) -> Map<String, Value> {
        serde_json::from_str(self.as_str()).expect("the constructors take objects only")
    }

    /// The values; read once, for all callers.
    pub fn values(&self) -> &Values {
        self.0.values.get_or_init(|| {
            Values::read(&self.0.text).expect("the constructors take only what reads back")
        })
    }

    /// The attributes, if there are any; read once, for all callers. What no JSON parser takes
    /// (nested without end, say) never came through our doors; it counts as none.
    pub fn attributes(&self) -> Option<&Value> {
        let values = self.values();
        let text = &self.0.text[values.attributes_text.clone()?];
        values
            .attributes
            .get_or_init(|| serde_json::from_str(text).ok())
            .as_deref()
    }

    /// About how many bytes it keeps in memory once all of it was read; attributes then take
    /// several times their text.
    pub fn memory(&self) -> usize {
        let attributes = self.values().attributes_text.as_ref().map_or(0, Range::len);
        size_of::<Stored>() + 2 * self.as_str().len() + 6 * attributes
    }
}

impl Reading<'_> {
    /// The limits that a save is held to. Depth and repeated names inside of attributes are not
    /// looked at again.
    fn check(&self) -> Result<(), CorruptFields> {
        let attributes = self.attributes.map_or("{}", RawValue::get);
        let checks = [
            ("firstName", fits(&self.first_name, &NAME_LENGTH)),
            ("lastName", fits(&self.last_name, &NAME_LENGTH)),
            ("age", self.age <= MAX_AGE),
            ("job", fits(&self.job, &JOB_LENGTH)),
            (
                "attributes",
                attributes.starts_with('{') && attributes.len() <= MAX_ATTRIBUTES_BYTES,
            ),
        ];
        checks
            .iter()
            .find(|(_, holds)| !holds)
            .map_or(Ok(()), |(name, _)| Err(CorruptFields::Limit(name)))
    }
}

/// Whether a text has so many code points. A text is never shorter in bytes, so most are not
/// counted.
fn fits(text: &str, length: &RangeInclusive<usize>) -> bool {
    text.len() >= *length.start()
        && (text.len() <= *length.end() || length.contains(&text.chars().count()))
}

impl Values {
    fn read(text: &str) -> Result<Self, CorruptFields> {
        let reading: Reading<'_> = serde_json::from_str(text)?;
        reading.check()?;
        let Reading {
            first_name,
            last_name,
            age,
            job,
            attributes,
        } = reading;
        let attributes_text = attributes.map(|attributes| {
            let start = attributes.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + attributes.get().len()
        });
        let (first_name, last_name, job) = (first_name.into(), last_name.into(), job.into());
        Ok(Self {
            first_name,
            last_name,
            age,
            job,
            attributes_text,
            attributes: OnceLock::new(),
        })
    }
}

impl PartialEq for FieldsJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for FieldsJson {}

impl fmt::Debug for FieldsJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str, age: &str, attributes: &str) -> Result<FieldsJson, CorruptFields> {
        let rest = format!(r#""lastName":"L","age":{age},"job":"","attributes":{attributes}"#);
        FieldsJson::from_stored(&format!(r#"{{"firstName":"{name}",{rest}}}"#))
    }

    #[test]
    fn a_text_that_no_save_writes_is_refused() {
        assert!(
            stored(&"å".repeat(200), "150", "{}").is_ok(),
            "characters are counted, not bytes"
        );
        for (name, age, attributes, fault) in [
            (
                &*"a".repeat(201),
                "1",
                "{}",
                CorruptFields::Limit("firstName"),
            ),
            ("", "1", "{}", CorruptFields::Limit("firstName")),
            ("A", "151", "{}", CorruptFields::Limit("age")),
            ("A", "1", "[]", CorruptFields::Limit("attributes")),
            (
                "A",
                "1",
                &format!(r#"{{"a":"{}"}}"#, "x".repeat(8 * 1024)),
                CorruptFields::Limit("attributes"),
            ),
        ] {
            assert_eq!(stored(name, age, attributes).unwrap_err(), fault);
        }
        for text in [
            "",
            "{}",
            "[1]",
            r#"{"firstName":"A"}"#,
            r#"{"firstName":"A","lastName":"B","age":"1","job":""}"#,
        ] {
            let error = FieldsJson::from_stored(text).unwrap_err();
            assert!(matches!(error, CorruptFields::Json(_)), "{text}");
            assert!(!error.to_string().contains("firstName"), "{error}");
        }
    }
}
