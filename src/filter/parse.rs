//! The grammar of filters: conditions, joined by `&& || !` and parentheses. Recursive descent over
//! one token at a time; every limit is enforced on the way, the depth of the recursion included.

use super::check;
use super::error::{Fault, Span};
use super::lex::{Lexer, Token};
use super::predicate::Predicate;

/// Bytes of a filter's text.
pub(super) const TEXT_BYTES: usize = 16 * 1024;
/// Conditions of a filter; `true` and `false` count too.
const CONDITIONS: usize = 64;
/// Levels of a filter: each `!` is one, each chain of `&&` or of `||`, and each pair of parentheses
/// without need.
const DEPTH: usize = 8;
/// List items of a filter, over all its lists.
pub(super) const LIST_ITEMS: usize = 1000;
/// `!` and parentheses open at the same time. Whatever is within the other limits opens fewer: a
/// level is `!(` at most, and parentheses inside a chain that only repeat its order hold a
/// condition each.
const OPEN: usize = 2 * DEPTH + CONDITIONS;
const TOO_DEEP: &str =
    "A filter has at most 8 levels of !, && and || inside each other: write it flatter.";

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Predicate, Fault> {
    if text.len() > TEXT_BYTES {
        let start = (0..=TEXT_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let detail = format!(
            "A filter has at most {TEXT_BYTES} bytes; this one has {}: shorten it.",
            text.len()
        );
        return Err(Fault::new(Span::new(start, text.len()), detail));
    }
    let mut parser = Parser::new(text)?;
    if parser.token == Token::End {
        return Ok(Predicate::Constant(true));
    }
    let whole = parser.chain(Junction::Any)?;
    match parser.token {
        Token::End => Ok(whole.predicate),
        Token::Close => Err(parser.fault("No parenthesis is open here: leave this one out.")),
        _ => Err(parser.fault(
            "Conditions are joined by && or ||: write one of them here, or end the filter.",
        )),
    }
}

/// A text on its way to a predicate: the token to look at, and what has been met so far.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    pub(super) token: Token<'t>,
    pub(super) span: Span,
    open: usize,
    conditions: usize,
    pub(super) list_items: usize,
    /// Places of patterns.
    pub(super) places: u64,
}

/// Something that is true or false, and how deep it is.
struct Part {
    predicate: Predicate,
    depth: usize,
    shape: Shape,
    span: Span,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// A condition, or a negation.
    Single,
    /// A chain as it stands, without parentheses.
    Chain,
    /// Something in parentheses.
    Group,
}

