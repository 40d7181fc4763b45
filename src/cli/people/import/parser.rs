//! Parses the text of a file into people: lines of JSON, or a table of CSV.

use std::collections::VecDeque;
use std::path::Path;

use anyhow::bail;
use clap::ValueEnum;
use serde_json::Value;

use super::columns::{ColumnRules, ImportColumns};
use super::csv::{CsvParser, CsvRecord};
use super::ids::IdSource;
use super::lines::{LINE_MAX, LineSplitter, NumberedLine};
use crate::cli::people::values::trimmed;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// Cells, with a line of headings
    Csv,
    /// One line of JSON for each person
    Ndjson,
}

/// A person in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportItem {
    /// The person's first line.
    pub(super) line: u64,
    /// The person's JSON, or what is wrong with it.
    pub(super) person: Result<String, String>,
}

/// A parser for either format.
pub(super) enum FileParser {
    /// Waits for the first character that is not blank, which shows the format.
    Undecided {
        rules: ColumnRules,
        separator: Option<u8>,
        blanks: String,
    },
    Lines(LineSplitter),
    Table(TableParser),
}

/// A parser of CSV.
pub(super) struct TableParser {
    rules: ColumnRules,
    csv: CsvParser,
    /// The columns, after the headings.
    columns: Option<ImportColumns>,
}

impl ImportFormat {
    /// The format that a file's name shows.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

impl FileParser {
    /// A parser of this format. Without one, a file that begins with a brace is NDJSON, and any
    /// other is CSV.
    pub(super) fn new(
        format: Option<ImportFormat>,
        rules: ColumnRules,
        separator: Option<u8>,
    ) -> Self {
        match format {
            None => Self::Undecided {
                rules,
                separator,
                blanks: String::new(),
            },
            Some(ImportFormat::Csv) => Self::table(rules, separator),
            Some(ImportFormat::Ndjson) => Self::Lines(LineSplitter::default()),
        }
    }

    fn table(rules: ColumnRules, separator: Option<u8>) -> Self {
        Self::Table(TableParser {
            rules,
            csv: CsvParser::new(separator),
            columns: None,
        })
    }

    /// Whether the parser has read the headings of a table.
    pub(super) const fn has_headings(&self) -> bool {
        matches!(
            self,
            Self::Table(TableParser {
                columns: Some(_),
                ..
            })
        )
    }

    /// Parses a piece of text, and appends the people that it completes, also those before a
    /// fault.
    pub(super) fn push(
        &mut self,
        text: &str,
        ids: &IdSource,
        items: &mut VecDeque<ImportItem>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Undecided {
                rules,
                separator,
                blanks,
            } => {
                blanks.push_str(text);
                let decided = match trimmed(blanks).chars().next() {
                    Some('{') => Self::Lines(LineSplitter::default()),
                    Some('[') => bail!(
                        "this is a JSON array: make lines of it with jq -c '.[]', and import those"
                    ),
                    Some(_) => Self::table(std::mem::take(rules), *separator),
                    None if blanks.len() <= LINE_MAX => return Ok(()),
                    None => bail!(
                        "the file begins with more than {LINE_MAX} blanks: this is no file of \
                         people"
                    ),
                };
                let text = std::mem::take(blanks);
                *self = decided;
                self.push(&text, ids, items)
            }
            Self::Lines(splitter) => {
                let mut lines = Vec::new();
                splitter.push(text, &mut lines);
                items.extend(lines.into_iter().filter_map(|line| json_item(line, ids)));
                Ok(())
            }
            Self::Table(table) => {
                let mut records = Vec::new();
                let outcome = table.csv.push(text, &mut records);
                table.take(records, ids, items)?;
                Ok(outcome?)
            }
        }
    }

    /// Ends the file, and appends its last people.
    pub(super) fn end(
        &mut self,
        ids: &IdSource,
        items: &mut VecDeque<ImportItem>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Undecided { .. } => Ok(()),
            Self::Lines(splitter) => {
                let mut lines = Vec::new();
                splitter.end(&mut lines);
                items.extend(lines.into_iter().filter_map(|line| json_item(line, ids)));
                Ok(())
            }
            Self::Table(table) => {
                let mut records = Vec::new();
                table.csv.end(&mut records)?;
                table.take(records, ids, items)
            }
        }
    }
}

impl TableParser {
    /// Appends the people of records. The first record has the headings.
    fn take(
        &mut self,
        records: Vec<CsvRecord>,
        ids: &IdSource,
        items: &mut VecDeque<ImportItem>,
    ) -> anyhow::Result<()> {
        for CsvRecord { line, cells } in records {
            let Some(columns) = &self.columns else {
                self.columns = Some(ImportColumns::of(&cells, &self.rules)?);
                continue;
            };
            let person = columns.person(&cells).map(|mut person| {
                if !person.contains_key("id") {
                    person.insert("id".to_owned(), ids.id(line).to_string().into());
                }
                Value::from(person).to_string()
            });
            items.push_back(ImportItem { line, person });
        }
        Ok(())
    }
}

/// The person of a line of JSON; `None` for a blank line.
fn json_item(NumberedLine { number, text }: NumberedLine, ids: &IdSource) -> Option<ImportItem> {
    let person = match &text {
        Some(text) if trimmed(text).is_empty() => return None,
        Some(text) => Ok(ids.with_id(trimmed(text), number)),
        None => Err(format!("is longer than {LINE_MAX} characters")),
    };
    Some(ImportItem {
        line: number,
        person,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_shows_its_format() {
        for (name, format) in [
            ("a.CSV", Some(ImportFormat::Csv)),
            ("a.b.jsonl", Some(ImportFormat::Ndjson)),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(ImportFormat::of(Path::new(name)), format, "{name}");
        }
    }
}
