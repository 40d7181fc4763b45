//! Parses CSV (RFC 4180) into records.
//!
//! A parser of our own, because it refuses texts that libraries accept: csv-core and Papa Parse
//! take
//! `"x" y"` for one cell, and neither reports the place. The console has the same parser in csv.js;
//! tests/import/cases.json checks both, and csv-core is the oracle for accepted texts.

use crate::cli::people::values::{self, trimmed};

/// The longest record in characters. A person has less than 64 KiB.
pub(super) const RECORD_MAX: usize = 1024 * 1024;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsvRecord {
    /// The first line.
    pub(super) line: u64,
    /// The cells.
    pub(super) cells: Vec<String>,
}

/// Why parsing ends: after a misplaced quote the ends of cells and records are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsvError {
    #[error(
        "line {line}, column {column}: text follows this closing quote: inside quotes, a quote is \
         written twice"
    )]
    TextAfterQuote { line: u64, column: u64 },
    #[error(
        "line {line}, column {column}: blanks precede this quote: it must be the first character \
         of its cell"
    )]
    BlanksBeforeQuote { line: u64, column: u64 },
    #[error("line {line}, column {column}: this quote is not closed")]
    Unclosed { line: u64, column: u64 },
    #[error(
        "line {line}: the record that begins here has more than {RECORD_MAX} characters, so it is \
         no person"
    )]
    TooLong { line: u64 },
}

/// The parser's state inside a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellState {
    Start,
    /// After blanks only.
    Blanks,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of the cell, or the first of two quotes.
    Quote,
}

/// Parses text into records. Rows with only blank cells are no records.
pub(super) struct CsvParser {
    /// The separator: the chosen one, else the first comma, semicolon or tab of the headings.
    separator: Option<char>,
    is_chosen: bool,
    /// Whether the headings, or a line `sep=;` before them, are still missing.
    at_headings: bool,
    state: CellState,
    cell: String,
    cells: Vec<String>,
    /// The length of the current record in characters.
    length: usize,
    /// The first line of the current record.
    first_line: u64,
    /// Line and column of the last quote that opened a cell.
    quote: (u64, u64),
    line: u64,
    /// The column of the last character, from 1.
    column: u64,
    /// Whether the last character was a CR.
    after_cr: bool,
}

impl CsvParser {
    pub(super) fn new(separator: Option<u8>) -> Self {
        Self {
            separator: separator.map(char::from),
            is_chosen: separator.is_some(),
            at_headings: true,
            state: CellState::Start,
            cell: String::new(),
            cells: Vec::new(),
            length: 0,
            first_line: 1,
            quote: (0, 0),
            line: 1,
            column: 0,
            after_cr: false,
        }
    }

    /// Parses a piece of text, and appends the records that it completes, also those before a
    /// fault.
    pub(super) fn push(
        &mut self,
        text: &str,
        records: &mut Vec<CsvRecord>,
    ) -> Result<(), CsvError> {
        text.chars().try_for_each(|c| self.take(c, records))
    }

    /// Ends the text, which may lack its last line end.
    pub(super) fn end(&mut self, records: &mut Vec<CsvRecord>) -> Result<(), CsvError> {
        if self.state == CellState::Quoted {
            return Err(self.unclosed());
        }
        self.end_record(records);
        Ok(())
    }

    fn take(&mut self, c: char, records: &mut Vec<CsvRecord>) -> Result<(), CsvError> {
        let after_cr = std::mem::replace(&mut self.after_cr, c == '\r');
        let is_lf_of_crlf = after_cr && c == '\n';
        let is_line_end = !is_lf_of_crlf && matches!(c, '\n' | '\r');
        self.length += usize::from(!is_lf_of_crlf);
        if self.length > RECORD_MAX {
            return Err(match self.state {
                CellState::Quoted => self.unclosed(),
                _ => CsvError::TooLong {
                    line: self.first_line,
                },
            });
        }
        let (line, column) = (self.line, self.column + 1);
        self.column = if is_line_end || is_lf_of_crlf {
            0
        } else {
            column
        };
        self.line += u64::from(is_line_end);
        if self.separator.is_none()
            && self.state != CellState::Quoted
            && matches!(c, ',' | ';' | '\t')
        {
            self.separator = Some(c);
        }
        match (self.state, c) {
            (CellState::Quoted, '"') => self.state = CellState::Quote,
            (CellState::Quoted, _) => self.cell.push(c),
            _ if is_lf_of_crlf => {}
            _ if is_line_end => self.end_record(records),
            _ if self.separator == Some(c) => self.end_cell(),
            (CellState::Quote, '"') => self.push_to(CellState::Quoted, c),
            (CellState::Quote, _) => {
                return Err(CsvError::TextAfterQuote {
                    line,
                    column: column - 1,
                });
            }
            (CellState::Start, '"') => {
                (self.state, self.quote) = (CellState::Quoted, (line, column));
            }
            (CellState::Blanks, '"') => return Err(CsvError::BlanksBeforeQuote { line, column }),
            (CellState::Start | CellState::Blanks, _) if is_blank(c) => {
                self.push_to(CellState::Blanks, c);
            }
            (CellState::Start | CellState::Blanks | CellState::Plain, _) => {
                self.push_to(CellState::Plain, c);
            }
        }
        Ok(())
    }

