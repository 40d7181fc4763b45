//! Reads a file's people in batches of bounded size, so that memory never holds the whole file.

use std::collections::VecDeque;

use super::columns::ColumnRules;
use super::ids::IdSource;
use super::parser::{FileParser, ImportFormat, ImportItem};
use super::source::TextSource;

/// The most people of one request: enough to be worth a round trip, few enough for the progress bar
/// to move.
const BATCH_PEOPLE: usize = 500;
/// The JSON of one request ends a batch at this size.
const BATCH_BYTES: usize = 512 * 1024;

/// People in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) items: Vec<ImportItem>,
    /// The bytes of the file that were read so far.
    pub(super) read: u64,
}

/// Reads the people of a file.
pub(super) struct PeopleReader {
    source: TextSource,
    ids: IdSource,
    parser: FileParser,
    /// People that are in no batch yet.
    items: VecDeque<ImportItem>,
    /// The end of the file, or the fault that ends it.
    end: Option<anyhow::Result<()>>,
}

/// Why a file has no people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmptyFile {
    NoText,
    HeadingsOnly,
}

impl PeopleReader {
    /// A reader of this source. See [`FileParser::new`] for files without a format.
    pub(super) fn new(
        source: TextSource,
        format: Option<ImportFormat>,
        ids: IdSource,
        rules: ColumnRules,
        separator: Option<u8>,
    ) -> Self {
        Self {
            source,
            ids,
            parser: FileParser::new(format, rules, separator),
            items: VecDeque::new(),
            end: None,
        }
    }

    /// The next people; `None` at the end of the file. A fault in the file is returned after all
    /// people before it.
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

    /// Why the file has no people, once it was read to its end without any.
    pub(super) const fn emptiness(&self) -> EmptyFile {
        if self.parser.has_headings() {
            EmptyFile::HeadingsOnly
        } else {
            EmptyFile::NoText
        }
    }

    /// Reads and parses a piece of the file.
    fn read(&mut self) {
        let outcome = match self.source.next() {
            Ok(Some(text)) => self.parser.push(text, &self.ids, &mut self.items),
            Ok(None) => {
                self.end = Some(self.parser.end(&self.ids, &mut self.items));
                return;
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.end = Some(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn people(text: &str, format: Option<ImportFormat>) -> PeopleReader {
        let source = TextSource::of(Box::new(Cursor::new(text.to_owned())), None);
        PeopleReader::new(
            source,
            format,
            IdSource::Derived("f".into()),
            ColumnRules::default(),
            None,
        )
    }

    fn lines(text: &str, format: Option<ImportFormat>) -> Vec<(u64, bool)> {
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
    fn a_brace_begins_ndjson_and_any_other_character_csv() {
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
                Some(ImportFormat::Csv)
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
        assert!(people("{}\n", Some(ImportFormat::Csv)).batch().is_err());
        for (text, reason) in [
            ("", EmptyFile::NoText),
            (" \n\u{feff}\n", EmptyFile::NoText),
            ("id,firstName,lastName,age,job\n\n", EmptyFile::HeadingsOnly),
        ] {
            let mut people = people(text, None);
            assert_eq!(
                (people.batch().unwrap(), people.emptiness()),
                (None, reason),
                "{text:?}"
            );
        }
    }

    #[test]
    fn batches_are_bounded_and_complete() {
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
            "the people before a fault are returned"
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
