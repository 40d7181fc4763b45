//! The two sides of a condition: literals, lists, paths, and calls on paths.

use super::claims::claim;
use super::lex::Token;
use super::path::{self, PathOrCall, methods, unknown_field};
use super::tokens::{ClaimBinding, TokenStream};
use crate::filter::check::{self, Function, Method, Operand, OperandKind, Signature};
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::predicate::{Condition, Number, Path, Scalar};

const INTEGER_TOO_LARGE: &str =
    "Write an integer that 64 bits can hold; attributes hold no others either.";

pub(super) fn operand(tokens: &mut TokenStream<'_>) -> Result<Operand, SpannedError> {
    let operand = match &tokens.token {
        Token::Literal(_) | Token::Minus => {
            let (literal, span) = literal(tokens)?;
            Operand {
                kind: OperandKind::Literal(literal),
                span,
            }
        }
        Token::OpenList => list(tokens)?,
        Token::Name(name) => {
            let name = *name;
            path_or_call(tokens, name)?
        }
        other => return Err(tokens.error(no_operand(other))),
    };
    match tokens.token {
        Token::Dot => Err(tokens.error(
            "Only a path goes on with a dot: write PATH.contains(\"...\") or PATH == LITERAL.",
        )),
        Token::OpenList => Err(tokens.error(
            "Only attributes have keys in brackets: write LITERAL in PATH, or PATH in [LITERAL].",
        )),
        _ => Ok(operand),
    }
}

