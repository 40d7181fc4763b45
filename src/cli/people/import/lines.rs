//! Splits text into lines, with a limit on each: NDJSON.

/// The longest line in characters. A person has less than 64 KiB.
pub(super) const LINE_MAX: usize = 1024 * 1024;

/// A line and its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberedLine {
    pub(super) number: u64,
    /// The text without its line end; `None` if it was too long and dropped.
    pub(super) text: Option<String>,
}

/// Splits text into lines.
#[derive(Default)]
pub(super) struct LineSplitter {
    line: String,
    /// The line's length in characters, dropped ones included.
    length: usize,
    number: u64,
}

impl LineSplitter {
    /// Takes a piece of text, and appends the lines that it completes.
    pub(super) fn push(&mut self, text: &str, lines: &mut Vec<NumberedLine>) {
        for piece in text.split_inclusive('\n') {
            let part = piece.strip_suffix('\n').unwrap_or(piece);
            self.length += part.chars().count();
            if self.length <= LINE_MAX {
                self.line.push_str(part);
            }
            if part.len() < piece.len() {
                self.end(lines);
            }
        }
    }

    /// Ends the current line.
    pub(super) fn end(&mut self, lines: &mut Vec<NumberedLine>) {
        self.number += 1;
        let line = std::mem::take(&mut self.line);
        lines.push(NumberedLine {
            number: self.number,
            text: (self.length <= LINE_MAX).then_some(line),
        });
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_too_long_ones_are_dropped() {
        let (fits, long) = ("東".repeat(LINE_MAX), "b".repeat(LINE_MAX + 1));
        let text = format!("1\r\n\n{fits}\n{long}\n5");
        let expected = [Some("1\r"), Some(""), Some(&fits), None, Some("5")];
        for middle in [0, 2, 3, 4 + fits.len(), text.len() - 1] {
            let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
            splitter.push(&text[..middle], &mut lines);
            splitter.push(&text[middle..], &mut lines);
            splitter.end(&mut lines);
            let numbered = lines.iter().zip(1..);
            assert!(numbered.clone().all(|(line, number)| line.number == number));
            assert!(
                lines.iter().map(|line| line.text.as_deref()).eq(expected),
                "{middle}"
            );
        }
    }
}
