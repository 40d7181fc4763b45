//! Cuts CSV (RFC 4180) into records. Lines go in one by one, because a record is known by the line of the file on which it
//! begins.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::source::LINE_MAX;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line on which it begins.
    pub(super) line: u64,
    /// Its cells, as bytes.
    pub(super) cells: Vec<Vec<u8>>,
}

/// The record that began on this line is longer than a person can be: most likely a quote is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quote that begins in the record of line {0} is not closed: nothing after it can be read")]
pub(super) struct Unclosed(pub(super) u64);

/// Lines in, records out.
pub(super) struct Cutter {
    core: Reader,
    text: Vec<u8>,
    text_length: usize,
    ends: Vec<usize>,
    ends_length: usize,
    /// Where the record under way began.
    begun: Option<u64>,
}

impl Cutter {
    pub(super) fn new(separator: u8) -> Self {
        let core = ReaderBuilder::new().delimiter(separator).build();
        Self { core, text: vec![0; 4096], text_length: 0, ends: vec![0; 64], ends_length: 0, begun: None }
    }

    /// Takes a line of the file, its end included, and appends the records that it completes.
    pub(super) fn push(&mut self, mut line: &[u8], number: u64, records: &mut Vec<Record>) -> Result<(), Unclosed> {
        // To the engine, nothing would be the end of the file.
        while !line.is_empty() {
            let begun = *self.begun.get_or_insert(number);
            let (text, ends) = (&mut self.text[self.text_length..], &mut self.ends[self.ends_length..]);
            let (result, read, written, ended) = self.core.read_record(line, text, ends);
            line = &line[read..];
            self.text_length += written;
            self.ends_length += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => records.push(self.take(begun)),
            }
            if self.text_length > LINE_MAX {
                return Err(Unclosed(begun));
            }
        }
        if self.text_length == 0 && self.ends_length == 0 {
            self.begun = None;
        }
        Ok(())
    }

    /// The file is over; it may end without a line end.
    pub(super) fn end(&mut self, records: &mut Vec<Record>) -> Result<(), Unclosed> {
        let Some(begun) = self.begun else { return Ok(()) };
        self.push(b"\n", begun, records)?;
        self.begun.map_or(Ok(()), |begun| Err(Unclosed(begun)))
    }

    fn take(&mut self, line: u64) -> Record {
        let mut start = 0;
        let cells = self.ends[..self.ends_length].iter().map(|end| {
            let cell = self.text[start..*end].to_vec();
            start = *end;
            cell
        });
        let cells = cells.collect();
        (self.text_length, self.ends_length, self.begun) = (0, 0, None);
        Record { line, cells }
    }
}

/// What stands between the cells of a header: of comma, semicolon and tab the one that comes first outside quotes.
pub(super) fn separator_of(header: &[u8]) -> u8 {
    let mut quoted = false;
    let separator = header.iter().find(|byte| {
        quoted ^= **byte == b'"';
        !quoted && matches!(byte, b',' | b';' | b'\t')
    });
    separator.copied().unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<Vec<(u64, Vec<String>)>, Unclosed> {
        let (mut cutter, mut records) = (Cutter::new(b','), Vec::new());
        for (index, line) in text.split_inclusive('\n').enumerate() {
            cutter.push(line.as_bytes(), index as u64 + 1, &mut records)?;
        }
        cutter.end(&mut records)?;
        let text = |cells: Vec<Vec<u8>>| cells.into_iter().map(|cell| String::from_utf8(cell).unwrap()).collect();
        Ok(records.into_iter().map(|Record { line, cells }| (line, text(cells))).collect())
    }

    fn record(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn a_record_is_known_by_the_line_on_which_it_begins() {
        for end in ["\n", "\r\n"] {
            let text = "a,b\n\n\"1\n2\",\"say \"\"no\"\"\"\n,\n5\" disk,ä😀\n\"\n\",x\n\n\"\",".replace('\n', end);
            let inner = |text: &str| text.replace('\n', end);
            let expected = [
                record(1, &["a", "b"]),
                record(3, &[&inner("1\n2"), "say \"no\""]),
                record(5, &["", ""]),
                record(6, &["5\" disk", "ä😀"]),
                record(7, &[&inner("\n"), "x"]),
                record(10, &["", ""]),
            ];
            assert_eq!(cut(&text).unwrap(), expected, "{end:?}");
        }
    }

    #[test]
    fn cells_may_be_long_and_many() {
        let (long, many) = ("x".repeat(10_000), vec!["y"; 1000]);
        let text = format!("{long},z\n{}\n", many.join(","));
        assert_eq!(cut(&text).unwrap(), [record(1, &[&long, "z"]), record(2, &many)]);
    }

    #[test]
    fn an_unclosed_quote_is_told_with_the_line_where_it_began() {
        assert_eq!(cut("a\nb,\"c\nd\n"), Err(Unclosed(2)));
        assert_eq!(cut("a\nb,\"c"), Err(Unclosed(2)));
        assert_eq!(cut(&format!("a\n\"{}", "x\n".repeat(LINE_MAX))), Err(Unclosed(2)));
    }

    #[test]
    fn the_header_says_what_stands_between_cells() {
        for (header, separator) in [("a,b;c", b','), ("\"a,b\";c,d", b';'), ("a\tb", b'\t'), ("a", b',')] {
            assert_eq!(separator_of(header.as_bytes()), separator, "{header}");
        }
    }
}
