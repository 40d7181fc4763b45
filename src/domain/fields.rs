//! The user's own part of a person, and its one JSON form.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

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
/// `attributes`. Stores, logs and frames carry this text; cloning it is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldsJson(Arc<str>);

/// The values inside a [`FieldsJson`], borrowed where no escape had to be resolved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldsRef<'a> {
    /// The first name.
    #[serde(borrow)]
    pub first_name: Cow<'a, str>,
    /// The last name.
    #[serde(borrow)]
    pub last_name: Cow<'a, str>,
    /// Years.
    pub age: u8,
    /// The job; may be empty.
    #[serde(borrow)]
    pub job: Cow<'a, str>,
    /// The user's own JSON object.
    #[serde(borrow, default)]
    pub attributes: Option<&'a RawValue>,
}

/// A stored text that does not hold a person's fields.
#[derive(Debug, thiserror::Error)]
#[error("a stored person does not hold a person's fields")]
pub struct CorruptFields(#[from] serde_json::Error);

impl Fields {
    /// The fields as stores and frames carry them.
    pub fn to_json(&self) -> FieldsJson {
        let text = serde_json::to_string(self).expect("strings, a number and a map with string keys always serialize");
        FieldsJson(text.into())
    }
}

impl FieldsJson {
    /// Takes a text that a store or a frame carried, after a look at all of it.
    pub fn from_stored(text: &str) -> Result<Self, CorruptFields> {
        serde_json::from_str::<FieldsRef<'_>>(text)?;
        Ok(Self(text.into()))
    }

    /// The JSON object.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The object's members: its text without the braces, for splicing into a larger object. There always are some.
    pub fn members(&self) -> &str {
        self.0
            .trim_ascii()
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .expect("the constructors take objects only")
    }

    /// The values.
    pub fn read(&self) -> FieldsRef<'_> {
        serde_json::from_str(&self.0).expect("the constructors take only what reads back")
    }
}

impl fmt::Debug for FieldsJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
