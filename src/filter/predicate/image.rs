//! One person at one moment, and the values at its paths. The attributes are parsed once, and only
//! if a path leads there.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::scalar::{Number, ScalarRef};
use crate::domain::{FieldsJson, PersonId};

/// The path of a value in a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Path {
    Id,
    FirstName,
    LastName,
    Age,
    Job,
    /// A value inside the attributes, by the keys that lead to it; at least one.
    Attribute(Box<[Box<str>]>),
}

/// A person at one moment.
pub(crate) struct Image<'a> {
    id: PersonId,
    fields: &'a FieldsJson,
    id_text: OnceCell<String>,
}

/// The value at a path.
#[derive(Clone, Copy)]
pub(crate) enum PathValue<'a> {
    Scalar(ScalarRef<'a>),
    List(&'a [Value]),
    Object(&'a Map<String, Value>),
}

impl Path {
    /// The names that lead to the value, from the outermost in.
    pub(crate) fn into_names(self) -> Vec<Box<str>> {
        match self {
            Self::Attribute(keys) => {
                let mut names = vec!["attributes".into()];
                names.extend(keys);
                names
            }
            field => field.names().map(Box::from).collect(),
        }
    }

    /// The same without giving the path away.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let (first, keys): (&str, &[Box<str>]) = match self {
            Self::Id => ("id", &[]),
            Self::FirstName => ("firstName", &[]),
            Self::LastName => ("lastName", &[]),
            Self::Age => ("age", &[]),
            Self::Job => ("job", &[]),
            Self::Attribute(keys) => ("attributes", keys),
        };
        std::iter::once(first).chain(keys.iter().map(|key| &**key))
    }
}

impl<'a> Image<'a> {
    pub(crate) const fn new(id: PersonId, fields: &'a FieldsJson) -> Self {
        Self {
            id,
            fields,
            id_text: OnceCell::new(),
        }
    }

    /// The value at `path`; `None` where the path is missing.
    pub(crate) fn get(&self, path: &Path) -> Option<PathValue<'_>> {
        let text = |text| Some(PathValue::Scalar(ScalarRef::Text(text)));
        match path {
            Path::Id => text(self.id_text.get_or_init(|| self.id.to_string())),
            Path::FirstName => text(&self.fields.values().first_name),
            Path::LastName => text(&self.fields.values().last_name),
            Path::Age => Some(PathValue::Scalar(ScalarRef::Number(Number::Integer(
                self.fields.values().age.into(),
            )))),
            Path::Job => text(&self.fields.values().job),
            Path::Attribute(keys) => {
                let attributes = self.fields.attributes()?;
                keys.iter()
                    .try_fold(attributes, |value, key| value.get(&**key))
                    .and_then(PathValue::from_json)
            }
        }
    }

    /// The attributes; `None` if the person has none.
    pub(crate) fn attributes(&self) -> Option<&'a Value> {
        self.fields.attributes()
    }
}

impl<'a> PathValue<'a> {
    pub(crate) fn from_json(value: &'a Value) -> Option<Self> {
        match value {
            Value::Array(list) => Some(Self::List(list)),
            Value::Object(object) => Some(Self::Object(object)),
            scalar => ScalarRef::from_json(scalar).map(Self::Scalar),
        }
    }

    pub(crate) const fn scalar(self) -> Option<ScalarRef<'a>> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) const fn object(self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Scalar(_) | Self::List(_) => None,
        }
    }

    pub(crate) const fn text(self) -> Option<&'a str> {
        match self {
            Self::Scalar(ScalarRef::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of code points, elements or keys; other values have no size.
    pub(crate) fn size(self) -> Option<usize> {
        match self {
            Self::Scalar(ScalarRef::Text(text)) => Some(text.chars().count()),
            Self::Scalar(_) => None,
            Self::List(list) => Some(list.len()),
            Self::Object(object) => Some(object.len()),
        }
    }

    /// Whether it is a list with this element or an object with this key.
    pub(crate) fn holds(self, literal: ScalarRef<'_>) -> bool {
        match (self, literal) {
            (Self::List(list), literal) => list
                .iter()
                .any(|element| ScalarRef::from_json(element) == Some(literal)),
            (Self::Object(object), ScalarRef::Text(key)) => object.contains_key(key),
            _ => false,
        }
    }
}
