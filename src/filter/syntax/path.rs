//! Paths: the known fields, and the keys that lead to a value inside the attributes.

use super::lex::Token;
use super::tokens::{ClaimBinding, TokenStream};
use crate::filter::check::Method;
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::predicate::{Path, Scalar};

/// What begins with the name of a field.
pub(super) enum PathOrCall<'t> {
    Path(Path, TextSpan),
    /// `PATH.method`, before the parenthesis; the span is that of the method.
    Call(Path, &'t str, TextSpan),
}

/// The names that a path begins with.
const FIELDS: [&str; 6] = ["id", "firstName", "lastName", "age", "job", "attributes"];

/// Reads the rest of a path that begins with the field `name`.
pub(super) fn path<'t>(
    tokens: &mut TokenStream<'t>,
    name: &str,
    span: TextSpan,
) -> Result<PathOrCall<'t>, SpannedError> {
    let known = match name {
        "id" => Some(Path::Id),
        "firstName" => Some(Path::FirstName),
        "lastName" => Some(Path::LastName),
        "age" => Some(Path::Age),
        "job" => Some(Path::Job),
        "attributes" => None,
        _ => return Err(SpannedError::new(span, unknown_field(name))),
    };
    let mut keys: Vec<Box<str>> = Vec::new();
    let mut end = span;
    loop {
        match tokens.token {
            Token::Dot => {
                let (key, key_span) = key_behind_dot(tokens)?;
                if tokens.token == Token::Open {
                    let path = complete(tokens, known, keys, span.to(end))?;
                    return Ok(PathOrCall::Call(path, key, key_span));
                }
                if known.is_some() {
                    let detail = format!(
                        "{name} has nothing inside it: compare it itself, or call a method: {}.",
                        methods()
                    );
                    return Err(SpannedError::new(key_span, detail));
                }
                keys.push(key.into());
                end = key_span;
            }
            Token::OpenList if known.is_none() => {
                let (key, key_span) = key_in_brackets(tokens)?;
                keys.push(key);
                end = key_span;
            }
            _ => {
                let path = complete(tokens, known, keys, span.to(end))?;
                return Ok(PathOrCall::Path(path, span.to(end)));
            }
        }
    }
}

/// The names of a path below `attributes`, as filters write them: `city`, `address.street`,
/// `["any name"].x`.
pub(in crate::filter) fn attribute_names(text: &str) -> Option<Vec<Box<str>>> {
    let dot = if text.starts_with('[') { "" } else { "." };
    let whole = format!("attributes{dot}{text}");
    let mut tokens = TokenStream::new(&whole, ClaimBinding::None).ok()?;
    let (_, span) = tokens.advance().ok()?;
    match path(&mut tokens, "attributes", span).ok()? {
        PathOrCall::Path(Path::Attribute(names), _) if tokens.token == Token::End => {
            Some(names.into_vec())
        }
        _ => None,
    }
}

/// A path of the language, and nothing else; `attributes` may stand alone.
pub(in crate::filter) fn field_names(text: &str) -> Result<Vec<Box<str>>, SpannedError> {
    let mut tokens = TokenStream::new(text, ClaimBinding::None)?;
    let (token, span) = tokens.advance()?;
    let Token::Name(name) = token else {
        return Err(SpannedError::new(
            span,
            "Write a path, such as job or attributes.address.city.",
        ));
    };
    if name == "attributes" && tokens.token == Token::End {
        return Ok(vec![name.into()]);
    }
    match path(&mut tokens, name, span)? {
        PathOrCall::Path(path, _) if tokens.token == Token::End => Ok(path.into_names()),
        _ => Err(tokens.error("Write a path and nothing else.")),
    }
}

/// The name behind a dot, which comes next.
pub(super) fn key_behind_dot<'t>(
    tokens: &mut TokenStream<'t>,
) -> Result<(&'t str, TextSpan), SpannedError> {
    tokens.advance()?;
    match tokens.advance()? {
        (Token::Name(key), span) => Ok((key, span)),
        (_, span) => Err(SpannedError::new(
            span,
            "Write a name behind the dot; a key that is not one, or is a word of the language, as \
             attributes[\"any name\"].",
        )),
    }
}

/// The key in brackets, which come next; the span ends with them.
pub(super) fn key_in_brackets(
    tokens: &mut TokenStream<'_>,
) -> Result<(Box<str>, TextSpan), SpannedError> {
    tokens.advance()?;
    let (token, span) = tokens.advance()?;
    match token {
        Token::Literal(Scalar::Text(key)) => {
            if tokens.token != Token::CloseList {
                return Err(tokens.error("End the key with ]."));
            }
            Ok((key, tokens.advance()?.1))
        }
        Token::Literal(Scalar::Number(_)) | Token::Minus => Err(SpannedError::new(
            span,
            "Elements of a list have no path: write LITERAL in PATH.",
        )),
        _ => Err(SpannedError::new(
            span,
            "Write the key as a text in quotes, as in attributes[\"any name\"].",
        )),
    }
}

/// The path of a known field or of keys; `attributes` without a key is no path.
fn complete(
    tokens: &TokenStream<'_>,
    known: Option<Path>,
    keys: Vec<Box<str>>,
    span: TextSpan,
) -> Result<Path, SpannedError> {
    let path = match known {
        Some(path) => path,
        None if keys.is_empty() => {
            return Err(SpannedError::new(
                span,
                "Name a value inside: attributes.name or attributes[\"any name\"].",
            ));
        }
        None => Path::Attribute(keys.into()),
    };
    tokens.check_path(&path, span)?;
    Ok(path)
}

/// What to write instead of a name that is no field.
pub(super) fn unknown_field(name: &str) -> String {
    match name {
        "revision" | "createdAt" | "updatedAt" => {
            format!("Filters have no {name}: put what you need into attributes.")
        }
        "claims" => "Claims stand in the rules of a policy only: write the value.".to_owned(),
        "and" | "AND" => "Write && for and.".to_owned(),
        "or" | "OR" => "Write || for or.".to_owned(),
        "not" | "NOT" => "Write ! for not, as in !(age == 3).".to_owned(),
        "True" | "TRUE" | "False" | "FALSE" | "Null" | "NULL" | "None" | "nil" | "undefined" => {
            format!("Write true, false or null instead of {name}.")
        }
        _ => {
            let plain = |name: &str| name.replace('_', "").to_lowercase();
            if let Some(field) = FIELDS.iter().find(|field| plain(field) == plain(name)) {
                return format!("There is no field {name:.40}: write {field}.");
            }
            let known = FIELDS[..FIELDS.len() - 1].join(", ");
            format!(
                "There is no field {name:.40}: write {known} or attributes.{name:.40}; put a text \
                 in quotes."
            )
        }
    }
}

/// "there are startsWith, …, matches and size".
pub(super) fn methods() -> String {
    let names: Vec<_> = Method::ALL.iter().map(|method| method.name()).collect();
    match names.split_last() {
        Some((last, others)) => format!("there are {} and {last}", others.join(", ")),
        None => String::new(),
    }
}
