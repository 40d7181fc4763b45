//! The grammar of filters: conditions, joined by `&& || !` and parentheses. A filter has few
//! levels, and the limit of parentheses bounds the recursion.

use super::lex::Token;
use super::operand::operand;
use super::tokens::{ClaimBinding, TokenStream, check_levels};
use crate::filter::check;
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::predicate::{Path, Predicate};

/// Parses and checks a filter, or a rule with claims. The empty text is the constant true.
pub(in crate::filter) fn parse(
    text: &str,
    claims: ClaimBinding<'_>,
) -> Result<Predicate, SpannedError> {
    whole(&mut TokenStream::new(text, claims)?)
}

/// Checks a rule; the names of each claim in it, as often as it stands there.
pub(in crate::filter) fn claims_of(text: &str) -> Result<Vec<Box<[Box<str>]>>, SpannedError> {
    let mut tokens = TokenStream::new(text, ClaimBinding::Any)?;
    whole(&mut tokens)?;
    Ok(tokens.named_claims)
}

/// Parses and checks a filter that must not name some paths.
pub(in crate::filter) fn parse_hiding(
    text: &str,
    is_hidden: &dyn Fn(&Path) -> bool,
) -> Result<Predicate, SpannedError> {
    whole(&mut TokenStream::new(text, ClaimBinding::None)?.hiding(is_hidden))
}

fn whole(tokens: &mut TokenStream<'_>) -> Result<Predicate, SpannedError> {
    if tokens.token == Token::End {
        return Ok(Predicate::Constant(true));
    }
    let whole = chain(tokens, Connective::Or)?;
    match tokens.token {
        Token::End => Ok(whole.predicate),
        Token::Close => Err(tokens.error("No parenthesis is open here: leave this one out.")),
        _ => Err(tokens.error(
            "Conditions are joined by && or ||: write one of them here, or end the filter.",
        )),
    }
}

/// A part of a filter that is true or false, and its levels.
struct Expression {
    predicate: Predicate,
    levels: usize,
    grouping: Grouping,
    span: TextSpan,
}

#[derive(Clone, Copy, PartialEq)]
enum Grouping {
    /// A condition or a negation.
    Single,
    /// A chain without parentheses around it.
    Chain,
    Parentheses,
}

/// What joins a chain.
#[derive(Clone, Copy, PartialEq)]
enum Connective {
    And,
    Or,
}

/// Expressions joined by one connective, or a single one.
fn chain(tokens: &mut TokenStream<'_>, connective: Connective) -> Result<Expression, SpannedError> {
    let first = link(tokens, connective)?;
    if tokens.token != connective.token() {
        return Ok(first);
    }
    let mut links = vec![first];
    while tokens.token == connective.token() {
        tokens.advance()?;
        links.push(link(tokens, connective)?);
    }
    connective.join(links)
}

fn link(tokens: &mut TokenStream<'_>, connective: Connective) -> Result<Expression, SpannedError> {
    match (connective, &tokens.token) {
        (Connective::Or, _) => chain(tokens, Connective::And),
        (Connective::And, Token::Not) => negation(tokens),
        (Connective::And, Token::Open) => parentheses(tokens, false),
        (Connective::And, _) => condition(tokens, false),
    }
}

fn negation(tokens: &mut TokenStream<'_>) -> Result<Expression, SpannedError> {
    let not = tokens.enter()?;
    let inner = match tokens.token {
        Token::Not => negation(tokens)?,
        Token::Open => parentheses(tokens, true)?,
        _ => condition(tokens, true)?,
    };
    tokens.leave();
    Expression {
        predicate: Predicate::Not(Box::new(inner.predicate)),
        levels: inner.levels + 1,
        grouping: Grouping::Single,
        span: not.to(inner.span),
    }
    .within_limit()
}

/// Parentheses are a level only if they are needless. Those around a chain or after a `!` are not:
/// the chain or the `!` is a level already.
fn parentheses(
    tokens: &mut TokenStream<'_>,
    is_after_not: bool,
) -> Result<Expression, SpannedError> {
    let open = tokens.enter()?;
    if tokens.token == Token::Close {
        return Err(tokens.error("Write a condition inside the parentheses, or leave them out."));
    }
    let inner = chain(tokens, Connective::Or)?;
    if tokens.token != Token::Close {
        return Err(
            tokens.error("Close the parenthesis here, or join another condition by && or ||.")
        );
    }
    let (_, close) = tokens.advance()?;
    tokens.leave();
    if matches!(tokens.token, Token::Operator(_) | Token::In | Token::Dot) {
        return Err(tokens.error(
            "Parentheses hold conditions, and a condition is not compared: leave them out.",
        ));
    }
    let is_needless = !is_after_not && inner.grouping != Grouping::Chain;
    Expression {
        levels: inner.levels + usize::from(is_needless),
        grouping: Grouping::Parentheses,
        span: open.to(close),
        ..inner
    }
    .within_limit()
}

fn condition(tokens: &mut TokenStream<'_>, is_after_not: bool) -> Result<Expression, SpannedError> {
    tokens.count_condition()?;
    let left = operand(tokens)?;
    let span = left.span;
    if is_after_not && matches!(tokens.token, Token::Operator(_) | Token::In) {
        return Err(tokens.error(
            "! binds closer than a comparison: put the comparison in parentheses, !(...).",
        ));
    }
    let (predicate, span) = match tokens.token {
        Token::Operator(operator) => {
            tokens.advance()?;
            let right = operand(tokens)?;
            let span = span.to(right.span);
            (check::comparison(left, operator, right)?, span)
        }
        Token::In => {
            tokens.advance()?;
            let right = operand(tokens)?;
            let span = span.to(right.span);
            (check::membership(left, right)?, span)
        }
        _ => (check::single(left)?, span),
    };
    if matches!(tokens.token, Token::Operator(_) | Token::In) {
        return Err(tokens.error(
            "Only two sides are compared: join comparisons by &&, as in age > 17 && age < 65.",
        ));
    }
    Ok(Expression {
        predicate,
        levels: 0,
        grouping: Grouping::Single,
        span,
    })
}

impl Expression {
    fn within_limit(self) -> Result<Self, SpannedError> {
        check_levels(self.levels, self.span)?;
        Ok(self)
    }
}

impl Connective {
    const fn token(self) -> Token<'static> {
        match self {
            Self::And => Token::And,
            Self::Or => Token::Or,
        }
    }

    /// The chain of several expressions. A chain of the same connective inside becomes a part of
    /// it: the meaning is the same, and programs that write filters like parentheses around each
    /// pair.
    fn join(self, links: Vec<Expression>) -> Result<Expression, SpannedError> {
        let span = links[0].span.to(links[links.len() - 1].span);
        let mut levels = 0;
        let mut parts = Vec::with_capacity(links.len());
        for link in links {
            match (self, link.predicate) {
                (Self::And, Predicate::All(inner)) | (Self::Or, Predicate::Any(inner)) => {
                    levels = levels.max(link.levels);
                    parts.extend(inner);
                }
                (_, single) => {
                    levels = levels.max(link.levels + 1);
                    parts.push(single);
                }
            }
        }
        let predicate = match self {
            Self::And => Predicate::All(parts),
            Self::Or => Predicate::Any(parts),
        };
        Expression {
            predicate,
            levels,
            grouping: Grouping::Chain,
            span,
        }
        .within_limit()
    }
}
