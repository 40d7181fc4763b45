//! Cuts a stream of bytes into lines, and holds no line beyond a limit.

use axum::body::Bytes;

/// One line without its end: a line feed, with or without a carriage return before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImportLine {
    /// The whole line.
    Whole(Bytes),
    /// The line was longer than the limit, and was dropped.
    TooLong,
}

/// May precede a line feed.
const RETURN: &[u8] = b"\r";

/// Takes bytes and returns numbered lines. The caller takes all lines before it adds the next
/// bytes.
pub(super) struct BodyLines {
    max: usize,
    /// Bytes that are not split yet.
    input: Bytes,
    /// The beginning of a line whose end has not arrived.
    begun: Vec<u8>,
    /// The current line is too long already.
    overflown: bool,
    count: u64,
}

impl BodyLines {
    /// Splits into lines of at most `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            input: Bytes::new(),
            begun: Vec::new(),
            overflown: false,
            count: 0,
        }
    }

    /// The number of lines so far, blank ones included.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        debug_assert!(
            self.input.is_empty(),
            "all lines are taken before the next bytes are added"
        );
        self.input = bytes;
    }

    /// The next line whose end has arrived, and its number from 1.
    pub(super) fn next(&mut self) -> Option<(u64, ImportLine)> {
        let Some(end) = self.input.iter().position(|byte| *byte == b'\n') else {
            let rest = std::mem::take(&mut self.input);
            self.begin(&rest);
            return None;
        };
        let rest = self.input.split_to(end);
        self.input = self.input.slice(1..);
        if self.begun.is_empty() && !self.overflown {
            self.count += 1;
            return Some((self.count, self.line(rest)));
        }
        self.begin(&rest);
        Some(self.close())
    }

    /// The last line, if it has no line feed.
    pub(super) fn finish(&mut self) -> Option<(u64, ImportLine)> {
        (self.overflown || !self.begun.is_empty()).then(|| self.close())
    }

    fn begin(&mut self, bytes: &[u8]) {
        if self.overflown || self.begun.len() + bytes.len() > self.max + RETURN.len() {
            self.overflown = true;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }

    fn close(&mut self) -> (u64, ImportLine) {
        self.count += 1;
        let begun = std::mem::take(&mut self.begun);
        let line = if std::mem::take(&mut self.overflown) {
            ImportLine::TooLong
        } else {
            self.line(begun.into())
        };
        (self.count, line)
    }

    fn line(&self, mut bytes: Bytes) -> ImportLine {
        if bytes.ends_with(RETURN) {
            bytes.truncate(bytes.len() - RETURN.len());
        }
        if bytes.len() > self.max {
            ImportLine::TooLong
        } else {
            ImportLine::Whole(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]], max: usize) -> Vec<ImportLine> {
        let mut lines = BodyLines::new(max);
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(Bytes::copy_from_slice(piece));
            while let Some((number, line)) = lines.next() {
                found.push(line);
                assert_eq!(number, found.len() as u64);
            }
        }
        found.extend(lines.finish().map(|(_, line)| line));
        assert_eq!(lines.count(), found.len() as u64);
        found
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_bytes_arrive(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b'b')],
                0..60,
            ),
            at in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            max in 0..8_usize,
        ) {
            let mut cuts: Vec<usize> =
                at.iter().map(|index| index.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let mut expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let expected: Vec<ImportLine> = expected
                .into_iter()
                .map(|line| line.strip_suffix(RETURN).unwrap_or(line))
                .map(|line| {
                    if line.len() > max {
                        ImportLine::TooLong
                    } else {
                        ImportLine::Whole(Bytes::copy_from_slice(line))
                    }
                })
                .collect();
            prop_assert_eq!(cut(&pieces, max), expected);
        }
    }
}
