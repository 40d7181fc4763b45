//! The type check: makes a condition of its two sides if their types fit, else says what to write
//! instead.

mod method;
mod operand;

use super::error::{SpannedError, TextSpan};
use super::limits::PATTERN_BYTES_MAX;
use super::predicate::{
    Condition, LiteralSet, Number, Operator, Path, Predicate, Scalar, TextTest,
};
use crate::domain::PersonId;

pub(super) use method::Signature;
pub use method::{Function, Method};
pub(crate) use operand::{Operand, OperandKind};

/// The condition with a claim whose value is not known yet.
const UNKNOWN: Predicate = Predicate::Constant(true);

/// `LEFT == RIGHT` and the other comparisons.
pub(super) fn comparison(
    left: Operand,
    operator: Operator,
    right: Operand,
) -> Result<Predicate, SpannedError> {
    use OperandKind::{Claim, List, Literal, Path, Size};
    let whole = left.span.to(right.span);
    let condition = match (left.kind, right.kind) {
        (Path(_) | Size(_), Claim) | (Claim, Path(_) | Size(_)) => return Ok(UNKNOWN),
        (Path(path), Literal(literal)) => {
            let literal = literal_for(&path, literal, right.span)?;
            Condition::Compare(path, operator, literal)
        }
        (Literal(literal), Path(path)) => {
            let literal = literal_for(&path, literal, left.span)?;
            Condition::Compare(path, operator.flipped(), literal)
        }
        (Size(path), Literal(literal)) => {
            Condition::Size(path, operator, integer(&literal, right.span)?)
        }
        (Literal(literal), Size(path)) => {
            Condition::Size(path, operator.flipped(), integer(&literal, left.span)?)
        }
        (List(_), _) => {
            return Err(SpannedError::new(
                left.span,
                "A list is not compared: write PATH in [...] or LITERAL in PATH.",
            ));
        }
        (_, List(_)) => {
            return Err(SpannedError::new(
                right.span,
                "A list is not compared: write PATH in [...] or LITERAL in PATH.",
            ));
        }
        (OperandKind::Condition(_), _) | (_, OperandKind::Condition(_)) => {
            return Err(SpannedError::new(
                whole,
                "A call is true or false already: leave the comparison out, or put ! before the \
                 call.",
            ));
        }
        (Path(_) | Size(_), Path(_) | Size(_)) => {
            return Err(SpannedError::new(
                whole,
                "Fields are not compared with each other: write a literal on one side.",
            ));
        }
        (Literal(_) | Claim, Literal(_) | Claim) => {
            return Err(SpannedError::new(
                whole,
                "This is the same for everyone: write a path, such as age or attributes.city, on \
                 one side.",
            ));
        }
    };
    Ok(Predicate::Condition(condition))
}

/// `LEFT in RIGHT`.
pub(super) fn membership(left: Operand, right: Operand) -> Result<Predicate, SpannedError> {
    use OperandKind::{Claim, List, Literal, Path, Size};
    let whole = left.span.to(right.span);
    let condition = match (left.kind, right.kind) {
        (Path(_), Claim) | (Claim, Path(self::Path::Attribute(_))) => return Ok(UNKNOWN),
        (Path(path), List(items)) => {
            let literals = items
                .into_iter()
                .map(|(literal, span)| literal_for(&path, literal, span));
            let set = LiteralSet::new(literals.collect::<Result<_, _>>()?);
            Condition::In(path, set)
        }
        (Literal(literal), Path(path)) if matches!(path, self::Path::Attribute(_)) => {
            Condition::Holds(path, literal)
        }
        (Literal(_) | Claim, Path(self::Path::Age)) => {
            return Err(SpannedError::new(
                whole,
                "age is a number and holds nothing: write age == 30.",
            ));
        }
        (Literal(_) | Claim, Path(_)) => {
            return Err(SpannedError::new(
                whole,
                "A text holds no elements: write PATH.contains(\"...\").",
            ));
        }
        (Path(_), Literal(_)) => {
            return Err(SpannedError::new(
                right.span,
                "Put the literal into a list, PATH in [...], or write ==.",
            ));
        }
        (Path(_) | Size(_), Path(_) | Size(_)) => {
            return Err(SpannedError::new(
                whole,
                "Fields are not compared with each other: write a literal on the left, or a list \
                 on the right.",
            ));
        }
        (Size(_), _) => {
            return Err(SpannedError::new(
                whole,
                "A size is compared by == != < <= > >=, joined by && and ||.",
            ));
        }
        (List(_), _) => {
            return Err(SpannedError::new(
                left.span,
                "A list goes on the right of in: compare one literal at a time, joined by && or \
                 ||.",
            ));
        }
        (Literal(_) | Claim, _) => {
            return Err(SpannedError::new(
                whole,
                "Write a path on one side: PATH in [...] or LITERAL in PATH.",
            ));
        }
        (OperandKind::Condition(_), _) | (_, OperandKind::Condition(_)) => {
            return Err(SpannedError::new(
                whole,
                "A call is true or false by itself: leave out the in.",
            ));
        }
    };
    Ok(Predicate::Condition(condition))
}