/// What to write instead of a token that begins no operand.
fn no_operand(token: &Token<'_>) -> &'static str {
    match token {
        Token::End => "Something is missing here: write a condition, such as age >= 18.",
        Token::Open => "A side of a comparison takes no parentheses: leave them out.",
        Token::Not => "A comparison is negated as a whole: write !(...) around it.",
        _ => "Write a path, such as age or attributes.city, or a literal here.",
    }
}

/// A literal, with its sign.
fn literal(tokens: &mut TokenStream<'_>) -> Result<(Scalar, TextSpan), SpannedError> {
    let (token, span) = tokens.advance()?;
    match token {
        Token::Literal(literal) => return Ok((literal, span)),
        Token::Minus => {}
        _ => {
            return Err(SpannedError::new(
                span,
                "Write a literal here: a text in quotes, a number, true, false or null.",
            ));
        }
    }
    let (token, digits) = tokens.advance()?;
    let span = span.to(digits);
    let Token::Literal(Scalar::Number(number)) = token else {
        return Err(SpannedError::new(
            span,
            "Nothing is calculated here: a minus goes before a number only.",
        ));
    };
    let negative = number.negated();
    if matches!(negative, Number::Integer(value) if i64::try_from(value).is_err())
        && is_integer(tokens.text(digits))
    {
        return Err(SpannedError::new(span, INTEGER_TOO_LARGE));
    }
    Ok((Scalar::Number(negative), span))
}

/// Whether the digits of a number are those of an integer and not of a double.
fn is_integer(digits: &str) -> bool {
    digits.starts_with("0x") || digits.starts_with("0X") || !digits.contains(['.', 'e', 'E'])
}

fn list(tokens: &mut TokenStream<'_>) -> Result<Operand, SpannedError> {
    let (_, open) = tokens.advance()?;
    let mut items = Vec::new();
    while tokens.token != Token::CloseList {
        tokens.count_list_item()?;
        items.extend(list_item(tokens)?);
        match tokens.token {
            Token::Comma => drop(tokens.advance()?),
            Token::CloseList => {}
            _ => {
                return Err(
                    tokens.error("Separate the items of a list by commas, and end it with ].")
                );
            }
        }
    }
    let (_, close) = tokens.advance()?;
    Ok(Operand {
        kind: OperandKind::List(items),
        span: open.to(close),
    })
}

/// An item of a list; none where its value is not known yet.
fn list_item(tokens: &mut TokenStream<'_>) -> Result<Option<(Scalar, TextSpan)>, SpannedError> {
    match (&tokens.token, tokens.claims) {
        (Token::Name("claims"), ClaimBinding::Any | ClaimBinding::Of(_)) => {
            let (_, span) = tokens.advance()?;
            let item = claim(tokens, span)?;
            match item.kind {
                OperandKind::Literal(literal) => Ok(Some((literal, item.span))),
                OperandKind::Claim => Ok(None),
                _ => Err(SpannedError::new(
                    item.span,
                    "has to be a text, a number, true or false",
                )),
            }
        }
        (Token::Name(_), _) => Err(tokens
            .error("A list holds literals only: compare the fields one by one, joined by ||.")),
        _ => literal(tokens).map(Some),
    }
}

/// An operand that begins with a name: a path, a method of one, `size(PATH)`, `has(PATH)`.
fn path_or_call(tokens: &mut TokenStream<'_>, name: &str) -> Result<Operand, SpannedError> {
    let (_, span) = tokens.advance()?;
    if tokens.token == Token::Open {
        return function(tokens, name, span);
    }
    if name == "claims" && !matches!(tokens.claims, ClaimBinding::None) {
        return claim(tokens, span);
    }
    match path::path(tokens, name, span)? {
        PathOrCall::Path(path, span) => Ok(Operand {
            kind: OperandKind::Path(path),
            span,
        }),
        PathOrCall::Call(path, name, name_span) => method(tokens, path, span, name, name_span),
    }
}

/// `size(PATH)` and `has(PATH)`, after the name.
fn function(
    tokens: &mut TokenStream<'_>,
    name: &str,
    span: TextSpan,
) -> Result<Operand, SpannedError> {
    let Some(function) = Function::from_name(name) else {
        return Err(SpannedError::new(span, unknown_function(name)));
    };
    tokens.advance()?;
    let (token, root_span) = tokens.advance()?;
    let Token::Name(root) = token else {
        return Err(SpannedError::new(
            root_span,
            format!("Write a path here, as in {name}(attributes.x)."),
        ));
    };
    let PathOrCall::Path(path, path_span) = path::path(tokens, root, root_span)? else {
        return Err(tokens.error(format!(
            "Write a path and nothing else, as in {name}(attributes.x)."
        )));
    };
    let span = span.to(close(tokens)?);
    let kind = match function {
        Function::Size => OperandKind::Size(check::sized(path, path_span)?),
        Function::Has if tokens.text(path_span).ends_with(']') => {
            return Err(SpannedError::new(
                path_span,
                "has() takes a name behind a dot: write PATH == null || PATH != null for this key.",
            ));
        }
        Function::Has => OperandKind::Condition(check::presence(path, path_span)?),
    };
    Ok(Operand { kind, span })
}

/// What to write instead of a name that is no function.
fn unknown_function(name: &str) -> String {
    if matches!(name, "not" | "NOT") {
        return unknown_field(name);
    }
    if let Some(method) = Method::from_name(name) {
        let arguments = match method.signature() {
            Signature::Size => "",
            Signature::Text(_) => "\"...\"",
        };
        return format!("Write PATH.{name}({arguments}).");
    }
    format!(
        "There is no function {name:.40}; {}, behind a path, and has(attributes.x).",
        methods()
    )
}

/// `PATH.method(...)`, after the name of the method. `path_span` is where the path begins.
fn method(
    tokens: &mut TokenStream<'_>,
    path: Path,
    path_span: TextSpan,
    name: &str,
    name_span: TextSpan,
) -> Result<Operand, SpannedError> {
    let Some(method) = Method::from_name(name) else {
        return Err(SpannedError::new(name_span, unknown_method(name)));
    };
    tokens.advance()?;
    let callee = path_span.to(name_span);
    let kind = match method.signature() {
        Signature::Size => OperandKind::Size(check::sized(path, callee)?),
        Signature::Text(_)
            if method == Method::Matches && !matches!(tokens.claims, ClaimBinding::None) =>
        {
            return Err(SpannedError::new(
                name_span,
                "A rule has no patterns: write startsWith, endsWith or contains.",
            ));
        }
        Signature::Text(new) => {
            let (argument, span) = argument(tokens, name)?;
            let test = check::text_test(&path, callee, new, argument, span)?;
            if let Some(pattern) = test.pattern() {
                tokens.count_pattern(pattern.expanded_length(), span)?;
            }
            OperandKind::Condition(Condition::Text(path, test))
        }
    };
    let span = path_span.to(close(tokens)?);
    Ok(Operand { kind, span })
}

/// The text in the parentheses of a method.
fn argument(
    tokens: &mut TokenStream<'_>,
    name: &str,
) -> Result<(Box<str>, TextSpan), SpannedError> {
    let (token, span) = tokens.advance()?;
    let (kind, span) = match token {
        Token::Literal(literal) => (OperandKind::Literal(literal), span),
        Token::Name("claims") if !matches!(tokens.claims, ClaimBinding::None) => {
            let claim = claim(tokens, span)?;
            (claim.kind, claim.span)
        }
        _ => (OperandKind::List(Vec::new()), span),
    };
    match kind {
        OperandKind::Literal(Scalar::Text(text)) => Ok((text, span)),
        OperandKind::Claim => Ok((Box::default(), span)),
        _ => Err(SpannedError::new(
            span,
            format!("Write a text in quotes here, as in PATH.{name}(\"...\")."),
        )),
    }
}

/// What to write instead of a name that is no method.
fn unknown_method(name: &str) -> String {
    match name {
        "all" | "exists" | "exists_one" | "existsOne" | "map" | "filter" => {
            format!("There is no macro {name}: to find an element, write LITERAL in PATH.")
        }
        _ => format!("There is no method {name:.40}: {}.", methods()),
    }
}

/// Takes the parenthesis that ends a call.
fn close(tokens: &mut TokenStream<'_>) -> Result<TextSpan, SpannedError> {
    if tokens.token != Token::Close {
        return Err(
            tokens.error("End the call here with a parenthesis: it takes one argument at most.")
        );
    }
    Ok(tokens.advance()?.1)
}
