//! One person as filters look at it: read only as far as they ask, and once.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::scalar::{Number, ScalarRef};
use crate::domain::{FieldsJson, PersonId};

/// What a filter can ask a person for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Path {
    Id,
    FirstName,
    LastName,
    Age,
    Job,
    /// A value inside the attributes: the keys that lead to it, one at least.
    Attribute(Box<[Box<str>]>),
}

/// A person at one moment.
pub(super) struct Image<'a> {
    id: PersonId,
    fields: &'a FieldsJson,
    id_text: OnceCell<String>,
}

/// What stands at a path.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Scalar(ScalarRef<'a>),
    List(&'a [Value]),
    Object(&'a Map<String, Value>),
}

impl<'a> Image<'a> {
    pub(super) const fn new(id: PersonId, fields: &'a FieldsJson) -> Self {
        Self {
            id,
            fields,
            id_text: OnceCell::new(),
        }
    }

    /// What stands at `path`; none where the path is missing.
    pub(super) fn get(&self, path: &Path) -> Option<Found<'_>> {
        let text = |text| Some(Found::Scalar(ScalarRef::Text(text)));
        match path {
            Path::Id => text(self.id_text.get_or_init(|| self.id.to_string())),
            Path::FirstName => text(&self.fields.values().first_name),
            Path::LastName => text(&self.fields.values().last_name),
            Path::Age => Some(Found::Scalar(ScalarRef::Number(Number::Integer(
                self.fields.values().age.into(),
            )))),
            Path::Job => text(&self.fields.values().job),
            Path::Attribute(keys) => {
                let attributes = self.fields.attributes()?;
                keys.iter()
                    .try_fold(attributes, |value, key| value.get(&**key))
                    .and_then(Found::in_json)
            }
        }
    }

    /// The attributes, if there are any.
    pub(super) fn attributes(&self) -> Option<&'a Value> {
        self.fields.attributes()
    }
}

impl<'a> Found<'a> {
    pub(super) fn in_json(value: &'a Value) -> Option<Self> {
        match value {
            Value::Array(list) => Some(Self::List(list)),
            Value::Object(object) => Some(Self::Object(object)),
            scalar => ScalarRef::from_json(scalar).map(Self::Scalar),
        }
    }

    /// The scalar that it is.
    pub(super) const fn scalar(self) -> Option<ScalarRef<'a>> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The object that it is.
    pub(super) const fn object(self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Scalar(_) | Self::List(_) => None,
        }
    }

    /// The text that it is.
    pub(super) const fn text(self) -> Option<&'a str> {
        match self {
            Self::Scalar(ScalarRef::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Its code points, elements or keys; other values have no size.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Self::Scalar(ScalarRef::Text(text)) => Some(text.chars().count()),
            Self::Scalar(_) => None,
            Self::List(list) => Some(list.len()),
            Self::Object(object) => Some(object.len()),
        }
    }

    /// Whether it is a list with this element, or an object with this key.
    pub(super) fn holds(self, literal: ScalarRef<'_>) -> bool {
        match (self, literal) {
            (Self::List(list), literal) => list
                .iter()
                .any(|element| ScalarRef::from_json(element) == Some(literal)),
            (Self::Object(object), ScalarRef::Text(key)) => object.contains_key(key),
            _ => false,
        }
    }
}
