//! Cuts CSV (RFC 4180) into records.
//!
//! Our own, because it has to refuse what libraries read as something else: csv-core and Papa Parse
//! take `"x" y"` for one cell, and neither can say where it stands. The console's twin is csv.js;
//! tests/import/cases.json holds both to one behaviour, and csv-core is the oracle for what it
//! should accept.

use crate::cli::values::trimmed;

/// Characters of one record. A person has less than 64 KiB.
pub(super) const RECORD_MAX: usize = 1024 * 1024;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line on which it begins.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: Vec<String>,
}

/// Why nothing more can be read: with a quote in the wrong place, nobody knows where cells and
/// records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error(
        "line {line}, column {column}: the cell goes on behind this quote: inside quotes, a quote \
         is written twice"
    )]
    GoesOn { line: u64, column: u64 },
    #[error(
        "line {line}, column {column}: blanks stand before this quote: it must be the first \
         character of its cell"
    )]
    AfterBlanks { line: u64, column: u64 },
    #[error("line {line}, column {column}: this quote is not closed")]
    Unclosed { line: u64, column: u64 },
    #[error(
        "line {line}: the record that begins here has more than {RECORD_MAX} characters, so it is \
         no person"
    )]
    TooLong { line: u64 },
}

/// Where in a cell the reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Nothing but blanks so far.
    Blanks,
    Plain,
    Quoted,
    /// Behind a quote inside quotes, which ends the cell or is the first of two.
    Quote,
}

/// Text in, records out. Rows in which all cells are blank are no records.
pub(super) struct Cutter {
    /// What stands between cells; of comma, semicolon and tab the one that comes first in the
    /// headings, unless chosen.
    separator: Option<char>,
    chosen: bool,
    /// The headings, or a line `sep=;` before them, are still to come.
    at_headings: bool,
    state: State,
    cell: String,
    cells: Vec<String>,
    /// Of the record under way, in characters.
    length: usize,
    /// The line on which it began.
    begun: u64,
    /// The last quote that opened or may have closed a cell.
    quote: (u64, u64),
    line: u64,
    /// The column of the last character, from 1.
    column: u64,
    carriage: bool,
}

impl Cutter {
    pub(super) fn new(separator: Option<u8>) -> Self {
        Self {
            separator: separator.map(char::from),
            chosen: separator.is_some(),
            at_headings: true,
            state: State::Start,
            cell: String::new(),
            cells: Vec::new(),
            length: 0,
            begun: 1,
            quote: (0, 0),
            line: 1,
            column: 0,
            carriage: false,
        }
    }

    /// Takes a piece of the text, and appends the records that it completes, also those before a
    /// fault.
    pub(super) fn push(&mut self, text: &str, records: &mut Vec<Record>) -> Result<(), Malformed> {
        text.chars().try_for_each(|c| self.take(c, records))
    }

    /// The text is over; it may end without a line end.
    pub(super) fn end(&mut self, records: &mut Vec<Record>) -> Result<(), Malformed> {
        if self.state == State::Quoted {
            return Err(self.unclosed());
        }
        self.end_record(records);
        Ok(())
    }

    fn take(&mut self, c: char, records: &mut Vec<Record>) -> Result<(), Malformed> {
        let after_carriage = std::mem::replace(&mut self.carriage, c == '\r');
        let second_of_two = after_carriage && c == '\n';
        let line_end = !second_of_two && matches!(c, '\n' | '\r');
        self.length += usize::from(!second_of_two);
        if self.length > RECORD_MAX {
            return Err(match self.state {
                State::Quoted => self.unclosed(),
                _ => Malformed::TooLong { line: self.begun },
            });
        }
        let (line, column) = (self.line, self.column + 1);
        self.column = if line_end || second_of_two { 0 } else { column };
        self.line += u64::from(line_end);
        if self.separator.is_none() && self.state != State::Quoted && matches!(c, ',' | ';' | '\t')
        {
            self.separator = Some(c);
        }
        match (self.state, c) {
            (State::Quoted, '"') => self.state = State::Quote,
            (State::Quoted, _) => self.cell.push(c),
            _ if second_of_two => {}
            _ if line_end => self.end_record(records),
            _ if self.separator == Some(c) => self.end_cell(),
            (State::Quote, '"') => self.push_to(State::Quoted, c),
            (State::Quote, _) => {
                return Err(Malformed::GoesOn {
                    line,
                    column: column - 1,
                });
            }
            (State::Start, '"') => (self.state, self.quote) = (State::Quoted, (line, column)),
            (State::Blanks, '"') => return Err(Malformed::AfterBlanks { line, column }),
            (State::Start | State::Blanks, _) if is_blank(c) => self.push_to(State::Blanks, c),
            (State::Start | State::Blanks | State::Plain, _) => self.push_to(State::Plain, c),
        }
        Ok(())
    }

