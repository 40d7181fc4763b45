//! Cuts text into lines, none held beyond its limit: NDJSON.

/// Characters of one line. A person has less than 64 KiB.
pub(super) const LINE_MAX: usize = 1024 * 1024;

/// A line and its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    /// Without its end; none where it was longer than lines may be, and dropped.
    pub(super) text: Option<String>,
}

/// Text in, lines out.
#[derive(Default)]
pub(super) struct LineCutter {
    line: String,
    /// In characters, also of what was dropped.
    length: usize,
    number: u64,
}

impl LineCutter {
    /// Takes a piece of the text, and appends the lines that it completes.
    pub(super) fn push(&mut self, text: &str, lines: &mut Vec<Line>) {
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

    /// The line is over, with the text or before it.
    pub(super) fn end(&mut self, lines: &mut Vec<Line>) {
        self.number += 1;
        let line = std::mem::take(&mut self.line);
        lines.push(Line {
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
    fn lines_have_numbers_and_the_longest_are_dropped_whole() {
        let (fits, long) = ("東".repeat(LINE_MAX), "b".repeat(LINE_MAX + 1));
        let text = format!("1\r\n\n{fits}\n{long}\n5");
        let expected = [Some("1\r"), Some(""), Some(&fits), None, Some("5")];
        for middle in [0, 2, 3, 4 + fits.len(), text.len() - 1] {
            let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
            cutter.push(&text[..middle], &mut lines);
            cutter.push(&text[middle..], &mut lines);
            cutter.end(&mut lines);
            let numbered = lines.iter().zip(1..);
            assert!(numbered.clone().all(|(line, number)| line.number == number));
            assert!(
                lines.iter().map(|line| line.text.as_deref()).eq(expected),
                "{middle}"
            );
        }
    }
}
