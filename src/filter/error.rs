//! Why a filter is refused: where in its text, and what to write instead.

/// The refusal of a filter. Positions count code points, as the writer of the filter sees them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} (at character {offset}, {length} long)")]
pub struct FilterError {
    /// Where the error begins; 0 is the first character.
    pub offset: usize,
    /// Length of the error; 0 where something is missing.
    pub length: usize,
    /// What is wrong and what to write instead.
    pub detail: String,
}

/// A part of a filter's text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextSpan {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A refusal whose position still counts bytes.
#[derive(Debug)]
pub(super) struct SpannedError {
    span: TextSpan,
    detail: String,
}

impl TextSpan {
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this span to the end of `last`.
    pub(super) const fn to(self, last: Self) -> Self {
        Self {
            start: self.start,
            end: last.end,
        }
    }
}

impl SpannedError {
    pub(super) fn new(span: TextSpan, detail: impl Into<String>) -> Self {
        Self {
            span,
            detail: detail.into(),
        }
    }

    /// The refusal with its position in code points; `text` is the filter that has the error.
    pub(super) fn in_text(self, text: &str) -> FilterError {
        let count = |part: &str| part.chars().count();
        FilterError {
            offset: count(&text[..self.span.start]),
            length: count(&text[self.span.start..self.span.end]),
            detail: self.detail,
        }
    }
}
