//! The file as lines with their numbers, none held beyond its limit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;

/// Of one line, and of one record of CSV. A person has less than 64 KiB.
pub(super) const LINE_MAX: usize = 1024 * 1024;
const BUFFER_BYTES: usize = 256 * 1024;
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file or standard input.
pub(super) struct Source {
    reader: Box<dyn BufRead + Send>,
    line: u64,
    read: u64,
    /// In bytes, where it is known.
    pub(super) size: Option<u64>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it, with its end, is in the buffer.
    Whole,
    /// It was longer than lines may be, and was dropped.
    TooLong,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::of(Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin())), None));
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let metadata = file.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self::of(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), size))
    }

    pub(super) fn of(reader: Box<dyn BufRead + Send>, size: Option<u64>) -> Self {
        Self { reader, line: 0, read: 0, size }
    }

    /// The number of the line that was read last, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Bytes so far.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// Reads the next line into the buffer; none at the end. A byte order mark at the beginning is left out.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Line>> {
        line.clear();
        let length = self.reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', line)?;
        if length == 0 {
            return Ok(None);
        }
        self.read += length as u64;
        self.line += 1;
        if self.line == 1 && line.starts_with(MARK) {
            line.drain(..MARK.len());
        }
        if length <= LINE_MAX {
            return Ok(Some(Line::Whole));
        }
        if line.last() != Some(&b'\n') {
            self.read += self.reader.skip_until(b'\n')? as u64;
        }
        line.clear();
        Ok(Some(Line::TooLong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_numbers_and_the_longest_are_dropped_whole() {
        let fits = [vec![b'a'; LINE_MAX - 1], vec![b'\n']].concat();
        let long = [vec![b'b'; LINE_MAX], vec![b'\n']].concat();
        let longer = [vec![b'c'; LINE_MAX * 2], vec![b'\n']].concat();
        let text = [MARK, b"1\r\n", b"\n", &fits, &long, &longer, b"6"].concat();
        let mut source = Source::of(Box::new(io::Cursor::new(text.clone())), None);
        let mut line = Vec::new();
        let mut seen = Vec::new();
        while let Some(kind) = source.next(&mut line).unwrap() {
            seen.push((source.line(), kind, line.len()));
        }
        let whole = [(1, 3), (2, 1), (3, LINE_MAX)].map(|(number, length)| (number, Line::Whole, length));
        assert_eq!(seen[..3], whole);
        assert_eq!(seen[3..], [(4, Line::TooLong, 0), (5, Line::TooLong, 0), (6, Line::Whole, 1)]);
        assert_eq!(source.read(), text.len() as u64);
    }
}
