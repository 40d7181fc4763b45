//! Cuts a stream of bytes into lines, of which none is held beyond its limit.

use axum::body::Bytes;

/// One line, without its end: a line feed, perhaps behind a carriage return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it.
    Whole(Bytes),
    /// It was longer than lines may be, and was dropped.
    TooLong,
}

/// What may stand before a line feed.
const RETURN: &[u8] = b"\r";

/// Bytes in, numbered lines out. Take all lines before the next bytes are put in.
pub(super) struct Lines {
    max: usize,
    /// What is not cut yet.
    input: Bytes,
    /// The beginning of a line whose end has not arrived.
    begun: Vec<u8>,
    /// The line under way is too long already.
    overflown: bool,
    count: u64,
}

impl Lines {
    /// Lines of at most `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            input: Bytes::new(),
            begun: Vec::new(),
            overflown: false,
            count: 0,
        }
    }

    /// How many lines there were so far, blank ones included.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        debug_assert!(
            self.input.is_empty(),
            "all lines are taken before the next bytes come"
        );
        self.input = bytes;
    }

    /// The next line whose end has arrived, and its number from 1.
    pub(super) fn next(&mut self) -> Option<(u64, Line)> {
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

    /// The last line, if it has no end of its own.
    pub(super) fn finish(&mut self) -> Option<(u64, Line)> {
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

    fn close(&mut self) -> (u64, Line) {
        self.count += 1;
        let begun = std::mem::take(&mut self.begun);
        let line = if std::mem::take(&mut self.overflown) {
            Line::TooLong
        } else {
            self.line(begun.into())
        };
        (self.count, line)
    }

    fn line(&self, mut bytes: Bytes) -> Line {
        if bytes.ends_with(RETURN) {
            bytes.truncate(bytes.len() - RETURN.len());
        }
        if bytes.len() > self.max {
            Line::TooLong
        } else {
            Line::Whole(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]], max: usize) -> Vec<Line> {
        let mut lines = Lines::new(max);
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
            let expected: Vec<Line> = expected
                .into_iter()
                .map(|line| line.strip_suffix(RETURN).unwrap_or(line))
                .map(|line| {
                    if line.len() > max {
                        Line::TooLong
                    } else {
                        Line::Whole(Bytes::copy_from_slice(line))
                    }
                })
                .collect();
            prop_assert_eq!(cut(&pieces, max), expected);
        }
    }
}