/// An operand that is a whole condition.
pub(super) fn single(operand: Operand) -> Result<Predicate, SpannedError> {
    let detail = match operand.kind {
        OperandKind::Condition(condition) => return Ok(Predicate::Condition(condition)),
        OperandKind::Literal(Scalar::Bool(value)) => return Ok(Predicate::Constant(value)),
        OperandKind::Path(Path::Attribute(_)) => {
            "An attribute alone is no condition: write == true behind it, or has(...) around it."
        }
        OperandKind::Path(Path::Age) => {
            "A field alone is no condition: compare it, as in age >= 18."
        }
        OperandKind::Path(_) => {
            "A field alone is no condition: compare it, as in job == \"Engineer\"."
        }
        OperandKind::Size(_) => {
            "A size alone is no condition: compare it with an integer, as in size(PATH) > 0."
        }
        OperandKind::Literal(_) => {
            "A literal alone is no condition: compare a path with it, as in PATH == LITERAL."
        }
        OperandKind::Claim => {
            "A claim alone is no condition: compare a path with it, as in PATH == claims.name."
        }
        OperandKind::List(_) => {
            "A list alone is no condition: write a path before it, PATH in [...]."
        }
    };
    Err(SpannedError::new(operand.span, detail))
}

/// The literal in the form in which the value at `path` is compared with it; an error if their
/// types differ.
fn literal_for(path: &Path, literal: Scalar, span: TextSpan) -> Result<Scalar, SpannedError> {
    let detail = match (path, literal) {
        (Path::Attribute(_), any) => return Ok(any),
        (Path::Age, number @ Scalar::Number(_)) => return Ok(number),
        (Path::FirstName | Path::LastName | Path::Job, text @ Scalar::Text(_)) => return Ok(text),
        (Path::Id, Scalar::Text(text)) => match text.parse::<PersonId>() {
            Ok(id) => return Ok(Scalar::Text(id.to_string().into())),
            Err(error) => {
                format!(
                    "Compare the id with a whole one: {error}. For a part of it write \
                     id.startsWith(\"...\")."
                )
            }
        },
        (_, Scalar::Null) => {
            "This is never null: compare it with a value, or leave the condition out.".to_owned()
        }
        (Path::Age, Scalar::Text(text)) if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            format!("age is a number: write {} without quotes.", text.trim())
        }
        (Path::Age, _) => "age is a number: compare it with one, as in age == 30.".to_owned(),
        (Path::Id, _) => "id is a UUID: write it in quotes.".to_owned(),
        (Path::FirstName | Path::LastName | Path::Job, _) => {
            "This field is a text: compare it with one in quotes, as in job == \"Engineer\"."
                .to_owned()
        }
    };
    Err(SpannedError::new(span, detail))
}

/// The literal that a size is compared with; an error if it is no integer.
fn integer(literal: &Scalar, span: TextSpan) -> Result<Number, SpannedError> {
    match literal {
        Scalar::Number(number @ Number::Integer(_)) => Ok(*number),
        _ => Err(SpannedError::new(
            span,
            "A size is an integer: compare it with one, as in size(PATH) > 0.",
        )),
    }
}

/// The path of a value that may have a size.
pub(super) fn sized(path: Path, span: TextSpan) -> Result<Path, SpannedError> {
    match path {
        Path::Age => Err(SpannedError::new(
            span,
            "age is a number and has no size: compare it itself, as in age >= 18.",
        )),
        path => Ok(path),
    }
}

/// `PATH.startsWith("...")` and the other methods with a text: `new` makes the test of the
/// argument.
pub(super) fn text_test(
    path: &Path,
    span: TextSpan,
    new: fn(Box<str>) -> Result<TextTest, regex::Error>,
    argument: Box<str>,
    argument_span: TextSpan,
) -> Result<TextTest, SpannedError> {
    if *path == Path::Age {
        return Err(SpannedError::new(
            span,
            "age is a number, and this is for texts: compare it, as in age >= 18.",
        ));
    }
    new(argument).map_err(|error| SpannedError::new(argument_span, pattern_error(&error)))
}

/// `has(PATH)`; `span` is that of the path.
pub(super) fn presence(path: Path, span: TextSpan) -> Result<Condition, SpannedError> {
    match path {
        Path::Attribute(_) => Ok(Condition::Has(path)),
        Path::Id | Path::FirstName | Path::LastName | Path::Age | Path::Job => {
            Err(SpannedError::new(
                span,
                "This is never missing: has() is for attributes, as in has(attributes.x).",
            ))
        }
    }
}

/// What is wrong with a regular expression, in one line.
fn pattern_error(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            format!(
                "Compiled, this pattern is larger than {PATTERN_BYTES_MAX} bytes: repeat less, or \
                 use smaller classes (\\d, \\w of ASCII: [0-9], [0-9A-Za-z_])."
            )
        }
        error => {
            // The library shows the pattern and an arrow first; the last line has the reason.
            let text = error.to_string();
            let last = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            format!("This is no regular expression (syntax of the Rust crate regex): {last}.")
        }
    }
}