/// What joins a chain.
#[derive(Clone, Copy, PartialEq)]
enum Junction {
    All,
    Any,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text);
        let (token, span) = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            span,
            open: 0,
            conditions: 0,
            list_items: 0,
            places: 0,
        })
    }

    /// Goes on to the next token; returns the one that was looked at, and its place.
    pub(super) fn advance(&mut self) -> Result<(Token<'t>, Span), Fault> {
        let (token, span) = self.lexer.next()?;
        Ok((
            std::mem::replace(&mut self.token, token),
            std::mem::replace(&mut self.span, span),
        ))
    }

    /// The text that stands there.
    pub(super) fn text(&self, span: Span) -> &'t str {
        self.lexer.text(span)
    }

    /// A fault at the token that is looked at.
    pub(super) fn fault(&self, detail: impl Into<String>) -> Fault {
        Fault::new(self.span, detail)
    }

    /// Parts joined by one junction, or a single one.
    fn chain(&mut self, junction: Junction) -> Result<Part, Fault> {
        let first = self.link(junction)?;
        if self.token != junction.token() {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.token == junction.token() {
            self.advance()?;
            parts.push(self.link(junction)?);
        }
        junction.join(parts)
    }

    fn link(&mut self, junction: Junction) -> Result<Part, Fault> {
        match junction {
            Junction::Any => self.chain(Junction::All),
            Junction::All if self.token == Token::Not => self.negation(),
            Junction::All if self.token == Token::Open => self.group(false),
            Junction::All => self.condition(false),
        }
    }

    fn negation(&mut self) -> Result<Part, Fault> {
        let (_, not) = self.enter()?;
        let inner = match self.token {
            Token::Not => self.negation()?,
            Token::Open => self.group(true)?,
            _ => self.condition(true)?,
        };
        self.open -= 1;
        let predicate = Predicate::Not(Box::new(inner.predicate));
        Part {
            predicate,
            depth: inner.depth + 1,
            shape: Shape::Single,
            span: not.to(inner.span),
        }
        .checked()
    }

    /// Parentheses. They are a level of their own only where they are not needed: a chain in
    /// parentheses, and what is behind a `!`, is counted already.
    fn group(&mut self, behind_not: bool) -> Result<Part, Fault> {
        let (_, open) = self.enter()?;
        if self.token == Token::Close {
            return Err(self.fault("Write a condition inside the parentheses, or leave them out."));
        }
        let inner = self.chain(Junction::Any)?;
        if self.token != Token::Close {
            return Err(
                self.fault("Close the parenthesis here, or join another condition by && or ||.")
            );
        }
        let (_, close) = self.advance()?;
        self.open -= 1;
        if matches!(self.token, Token::Relation(_) | Token::In | Token::Dot) {
            return Err(self.fault(
                "Parentheses hold conditions, and a condition is not compared: leave them out.",
            ));
        }
        let needed = behind_not || inner.shape == Shape::Chain;
        let depth = inner.depth + usize::from(!needed);
        Part {
            depth,
            shape: Shape::Group,
            span: open.to(close),
            ..inner
        }
        .checked()
    }

    /// Passes over the `!` or `(` that opens a level.
    fn enter(&mut self) -> Result<(Token<'t>, Span), Fault> {
        if self.open == OPEN {
            return Err(self.fault(TOO_DEEP));
        }
        self.open += 1;
        self.advance()
    }

    fn condition(&mut self, behind_not: bool) -> Result<Part, Fault> {
        if self.conditions == CONDITIONS {
            let detail = format!(
                "A filter has at most {CONDITIONS} conditions: write PATH in [...] for \
                 alternatives."
            );
            return Err(self.fault(detail));
        }
        self.conditions += 1;
        let left = self.operand()?;
        let span = left.span;
        if behind_not && matches!(self.token, Token::Relation(_) | Token::In) {
            let detail =
                "! binds closer than a comparison: put the comparison in parentheses, !(...).";
            return Err(self.fault(detail));
        }
        let (predicate, span) = match self.token {
            Token::Relation(relation) => {
                self.advance()?;
                let right = self.operand()?;
                let span = span.to(right.span);
                (check::compared(left, relation, right)?, span)
            }
            Token::In => {
                self.advance()?;
                let right = self.operand()?;
                let span = span.to(right.span);
                (check::within(left, right)?, span)
            }
            _ => (check::alone(left)?, span),
        };
        if matches!(self.token, Token::Relation(_) | Token::In) {
            return Err(self.fault(
                "Only two sides are compared: join comparisons by &&, as in age > 17 && age < 65.",
            ));
        }
        Ok(Part {
            predicate,
            depth: 0,
            shape: Shape::Single,
            span,
        })
    }
}

impl Part {
    fn checked(self) -> Result<Self, Fault> {
        if self.depth > DEPTH {
            Err(Fault::new(self.span, TOO_DEEP))
        } else {
            Ok(self)
        }
    }
}

impl Junction {
    fn token(self) -> Token<'static> {
        match self {
            Self::All => Token::And,
            Self::Any => Token::Or,
        }
    }

    /// One part of several. Chains of the same junction inside become part of this one: they mean
    /// the same, and programs that write filters like to put parentheses around each pair.
    fn join(self, parts: Vec<Part>) -> Result<Part, Fault> {
        let span = parts[0].span.to(parts[parts.len() - 1].span);
        let mut depth = 0;
        let mut joined = Vec::with_capacity(parts.len());
        for part in parts {
            match (self, part.predicate) {
                (Self::All, Predicate::All(inner)) | (Self::Any, Predicate::Any(inner)) => {
                    depth = depth.max(part.depth);
                    joined.extend(inner);
                }
                (_, single) => {
                    depth = depth.max(part.depth + 1);
                    joined.push(single);
                }
            }
        }
        let predicate = match self {
            Self::All => Predicate::All(joined),
            Self::Any => Predicate::Any(joined),
        };
        Part {
            predicate,
            depth,
            shape: Shape::Chain,
            span,
        }
        .checked()
    }
}
