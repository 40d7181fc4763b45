//! The file's people, in batches of bounded size: whoever sends them holds a few of these, never
//! the file.

use std::collections::VecDeque;
use std::path::Path;

use anyhow::bail;
use clap::ValueEnum;
use serde_json::Value;

use super::columns::{Columns, Rules};
use super::csv::{Cutter, Record};
use super::ids::Ids;
use super::lines::{LINE_MAX, Line, LineCutter};
use super::source::Source;
use crate::cli::values::trimmed;

/// People of one request: enough for the way to be worth it, few enough for the bar to move.
const BATCH_PEOPLE: usize = 500;
const BATCH_BYTES: usize = 512 * 1024;

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Cells, with a line of headings
    Csv,
    /// A line of JSON a person
    Ndjson,
}

/// A person of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The line on which it begins.
    pub(super) line: u64,
    /// Its JSON, or what is wrong with it.
    pub(super) person: Result<String, String>,
}

/// Some people, in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    /// Bytes of the file up to here.
    pub(super) read: u64,
}

/// Reads the people of a file.
pub(super) struct People {
    source: Source,
    ids: Ids,
    shape: Shape,
    /// Read, and in no batch yet.
    items: VecDeque<Item>,
    /// The file is over, or told why nothing more can be read.
    end: Option<anyhow::Result<()>>,
}

enum Shape {
    /// What the first character that is no blank will tell.
    Unknown {
        rules: Rules,
        separator: Option<u8>,
        blanks: String,
    },
    Lines(LineCutter),
    Table(Table),
}

/// How a table is read.
struct Table {
    rules: Rules,
    cutter: Cutter,
    columns: Option<Columns>,
}

/// Why there is nobody in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nobody {
    Empty,
    HeadingsOnly,
}

impl Format {
    /// What a file's name says.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

impl People {
    /// Where the format is not known, what begins with a brace is NDJSON and anything else is CSV.
    pub(super) fn new(
        source: Source,
        format: Option<Format>,
        ids: Ids,
        rules: Rules,
        separator: Option<u8>,
    ) -> Self {
        let shape = match format {
            None => Shape::Unknown {
                rules,
                separator,
                blanks: String::new(),
            },
            Some(Format::Csv) => Shape::table(rules, separator),
            Some(Format::Ndjson) => Shape::Lines(LineCutter::default()),
        };
        Self {
            source,
            ids,
            shape,
            items: VecDeque::new(),
            end: None,
        }
    }

    /// The next people; none at the end of the file. What makes the rest unreadable is told when
    /// all before it was given.
    pub(super) fn batch(&mut self) -> anyhow::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.items.len() < BATCH_PEOPLE && bytes < BATCH_BYTES {
            if let Some(item) = self.items.pop_front() {
                bytes += item.person.as_ref().map_or(0, String::len);
                batch.items.push(item);
            } else if self.end.is_none() {
                self.read();
            } else {
                break;
            }
        }
        batch.read = self.source.read();
        match &mut self.end {
            Some(end) if batch.items.is_empty() => std::mem::replace(end, Ok(())).map(|()| None),
            _ => Ok(Some(batch)),
        }
    }

    /// Why nobody was found, where the whole file has been read and nobody was.
    pub(super) const fn nobody(&self) -> Nobody {
        match &self.shape {
            Shape::Table(Table {
                columns: Some(_), ..
            }) => Nobody::HeadingsOnly,
            _ => Nobody::Empty,
        }
    }

    /// Reads a piece of the file.
    fn read(&mut self) {
        let outcome = match self.source.next() {
            Ok(Some(text)) => self.shape.push(text, &self.ids, &mut self.items),
            Ok(None) => {
                self.end = Some(self.shape.end(&self.ids, &mut self.items));
                return;
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.end = Some(outcome);
        }
    }
}

impl Shape {
    fn table(rules: Rules, separator: Option<u8>) -> Self {
        Self::Table(Table {
            rules,
            cutter: Cutter::new(separator),
            columns: None,
        })
    }

