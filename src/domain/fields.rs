//! The user's own part of a person, and its one JSON form.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

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

/// [`Fields`] as compact JSON: an object with `firstName`, `lastName`, `age`, `job` and, where there are any,
/// `attributes`. Stores, logs and frames carry this text; cloning it is cheap, and whoever holds a clone shares what was
/// read of it.
#[derive(Clone)]
pub struct FieldsJson(Arc<Stored>);

struct Stored {
    text: Box<str>,
    values: OnceLock<Values>,
}

/// What stands in a [`FieldsJson`].
pub struct Values {
    /// The first name.
    pub first_name: Box<str>,
    /// The last name.
    pub last_name: Box<str>,
    /// Years.
    pub age: u8,
    /// The job; may be empty.
    pub job: Box<str>,
    /// Where in the text the user's own JSON object stands.
    attributes_text: Option<Range<usize>>,
    /// The same, once somebody asked.
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

/// A stored text that does not hold a person's fields.
#[derive(Debug, thiserror::Error)]
#[error("a stored person does not hold a person's fields")]
pub struct CorruptFields(#[from] serde_json::Error);

impl Fields {
    /// The fields as stores and frames carry them.
    pub fn to_json(&self) -> FieldsJson {
        let text = serde_json::to_string(self).expect("strings, a number and a map with string keys always serialize");
        FieldsJson::unread(text)
    }
}

impl FieldsJson {
    /// Takes a text that a store or a frame carried, after a look at all of it.
    pub fn from_stored(text: &str) -> Result<Self, CorruptFields> {
        let values = Values::read(text)?.into();
        Ok(Self(Arc::new(Stored { text: text.into(), values })))
    }

    fn unread(text: String) -> Self {
        Self(Arc::new(Stored { text: text.into(), values: OnceLock::new() }))
    }

    /// The JSON object.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The object's members: its text without the braces, for splicing into a larger object. There always are some.
    pub fn members(&self) -> &str {
        self.as_str()
            .trim_ascii()
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .expect("the constructors take objects only")
    }

    /// What stands in it; read once, whoever asks.
    pub fn values(&self) -> &Values {
        self.0.values.get_or_init(|| Values::read(&self.0.text).expect("the constructors take only what reads back"))
    }

    /// The attributes, if there are any; read once, whoever asks. What no JSON parser takes (nested without end, say)
    /// never came through our doors; it counts as none.
    pub fn attributes(&self) -> Option<&Value> {
        let values = self.values();
        let text = &self.0.text[values.attributes_text.clone()?];
        values.attributes.get_or_init(|| serde_json::from_str(text).ok()).as_deref()
    }

    /// About how many bytes it keeps in memory once all of it was read; attributes then take several times their text.
    pub fn memory(&self) -> usize {
        let attributes = self.values().attributes_text.as_ref().map_or(0, Range::len);
        size_of::<Stored>() + 2 * self.as_str().len() + 6 * attributes
    }
}

impl Values {
    fn read(text: &str) -> Result<Self, CorruptFields> {
        let Reading { first_name, last_name, age, job, attributes } = serde_json::from_str(text)?;
        let attributes_text = attributes.map(|attributes| {
            let start = attributes.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + attributes.get().len()
        });
        let (first_name, last_name, job) = (first_name.into(), last_name.into(), job.into());
        Ok(Self { first_name, last_name, age, job, attributes_text, attributes: OnceLock::new() })
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
