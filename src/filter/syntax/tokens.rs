//! The tokens of a filter with one token of lookahead, and what counts towards the limits so far.

use serde_json::{Map, Value};

use super::lex::{Lexer, Token};
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::limits::{
    CONDITIONS_MAX, EXPANDED_LENGTH_MAX, LEVELS_MAX, LIST_ITEMS_MAX, TEXT_BYTES_MAX,
};
use crate::filter::predicate::Path;

/// `!` and parentheses that may be open at the same time: the bound of the recursion. A filter
/// within the other limits opens fewer. Each level opens two at most, `!(`. Other parentheses only
/// repeat the order of a chain, so each pair has a condition of its own.
const OPEN_MAX: usize = 2 * LEVELS_MAX + CONDITIONS_MAX;
const TOO_DEEP: &str =
    "A filter has at most 8 levels of !, && and || inside each other: write it flatter.";

/// What the name `claims` stands for in a text.
#[derive(Clone, Copy)]
pub(in crate::filter) enum ClaimBinding<'c> {
    /// Nothing: the text is a filter.
    None,
    /// The claims of any token: the text is a rule, and is only checked.
    Any,
    /// The claims of one token.
    Of(&'c Map<String, Value>),
}

pub(super) struct TokenStream<'t> {
    lexer: Lexer<'t>,
    /// What `claims` stands for.
    pub(super) claims: ClaimBinding<'t>,
    /// The claims that were named so far, where they are not bound.
    pub(super) named_claims: Vec<Box<[Box<str>]>>,
    /// Which paths the text must not name.
    is_hidden: Option<&'t dyn Fn(&Path) -> bool>,
    /// The next token.
    pub(super) token: Token<'t>,
    /// The span of the next token.
    pub(super) span: TextSpan,
    open: usize,
    conditions: usize,
    list_items: usize,
    expanded_length: u64,
}

impl<'t> TokenStream<'t> {
    pub(super) fn new(text: &'t str, claims: ClaimBinding<'t>) -> Result<Self, SpannedError> {
        if text.len() > TEXT_BYTES_MAX {
            let start = (0..=TEXT_BYTES_MAX)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            let detail = format!(
                "A filter has at most {TEXT_BYTES_MAX} bytes; this one has {}: shorten it.",
                text.len()
            );
            return Err(SpannedError::new(TextSpan::new(start, text.len()), detail));
        }
        let mut lexer = Lexer::new(text);
        let (token, span) = lexer.next()?;
        Ok(Self {
            lexer,
            claims,
            named_claims: Vec::new(),
            is_hidden: None,
            token,
            span,
            open: 0,
            conditions: 0,
            list_items: 0,
            expanded_length: 0,
        })
    }

    /// The same for a text that must not name some paths.
    pub(super) fn hiding(self, is_hidden: &'t dyn Fn(&Path) -> bool) -> Self {
        Self {
            is_hidden: Some(is_hidden),
            ..self
        }
    }

    /// An error if the text must not name this path, which has this span.
    pub(super) fn check_path(&self, path: &Path, span: TextSpan) -> Result<(), SpannedError> {
        if self.is_hidden.is_some_and(|is_hidden| is_hidden(path)) {
            return Err(SpannedError::new(
                span,
                "This is hidden from you, or has hidden parts: leave the condition out.",
            ));
        }
        Ok(())
    }

    /// Takes the next token, with its span.
    pub(super) fn advance(&mut self) -> Result<(Token<'t>, TextSpan), SpannedError> {
        let (token, span) = self.lexer.next()?;
        Ok((
            std::mem::replace(&mut self.token, token),
            std::mem::replace(&mut self.span, span),
        ))
    }

    pub(super) fn text(&self, span: TextSpan) -> &'t str {
        self.lexer.text(span)
    }

    /// An error at the next token.
    pub(super) fn error(&self, detail: impl Into<String>) -> SpannedError {
        SpannedError::new(self.span, detail)
    }

    /// Takes the `!` or `(` that opens a level; [`Self::leave`] ends it.
    pub(super) fn enter(&mut self) -> Result<TextSpan, SpannedError> {
        if self.open == OPEN_MAX {
            return Err(self.error(TOO_DEEP));
        }
        self.open += 1;
        Ok(self.advance()?.1)
    }

    pub(super) fn leave(&mut self) {
        self.open -= 1;
    }

    /// Counts the condition that begins with the next token.
    pub(super) fn count_condition(&mut self) -> Result<(), SpannedError> {
        if self.conditions == CONDITIONS_MAX {
            return Err(self.error(format!(
                "A filter has at most {CONDITIONS_MAX} conditions: write PATH in [...] for \
                 alternatives."
            )));
        }
        self.conditions += 1;
        Ok(())
    }

    /// Counts the list item that begins with the next token.
    pub(super) fn count_list_item(&mut self) -> Result<(), SpannedError> {
        if self.list_items == LIST_ITEMS_MAX {
            return Err(self.error(format!(
                "A filter has at most {LIST_ITEMS_MAX} list items in all: shorten its lists."
            )));
        }
        self.list_items += 1;
        Ok(())
    }

    /// Adds the expanded length of the pattern at `span`.
    pub(super) fn count_pattern(
        &mut self,
        expanded_length: u64,
        span: TextSpan,
    ) -> Result<(), SpannedError> {
        self.expanded_length = self.expanded_length.saturating_add(expanded_length);
        let sum = self.expanded_length;
        if sum <= EXPANDED_LENGTH_MAX {
            return Ok(());
        }
        let detail = format!(
            "The patterns of a filter have at most {EXPANDED_LENGTH_MAX} characters and classes in \
             all, repetitions written out; with this one it is {sum}: repeat less."
        );
        Err(SpannedError::new(span, detail))
    }
}

/// An error at `span` if so many levels are too many.
pub(super) fn check_levels(levels: usize, span: TextSpan) -> Result<(), SpannedError> {
    if levels > LEVELS_MAX {
        return Err(SpannedError::new(span, TOO_DEEP));
    }
    Ok(())
}
