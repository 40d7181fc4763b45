//! Why a filter is refused: where in its text, and what to write instead.

/// A filter's refusal. Positions are counted in code points, as its writer sees them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} (at character {offset}, {length} long)")]
pub struct FilterError {
    /// Where the fault begins; 0 is the first character.
    pub offset: usize,
    /// How long it is; 0 where something is missing.
    pub length: usize,
    /// What is wrong and what to write instead.
    pub detail: String,
}

/// A stretch of a filter's text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A refusal whose place is still counted in bytes.
#[derive(Debug)]
pub(super) struct Fault {
    span: Span,
    detail: String,
}

impl Span {
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From where this one begins to where the other ends.
    pub(super) const fn to(self, last: Self) -> Self {
        Self {
            start: self.start,
            end: last.end,
        }
    }
}

impl Fault {
    pub(super) fn new(span: Span, detail: impl Into<String>) -> Self {
        Self {
            span,
            detail: detail.into(),
        }
    }

    /// The refusal of the text in which the fault was found.
    pub(super) fn of(self, text: &str) -> FilterError {
        let count = |part: &str| part.chars().count();
        FilterError {
            offset: count(&text[..self.span.start]),
            length: count(&text[self.span.start..self.span.end]),
            detail: self.detail,
        }
    }
}
