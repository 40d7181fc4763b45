//! The types of a person's fields: from the two sides of a condition to one that makes sense, or
//! what to write instead.

use super::error::{Fault, Span};
use super::image::Path;
use super::operand::{Operand, OperandKind};
use super::pattern::{PATTERN_BYTES, PLACES, Pattern};
use super::predicate::{Condition, Predicate, Set, TextTest};
use super::scalar::{Number, Relation, Scalar};
use crate::domain::PersonId;

pub(super) const NO_NAME: &str = "Write a name behind the dot; a key that is not one, or is a word \
                                  of the language, as attributes[\"any name\"].";

/// `LEFT == RIGHT` and its like.
pub(super) fn compared(
    left: Operand,
    relation: Relation,
    right: Operand,
) -> Result<Predicate, Fault> {
    use OperandKind::{List, Literal, Path, Size, Test};
    let whole = left.span.to(right.span);
    let condition = match (left.kind, right.kind) {
        (Path(path), Literal(literal)) => {
            Condition::Compared(path.clone(), relation, typed(&path, literal, right.span)?)
        }
        (Literal(literal), Path(path)) => Condition::Compared(
            path.clone(),
            relation.turned(),
            typed(&path, literal, left.span)?,
        ),
        (Size(path), Literal(literal)) => {
            Condition::Size(path, relation, integer(&literal, right.span)?)
        }
        (Literal(literal), Size(path)) => {
            Condition::Size(path, relation.turned(), integer(&literal, left.span)?)
        }
        (List(_), _) => {
            return Err(Fault::new(
                left.span,
                "A list is not compared: write PATH in [...] or LITERAL in PATH.",
            ));
        }
        (_, List(_)) => {
            return Err(Fault::new(
                right.span,
                "A list is not compared: write PATH in [...] or LITERAL in PATH.",
            ));
        }
        (Test(_), _) | (_, Test(_)) => {
            return Err(Fault::new(
                whole,
                "A call is true or false already: leave the comparison out, or put ! before the \
                 call.",
            ));
        }
        (Path(_) | Size(_), Path(_) | Size(_)) => {
            return Err(Fault::new(
                whole,
                "Fields are not compared with each other: write a literal on one side.",
            ));
        }
        (Literal(_), Literal(_)) => {
            return Err(Fault::new(
                whole,
                "This is the same for everyone: write a path, such as age or attributes.city, on \
                 one side.",
            ));
        }
    };
    Ok(Predicate::Condition(condition))
}

/// `LEFT in RIGHT`.
pub(super) fn within(left: Operand, right: Operand) -> Result<Predicate, Fault> {
    use OperandKind::{List, Literal, Path, Size, Test};
    let whole = left.span.to(right.span);
    let condition = match (left.kind, right.kind) {
        (Path(path), List(items)) => {
            let literals = items
                .into_iter()
                .map(|(literal, span)| typed(&path, literal, span));
            let set = Set::new(literals.collect::<Result<_, _>>()?);
            Condition::Among(path, set)
        }
        (Literal(literal), Path(path)) if matches!(path, self::Path::Attribute(_)) => {
            Condition::Holds(path, literal)
        }
        (Literal(_), Path(self::Path::Age)) => {
            return Err(Fault::new(
                whole,
                "age is a number and holds nothing: write age == 30.",
            ));
        }
        (Literal(_), Path(_)) => {
            return Err(Fault::new(
                whole,
                "A text holds no elements: write PATH.contains(\"...\").",
            ));
        }
        (Path(_), Literal(_)) => {
            return Err(Fault::new(
                right.span,
                "Put the literal into a list, PATH in [...], or write ==.",
            ));
        }
        (Path(_) | Size(_), Path(_) | Size(_)) => {
            return Err(Fault::new(
                whole,
                "Fields are not compared with each other: write a literal on the left, or a list \
                 on the right.",
            ));
        }
        (Size(_), _) => {
            return Err(Fault::new(
                whole,
                "A size is compared by == != < <= > >=, joined by && and ||.",
            ));
        }
        (List(_), _) => {
            return Err(Fault::new(
                left.span,
                "A list stands on the right of in: ask for one literal at a time, joined by && or \
                 ||.",
            ));
        }
        (Literal(_), _) => {
            return Err(Fault::new(
                whole,
                "Write a path on one side: PATH in [...] or LITERAL in PATH.",
            ));
        }
        (Test(_), _) | (_, Test(_)) => {
            return Err(Fault::new(
                whole,
                "A call is true or false by itself: leave out the in.",
            ));
        }
    };
    Ok(Predicate::Condition(condition))
}

