//! Claims of a token in a rule: `claims.team` stands where a literal may. Its value is bound as a
//! value, never as text.

use serde_json::{Map, Value};

use super::lex::Token;
use super::path::{key_behind_dot, key_in_brackets};
use super::tokens::{ClaimBinding, TokenStream};
use crate::filter::check::{Operand, OperandKind};
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::predicate::{Scalar, ScalarRef};

/// The claim after the name `claims`, which has this span.
pub(super) fn claim(tokens: &mut TokenStream<'_>, span: TextSpan) -> Result<Operand, SpannedError> {
    let (mut names, mut end) = (Vec::new(), span);
    loop {
        let (name, name_span) = match tokens.token {
            Token::Dot => {
                let (name, name_span) = key_behind_dot(tokens)?;
                (name.into(), name_span)
            }
            Token::OpenList => key_in_brackets(tokens)?,
            _ => break,
        };
        names.push(name);
        end = name_span;
    }
    let span = span.to(end);
    if names.is_empty() {
        return Err(SpannedError::new(
            span,
            "Name a claim: claims.name or claims[\"any name\"].",
        ));
    }
    let kind = match tokens.claims {
        ClaimBinding::None | ClaimBinding::Any => {
            tokens.named_claims.push(names.into());
            OperandKind::Claim
        }
        ClaimBinding::Of(claims) => bound(tokens, claim_value(claims, &names), span)?,
    };
    Ok(Operand { kind, span })
}

/// The value at the end of these names; null counts as missing.
pub(in crate::filter) fn claim_value<'c>(
    claims: &'c Map<String, Value>,
    names: &[Box<str>],
) -> Option<&'c Value> {
    let (first, others) = names.split_first()?;
    let mut others = others.iter();
    let value = others.try_fold(claims.get(&**first)?, |value, name| value.get(&**name));
    value.filter(|value| !value.is_null())
}

/// A claim's value as the operand that it stands for.
fn bound(
    tokens: &mut TokenStream<'_>,
    value: Option<&Value>,
    span: TextSpan,
) -> Result<OperandKind, SpannedError> {
    let missing = || SpannedError::new(span, "is missing");
    let unfit = || SpannedError::new(span, "has to be a text, a number, true, false or a list");
    let scalar = |value| {
        ScalarRef::from_json(value)
            .map(Scalar::from)
            .ok_or_else(unfit)
    };
    match value.ok_or_else(missing)? {
        Value::Array(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let counted = tokens.count_list_item();
                counted.map_err(|_| SpannedError::new(span, "has too many items"))?;
                list.push((scalar(item)?, span));
            }
            Ok(OperandKind::List(list))
        }
        value => scalar(value).map(OperandKind::Literal),
    }
}