    /// Takes a piece of the file, and appends the people that it completes, also those before a
    /// fault.
    fn push(&mut self, text: &str, ids: &Ids, items: &mut VecDeque<Item>) -> anyhow::Result<()> {
        match self {
            Self::Unknown {
                rules,
                separator,
                blanks,
            } => {
                blanks.push_str(text);
                let shape = match trimmed(blanks).chars().next() {
                    Some('{') => Self::Lines(LineCutter::default()),
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
                *self = shape;
                self.push(&text, ids, items)
            }
            Self::Lines(cutter) => {
                let mut lines = Vec::new();
                cutter.push(text, &mut lines);
                items.extend(lines.into_iter().filter_map(|line| json(line, ids)));
                Ok(())
            }
            Self::Table(table) => {
                let mut records = Vec::new();
                let outcome = table.cutter.push(text, &mut records);
                table.take(records, ids, items)?;
                Ok(outcome?)
            }
        }
    }

    /// The file is over.
    fn end(&mut self, ids: &Ids, items: &mut VecDeque<Item>) -> anyhow::Result<()> {
        match self {
            Self::Unknown { .. } => Ok(()),
            Self::Lines(cutter) => {
                let mut lines = Vec::new();
                cutter.end(&mut lines);
                items.extend(lines.into_iter().filter_map(|line| json(line, ids)));
                Ok(())
            }
            Self::Table(table) => {
                let mut records = Vec::new();
                table.cutter.end(&mut records)?;
                table.take(records, ids, items)
            }
        }
    }
}

impl Table {
    /// The people of records, of which the first one has the headings.
    fn take(
        &mut self,
        records: Vec<Record>,
        ids: &Ids,
        items: &mut VecDeque<Item>,
    ) -> anyhow::Result<()> {
        for Record { line, cells } in records {
            let Some(columns) = &self.columns else {
                self.columns = Some(Columns::of(&cells, &self.rules)?);
                continue;
            };
            let person = columns.person(&cells).map(|mut person| {
                if !person.contains_key("id") {
                    person.insert("id".to_owned(), ids.of(line).to_string().into());
                }
                Value::from(person).to_string()
            });
            items.push_back(Item { line, person });
        }
        Ok(())
    }
}

/// The person of a line of JSON; none of a blank line.
fn json(Line { number, text }: Line, ids: &Ids) -> Option<Item> {
    let person = match &text {
        Some(text) if trimmed(text).is_empty() => return None,
        Some(text) => Ok(ids.name(trimmed(text), number)),
        None => Err(format!("is longer than {LINE_MAX} characters")),
    };
    Some(Item {
        line: number,
        person,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn people(text: &str, format: Option<Format>) -> People {
        let source = Source::of(Box::new(Cursor::new(text.to_owned())), None);
        People::new(
            source,
            format,
            Ids::Derived("f".into()),
            Rules::default(),
            None,
        )
    }

    fn lines(text: &str, format: Option<Format>) -> Vec<(u64, bool)> {
        let mut people = people(text, format);
        let mut lines = Vec::new();
        while let Some(batch) = people.batch().unwrap() {
            lines.extend(
                batch
                    .items
                    .into_iter()
                    .map(|item| (item.line, item.person.is_ok())),
            );
        }
        lines
    }

    #[test]
    fn what_begins_with_a_brace_is_ndjson_and_anything_else_csv() {
        assert_eq!(
            lines("\n {\"id\":\"x\"}\n\nnonsense\n", None),
            [(2, true), (4, true)]
        );
        assert_eq!(
            lines(
                "\nfirstName;lastName;age;job\n\n;;;\nA;B;1;C\nA;B;1;C;D\n",
                None
            ),
            [(5, true), (6, false)]
        );
        let old = "first name;lastName;age;job\rA;B;1;C\rA;\"B\r\";1;C\r\nA;B;1;C\r";
        assert_eq!(lines(old, None), [(2, true), (3, true), (5, true)]);
        assert_eq!(
            lines(
                "\n\nfirst name;lastName;age;job\nA;B;1;C",
                Some(Format::Csv)
            ),
            [(4, true)]
        );
        assert!(
            people("[{}]", None)
                .batch()
                .unwrap_err()
                .to_string()
                .contains("jq")
        );
        assert!(people("{}\n", Some(Format::Csv)).batch().is_err());
        for (name, format) in [
            ("a.CSV", Some(Format::Csv)),
            ("a.b.jsonl", Some(Format::Ndjson)),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
        for (text, nobody) in [
            ("", Nobody::Empty),
            (" \n\u{feff}\n", Nobody::Empty),
            ("id,firstName,lastName,age,job\n\n", Nobody::HeadingsOnly),
        ] {
            let mut people = people(text, None);
            assert_eq!(
                (people.batch().unwrap(), people.nobody()),
                (None, nobody),
                "{text:?}"
            );
        }
    }

    #[test]
    fn batches_are_bounded_and_leave_nobody_out() {
        let many = "{}\n".repeat(BATCH_PEOPLE * 2 + 1);
        let mut reader = people(&many, None);
        let mut sizes = Vec::new();
        while let Some(batch) = reader.batch().unwrap() {
            assert_eq!(batch.items[0].line, sizes.iter().sum::<usize>() as u64 + 1);
            sizes.push(batch.items.len());
        }
        assert_eq!(sizes, [BATCH_PEOPLE, BATCH_PEOPLE, 1]);
        let fault = "firstName,lastName,age,job\nA,B,1,\n\"";
        let mut reader = people(fault, None);
        assert_eq!(
            reader.batch().unwrap().unwrap().items.len(),
            1,
            "what stands before a fault is given"
        );
        assert!(
            reader
                .batch()
                .unwrap_err()
                .to_string()
                .starts_with("line 3, column 1: ")
        );
        let long = format!("{{\"x\":\"{}\"}}\n", "x".repeat(BATCH_BYTES));
        let mut reader = people(&long.repeat(2), None);
        assert_eq!(
            [
                reader.batch().unwrap().unwrap().items.len(),
                reader.batch().unwrap().unwrap().items.len()
            ],
            [1, 1]
        );
    }
}