/// An operand that nothing is compared with.
pub(super) fn alone(operand: Operand) -> Result<Predicate, Fault> {
    let detail = match operand.kind {
        OperandKind::Test(condition) => return Ok(Predicate::Condition(condition)),
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
        OperandKind::List(_) => {
            "A list alone is no condition: write a path before it, PATH in [...]."
        }
    };
    Err(Fault::new(operand.span, detail))
}

/// The literal as it is compared with this path.
fn typed(path: &Path, literal: Scalar, span: Span) -> Result<Scalar, Fault> {
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
    Err(Fault::new(span, detail))
}

/// The literal that a size is compared with.
fn integer(literal: &Scalar, span: Span) -> Result<Number, Fault> {
    match literal {
        Scalar::Number(number @ Number::Integer(_)) => Ok(*number),
        _ => Err(Fault::new(
            span,
            "A size is an integer: compare it with one, as in size(PATH) > 0.",
        )),
    }
}

/// The path, if what stands there can have a size.
pub(super) fn sized(path: Path, span: Span) -> Result<Path, Fault> {
    match path {
        Path::Age => Err(Fault::new(
            span,
            "age is a number and has no size: compare it itself, as in age >= 18.",
        )),
        path => Ok(path),
    }
}

/// `PATH.startsWith("...")` and its like.
pub(super) fn text_test(
    path: &Path,
    span: Span,
    method: &str,
    text: Box<str>,
    argument: Span,
) -> Result<TextTest, Fault> {
    if *path == Path::Age {
        return Err(Fault::new(
            span,
            "age is a number, and this is for texts: compare it, as in age >= 18.",
        ));
    }
    Ok(match method {
        "startsWith" => TextTest::StartsWith(text),
        "endsWith" => TextTest::EndsWith(text),
        "contains" => TextTest::Contains(text),
        _ => TextTest::Matches(
            Pattern::new(&text).map_err(|error| Fault::new(argument, unsuitable(&error)))?,
        ),
    })
}

/// Whether the patterns of a filter have no more places than they may, up to the one that stands
/// there.
pub(super) fn places(places: u64, span: Span) -> Result<(), Fault> {
    if places <= PLACES {
        return Ok(());
    }
    let detail = format!(
        "The patterns of a filter have at most {PLACES} characters and classes in all, repetitions \
         written out; with this one it is {places}: repeat less."
    );
    Err(Fault::new(span, detail))
}

/// What is wrong with a regular expression, in one line.
fn unsuitable(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            format!(
                "Compiled, this pattern is larger than {PATTERN_BYTES} bytes: repeat less, or use \
                 smaller classes (\\d, \\w of ASCII: [0-9], [0-9A-Za-z_])."
            )
        }
        error => {
            // The library shows the pattern and an arrow first; its last line says what is wrong.
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

/// What to write instead of a name that is no field.
pub(super) fn unknown(name: &str) -> String {
    match name {
        "revision" | "createdAt" | "updatedAt" => {
            format!("{name} cannot be asked for: put what you need into attributes.")
        }
        "and" | "AND" => "Write && for and.".to_owned(),
        "or" | "OR" => "Write || for or.".to_owned(),
        "not" | "NOT" => "Write ! for not, as in !(age == 3).".to_owned(),
        "True" | "TRUE" | "False" | "FALSE" | "Null" | "NULL" | "None" | "nil" | "undefined" => {
            format!("Write true, false or null instead of {name}.")
        }
        _ => {
            let fields = ["id", "firstName", "lastName", "age", "job", "attributes"];
            let bare = |name: &str| name.replace('_', "").to_lowercase();
            match fields.iter().find(|field| bare(field) == bare(name)) {
                Some(field) => format!("There is no field {name:.40}: write {field}."),
                None => format!(
                    "There is no field {name:.40}: write id, firstName, lastName, age, job or \
                     attributes.{name:.40}; put a text in quotes."
                ),
            }
        }
    }
}
