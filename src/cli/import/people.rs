//! The file's people, in batches of bounded size: whoever sends them holds a few of these, never the file.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::columns::{Columns, Rules};
use super::csv::{Cutter, Record, separator_of};
use super::ids::Ids;
use super::source::{LINE_MAX, Line, Source};

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
#[derive(Debug, Default)]
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
    line: Vec<u8>,
}

enum Shape {
    /// What the first line will tell.
    Unknown(Table),
    Lines,
    Table(Table),
}

/// How a table is read.
#[derive(Default)]
struct Table {
    rules: Rules,
    separator: Option<u8>,
    cutter: Option<Cutter>,
    columns: Option<Columns>,
    /// Line ends so far that are a carriage return alone, as on old machines: lines that the source doesn't count.
    returns: u64,
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
    pub(super) fn new(source: Source, format: Option<Format>, ids: Ids, rules: Rules, separator: Option<u8>) -> Self {
        let table = Table { rules, separator, ..Table::default() };
        let shape = match format {
            None => Shape::Unknown(table),
            Some(Format::Csv) => Shape::Table(table),
            Some(Format::Ndjson) => Shape::Lines,
        };
        Self { source, ids, shape, line: Vec::new() }
    }

    /// The next people; none at the end of the file.
    pub(super) fn batch(&mut self) -> anyhow::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut bytes = 0;
        while batch.items.len() < BATCH_PEOPLE && bytes < BATCH_BYTES {
            let seen = batch.items.len();
            let more = self.read(&mut batch.items)?;
            bytes += batch.items[seen..].iter().map(|item| item.person.as_ref().map_or(0, String::len)).sum::<usize>();
            if !more {
                break;
            }
        }
        batch.read = self.source.read();
        Ok((!batch.items.is_empty()).then_some(batch))
    }

    /// Reads a line; false at the end of the file.
    fn read(&mut self, items: &mut Vec<Item>) -> anyhow::Result<bool> {
        let line = self.source.next(&mut self.line).context("cannot read the file")?;
        let number = self.source.line();
        if matches!(line, Some(Line::Whole)) && !self.line.trim_ascii().is_empty() {
            self.settle()?;
        }
        match (&mut self.shape, line) {
            (Shape::Table(table), line) => {
                let records = match line {
                    Some(Line::Whole) => table.push(&self.line, number)?,
                    Some(Line::TooLong) => {
                        bail!("line {number} has more than {LINE_MAX} bytes: this is no table of people")
                    }
                    None => table.end()?,
                };
                for record in records {
                    items.extend(table.item(record, &self.ids)?);
                }
            }
            (_, None) => {}
            (_, Some(Line::TooLong)) => {
                let words = format!("is longer than {LINE_MAX} bytes");
                items.push(Item { line: number, person: Err(words) });
            }
            (Shape::Lines | Shape::Unknown(_), Some(Line::Whole)) => {
                let json = self.line.trim_ascii();
                let named = match str::from_utf8(json) {
                    Ok("") => return Ok(true),
                    Ok(json) => Ok(self.ids.name(json, number)),
                    Err(_) => Err("is not UTF-8".to_owned()),
                };
                items.push(Item { line: number, person: named });
            }
        }
        Ok(line.is_some())
    }

    /// Decides what the file is made of, by its first line that is not blank.
    fn settle(&mut self) -> anyhow::Result<()> {
        if let Shape::Unknown(table) = &mut self.shape {
            self.shape = match self.line.trim_ascii_start().first() {
                Some(b'{') => Shape::Lines,
                Some(b'[') => bail!("this is a JSON array: make lines of it with jq -c '.[]', and import those"),
                _ => Shape::Table(std::mem::take(table)),
            };
        }
        Ok(())
    }
}

impl Table {
    fn push(&mut self, line: &[u8], number: u64) -> anyhow::Result<Vec<Record>> {
        if self.cutter.is_none() && line.trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        let separator = self.separator;
        let cutter = self.cutter.get_or_insert_with(|| Cutter::new(separator.unwrap_or_else(|| separator_of(line))));
        let mut records = Vec::new();
        let mut pieces = line.split_inclusive(|byte| *byte == b'\r').peekable();
        while let Some(piece) = pieces.next() {
            cutter.push(piece, number + self.returns, &mut records)?;
            self.returns += u64::from(piece.ends_with(b"\r") && pieces.peek() != Some(&&b"\n"[..]));
        }
        Ok(records)
    }

    fn end(&mut self) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        if let Some(cutter) = &mut self.cutter {
            cutter.end(&mut records)?;
        }
        Ok(records)
    }

    /// The person of a record; none of the headings and of empty rows.
    fn item(&mut self, record: Record, ids: &Ids) -> anyhow::Result<Option<Item>> {
        let Record { line, cells } = record;
        let Some(columns) = &self.columns else {
            let header: Vec<String> = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            self.columns = Some(Columns::of(&header, &self.rules)?);
            return Ok(None);
        };
        if cells.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let person = columns.person(&cells).map(|mut person| {
            if !person.contains_key("id") {
                person.insert("id".to_owned(), ids.of(line).to_string().into());
            }
            serde_json::Value::from(person).to_string()
        });
        Ok(Some(Item { line, person }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn people(text: &str, format: Option<Format>) -> People {
        let source = Source::of(Box::new(Cursor::new(text.to_owned())), None);
        People::new(source, format, Ids::Derived("f".into()), Rules::default(), None)
    }

    fn lines(text: &str, format: Option<Format>) -> Vec<(u64, bool)> {
        let mut people = people(text, format);
        let mut lines = Vec::new();
        while let Some(batch) = people.batch().unwrap() {
            lines.extend(batch.items.into_iter().map(|item| (item.line, item.person.is_ok())));
        }
        lines
    }

    #[test]
    fn what_begins_with_a_brace_is_ndjson_and_anything_else_csv() {
        assert_eq!(lines("\n {\"id\":\"x\"}\n\nnonsense\n", None), [(2, true), (4, true)]);
        assert_eq!(lines("\nfirstName;lastName;age;job\n\n;;;\nA;B;1;C\nA;B\n", None), [(5, true), (6, false)]);
        let old = "first name;lastName;age;job\rA;B;1;C\rA;\"B\r\";1;C\r\nA;B;1;C\r";
        assert_eq!(lines(old, None), [(2, true), (3, true), (5, true)]);
        assert_eq!(lines("\n\nfirst name;lastName;age;job\nA;B;1;C", Some(Format::Csv)), [(4, true)]);
        assert!(people("[{}]", None).batch().unwrap_err().to_string().contains("jq"));
        assert!(people("{}\n", Some(Format::Csv)).batch().is_err());
        for (name, format) in
            [("a.CSV", Some(Format::Csv)), ("a.b.jsonl", Some(Format::Ndjson)), ("csv", None), ("-", None)]
        {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
        assert!(people("", None).batch().unwrap().is_none());
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
        let long = format!("{{\"x\":\"{}\"}}\n", "x".repeat(BATCH_BYTES));
        let mut reader = people(&long.repeat(2), None);
        assert_eq!(
            [reader.batch().unwrap().unwrap().items.len(), reader.batch().unwrap().unwrap().items.len()],
            [1, 1]
        );
    }
}