    fn push_to(&mut self, state: State, c: char) {
        self.state = state;
        self.cell.push(c);
    }

    fn end_cell(&mut self) {
        self.state = State::Start;
        self.cells.push(std::mem::take(&mut self.cell));
    }

    fn end_record(&mut self, records: &mut Vec<Record>) {
        self.end_cell();
        let record = Record {
            line: self.begun,
            cells: std::mem::take(&mut self.cells),
        };
        (self.begun, self.length) = (self.line, 0);
        if record.cells.iter().all(|cell| trimmed(cell).is_empty()) {
            self.separator = self.separator.filter(|_| self.chosen || !self.at_headings);
        } else if self.at_headings {
            let separator = self.told_by(&record.cells);
            self.at_headings = separator.is_some();
            if !self.chosen {
                self.separator = separator.or(self.separator).or(Some(','));
                self.chosen = true;
            }
            records.extend((!self.at_headings).then_some(record));
        } else {
            records.push(record);
        }
    }

    /// The separator that Excel's line `sep=;` tells, which stands before the headings; none of any
    /// other line.
    fn told_by(&self, cells: &[String]) -> Option<char> {
        let (word, rest) = cells[0].split_at_checked("sep=".len())?;
        match (&cells[1..], rest) {
            _ if !word.eq_ignore_ascii_case("sep=") => None,
            // It has been taken for what it is already.
            ([empty], "") if empty.is_empty() => self.separator,
            ([], told) if told.len() == 1 => crate::cli::separator(told).ok().map(char::from),
            _ => None,
        }
    }

    const fn unclosed(&self) -> Malformed {
        let (line, column) = self.quote;
        Malformed::Unclosed { line, column }
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

    fn cut(pieces: &[&str]) -> (Vec<Record>, Option<Malformed>) {
        let (mut cutter, mut records) = (Cutter::new(None), Vec::new());
        let outcome = pieces
            .iter()
            .try_for_each(|piece| cutter.push(piece, &mut records));
        let outcome = outcome.and_then(|()| cutter.end(&mut records));
        (records, outcome.err())
    }

    /// As csv-core reads it, but for rows of blanks.
    fn oracle(text: &str) -> Vec<Vec<String>> {
        let mut core = ReaderBuilder::new().delimiter(b',').build();
        // With it, each record is whole in one call.
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
    fn a_record_is_never_longer_than_its_limit_and_then_its_place_is_told() {
        let long = "x".repeat(RECORD_MAX);
        assert_eq!(cut(&["a\n", &long]).0.len(), 2);
        assert_eq!(
            cut(&["a\n\n", &long, "x"]).1,
            Some(Malformed::TooLong { line: 3 })
        );
        let unclosed = Some(Malformed::Unclosed { line: 2, column: 3 });
        assert_eq!(
            cut(&["a\n", "b,\"", &"x\r\n".repeat(RECORD_MAX)]).1,
            unclosed
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_accepted_means_what_it_means_to_csv_core(
            text in "a,[ab,\"\r\n \u{feff}]{0,40}",
        ) {
            let (records, fault) = cut(&[&text]);
            let cells: Vec<Vec<String>> = records.into_iter().map(|record| record.cells).collect();
            if fault.is_none() {
                prop_assert_eq!(cells, oracle(&text));
            }
        }

        #[test]
        fn pieces_make_no_difference(text in "[ab,;\t\"\r\n 東]{0,40}", at in 0_usize..40) {
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
            prop_assert_eq!(cut(&[&text[..at], &text[at..]]), cut(&[&text]));
        }
    }
}