    fn push_to(&mut self, state: CellState, c: char) {
        self.state = state;
        self.cell.push(c);
    }

    fn end_cell(&mut self) {
        self.state = CellState::Start;
        self.cells.push(std::mem::take(&mut self.cell));
    }

    fn end_record(&mut self, records: &mut Vec<CsvRecord>) {
        self.end_cell();
        let record = CsvRecord {
            line: self.first_line,
            cells: std::mem::take(&mut self.cells),
        };
        (self.first_line, self.length) = (self.line, 0);
        if record.cells.iter().all(|cell| trimmed(cell).is_empty()) {
            self.separator = self
                .separator
                .filter(|_| self.is_chosen || !self.at_headings);
        } else if self.at_headings {
            let separator = self.separator_line(&record.cells);
            self.at_headings = separator.is_some();
            if !self.is_chosen {
                self.separator = separator.or(self.separator).or(Some(','));
                self.is_chosen = true;
            }
            records.extend((!self.at_headings).then_some(record));
        } else {
            records.push(record);
        }
    }

    /// The separator of Excel's line `sep=;` before the headings; `None` for any other line.
    fn separator_line(&self, cells: &[String]) -> Option<char> {
        let (word, rest) = cells[0].split_at_checked("sep=".len())?;
        match (&cells[1..], rest) {
            _ if !word.eq_ignore_ascii_case("sep=") => None,
            // The parser has already split the line at this separator.
            ([empty], "") if empty.is_empty() => self.separator,
            ([], text) if text.len() == 1 => values::separator(text).ok().map(char::from),
            _ => None,
        }
    }

    const fn unclosed(&self) -> CsvError {
        let (line, column) = self.quote;
        CsvError::Unclosed { line, column }
    }
}

fn is_blank(c: char) -> bool {
    trimmed(c.encode_utf8(&mut [0; 4])).is_empty()
}

#[cfg(test)]
mod tests {
    use csv_core::{ReadRecordResult, ReaderBuilder};
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&str]) -> (Vec<CsvRecord>, Option<CsvError>) {
        let (mut parser, mut records) = (CsvParser::new(None), Vec::new());
        let outcome = pieces
            .iter()
            .try_for_each(|piece| parser.push(piece, &mut records));
        let outcome = outcome.and_then(|()| parser.end(&mut records));
        (records, outcome.err())
    }

    /// The records of csv-core, without rows of blanks.
    fn oracle(text: &str) -> Vec<Vec<String>> {
        let mut core = ReaderBuilder::new().delimiter(b',').build();
        // With a line end, one call returns each record complete.
        let text = format!("{text}\n");
        let (mut cells, mut ends) = (vec![0; text.len()], vec![0; text.len()]);
        let (mut records, mut rest) = (Vec::new(), text.as_bytes());
        loop {
            let (result, read, _, count) = core.read_record(rest, &mut cells, &mut ends);
            rest = &rest[read..];
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => break,
                ReadRecordResult::Record => {
                    let starts = std::iter::once(0).chain(ends[..count].iter().copied());
                    let cell = |(start, end): (usize, &usize)| {
                        String::from_utf8(cells[start..*end].to_vec()).unwrap()
                    };
                    records.push(starts.zip(&ends[..count]).map(cell).collect::<Vec<_>>());
                }
                full => panic!("{full:?}"),
            }
        }
        records.retain(|cells| !cells.iter().all(|cell| trimmed(cell).is_empty()));
        records
    }

    #[test]
    fn a_record_has_a_longest_length_and_its_line_is_reported() {
        let long = "x".repeat(RECORD_MAX);
        assert_eq!(parse(&["a\n", &long]).0.len(), 2);
        assert_eq!(
            parse(&["a\n\n", &long, "x"]).1,
            Some(CsvError::TooLong { line: 3 })
        );
        let unclosed = Some(CsvError::Unclosed { line: 2, column: 3 });
        assert_eq!(
            parse(&["a\n", "b,\"", &"x\r\n".repeat(RECORD_MAX)]).1,
            unclosed
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn accepted_texts_mean_the_same_to_csv_core(
            text in "a,[ab,\"\r\n \u{feff}]{0,40}",
        ) {
            let (records, fault) = parse(&[&text]);
            let cells: Vec<Vec<String>> = records.into_iter().map(|record| record.cells).collect();
            if fault.is_none() {
                prop_assert_eq!(cells, oracle(&text));
            }
        }

        #[test]
        fn the_pieces_of_a_text_make_no_difference(
            text in "[ab,;\t\"\r\n 東]{0,40}", at in 0_usize..40,
        ) {
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
            prop_assert_eq!(parse(&[&text[..at], &text[at..]]), parse(&[&text]));
        }
    }
}
