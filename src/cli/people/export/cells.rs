//! People as rows of cells (RFC 4180, but with plain line feeds).

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::cli::people::values::{self, protect};

/// A column of CSV: a path in the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    name: String,
    path: Vec<String>,
}

/// The columns of a table, their separator, and the form of text cells.
#[derive(Debug)]
pub(super) struct ExportColumns {
    all: Vec<Column>,
    separator: char,
    texts: TextCells,
}

/// The form of text cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextCells {
    /// With an apostrophe before texts that a spreadsheet would take for formulas.
    Protected,
    /// Unchanged.
    Plain,
}

/// No person has a value of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected id, firstName, lastName, age, job, attributes, attributes.NAME, revision, createdAt \
     or updatedAt"
)]
pub(super) struct InvalidColumn;

const DEFAULT_COLUMNS: [&str; 6] = ["id", "firstName", "lastName", "age", "job", "attributes"];

impl ExportColumns {
    /// A table with these columns; the default ones if there are none.
    pub(super) fn new(mut columns: Vec<Column>, separator: u8, texts: TextCells) -> Self {
        if columns.is_empty() {
            columns = DEFAULT_COLUMNS
                .map(|name| Column {
                    name: name.to_owned(),
                    path: vec![name.to_owned()],
                })
                .into();
        }
        Self {
            all: columns,
            separator: char::from(separator),
            texts,
        }
    }

    /// The line of headings.
    pub(super) fn headings(&self) -> String {
        self.joined(self.all.iter().map(|column| column.name.clone()))
    }

    /// The line of a person. A missing value is an empty cell; lists and objects are JSON. Numbers
    /// need no protection.
    pub(super) fn row(&self, object: &Map<String, Value>) -> String {
        self.joined(
            self.all
                .iter()
                .map(|column| match (column.value(object), self.texts) {
                    (None, _) => String::new(),
                    (Some(Value::String(text)), TextCells::Protected) => protect(text).into_owned(),
                    (Some(Value::String(text)), TextCells::Plain) => text.clone(),
                    (Some(value), _) => value.to_string(),
                }),
        )
    }

    fn joined(&self, cells: impl Iterator<Item = String>) -> String {
        let mut row = String::new();
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                row.push(self.separator);
            }
            // An unquoted empty cell alone would be an empty line, which is no row.
            let alone = self.all.len() == 1 && cell.is_empty();
            if alone || cell.contains([self.separator, '"', '\r', '\n']) {
                row.push('"');
                row.push_str(&cell.replace('"', "\"\""));
                row.push('"');
            } else {
                row.push_str(&cell);
            }
        }
        row.push('\n');
        row
    }
}

impl Column {
    fn value<'a>(&self, object: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter()
            .try_fold(object.get(first)?, |value, name| value.get(name))
    }
}

impl FromStr for Column {
    type Err = InvalidColumn;

    fn from_str(text: &str) -> Result<Self, InvalidColumn> {
        let name = text.trim();
        let path = values::path(name);
        let known = match name {
            "revision" | "createdAt" | "updatedAt" => true,
            name if DEFAULT_COLUMNS.contains(&name) => true,
            _ => {
                path.len() > 1
                    && path[0] == "attributes"
                    && path.iter().all(|name| !name.is_empty())
            }
        };
        if known {
            Ok(Self {
                name: name.to_owned(),
                path,
            })
        } else {
            Err(InvalidColumn)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn columns(names: &[&str], separator: u8) -> ExportColumns {
        ExportColumns::new(
            names.iter().map(|name| name.parse().unwrap()).collect(),
            separator,
            TextCells::Protected,
        )
    }

    #[test]
    fn cells_are_quoted_if_necessary() {
        let object = json!({
            "firstName": "Ada \"Countess\"", "lastName": "Love,lace", "age": 36, "job": "a\nb",
            "attributes": {"city": "Oslo; Bergen", "address": {"zip": "0150"}, "tags": ["a", "b"]},
        });
        let object = object.as_object().unwrap();
        let all = columns(
            &[
                "firstName",
                "lastName",
                "age",
                "job",
                "attributes.city",
                "attributes.address.zip",
            ],
            b',',
        );
        assert_eq!(
            all.headings(),
            "firstName,lastName,age,job,attributes.city,attributes.address.zip\n"
        );
        assert_eq!(
            all.row(object),
            "\"Ada \"\"Countess\"\"\",\"Love,lace\",36,\"a\nb\",Oslo; Bergen,0150\n"
        );
        let some = columns(
            &[
                "lastName",
                "attributes.city",
                "attributes.none.x",
                "attributes.tags",
            ],
            b';',
        );
        assert_eq!(
            some.row(object),
            "Love,lace;\"Oslo; Bergen\";;\"[\"\"a\"\",\"\"b\"\"]\"\n"
        );
        assert_eq!(columns(&["attributes.none"], b',').row(object), "\"\"\n");
    }

    #[test]
    fn hidden_fields_are_empty_cells() {
        let object = json!({"id": "i", "age": 36, "revision": "r"});
        let columns = ExportColumns::new(Vec::new(), b',', TextCells::Protected);
        assert_eq!(columns.row(object.as_object().unwrap()), "i,,,36,,\n");
    }

    #[test]
    fn only_texts_are_protected_from_spreadsheets() {
        let object = json!({
            "firstName": "=1+1", "lastName": "\t@x", "age": 1,
            "attributes": {"text": "-5", "number": -5},
        });
        let object = object.as_object().unwrap();
        let mut columns = columns(
            &[
                "firstName",
                "lastName",
                "attributes.text",
                "attributes.number",
            ],
            b',',
        );
        assert_eq!(columns.row(object), "'=1+1,'\t@x,'-5,-5\n");
        columns.texts = TextCells::Plain;
        assert_eq!(columns.row(object), "=1+1,\t@x,-5,-5\n");
    }

    #[test]
    fn an_unknown_column_is_refused() {
        for name in [
            "name",
            "attribute.x",
            "attributes.",
            "attributes.a..b",
            "",
            "id.x",
        ] {
            assert_eq!(name.parse::<Column>(), Err(InvalidColumn), "{name}");
        }
    }
}
