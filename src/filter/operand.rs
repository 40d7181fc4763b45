//! The two sides of a condition: literals, lists, paths, and calls on paths.

use super::check;
use super::error::{Fault, Span};
use super::image::Path;
use super::lex::Token;
use super::parse::{LIST_ITEMS, Parser};
use super::predicate::{Condition, TextTest};
use super::scalar::{Number, Scalar};

/// One side of a condition, or a whole one.
pub(super) struct Operand {
    pub(super) kind: OperandKind,
    pub(super) span: Span,
}

pub(super) enum OperandKind {
    Literal(Scalar),
    List(Vec<(Scalar, Span)>),
    Path(Path),
    /// `size(PATH)`.
    Size(Path),
    /// What is true or false by itself.
    Test(Condition),
}

/// What begins with a path.
enum Reached<'t> {
    Path(Path, Span),
    /// `PATH.method(`, up to the parenthesis; the place is that of the method.
    Call(Path, &'t str, Span),
}

const CALLS: &str = "there are startsWith, endsWith, contains, matches and size";

impl<'t> Parser<'t> {
    pub(super) fn operand(&mut self) -> Result<Operand, Fault> {
        let operand = match &self.token {
            Token::Literal(_) | Token::Minus => {
                let (literal, span) = self.literal()?;
                Operand {
                    kind: OperandKind::Literal(literal),
                    span,
                }
            }
            Token::OpenList => self.list()?,
            Token::Name(_) => self.named()?,
            Token::End => {
                return Err(
                    self.fault("Something is missing here: write a condition, such as age >= 18.")
                );
            }
            Token::Open => {
                return Err(self
                    .fault("A side of a comparison stands without parentheses: leave them out."));
            }
            Token::Not => {
                return Err(
                    self.fault("A comparison is negated as a whole: write !(...) around it.")
                );
            }
            _ => {
                return Err(
                    self.fault("Write a path, such as age or attributes.city, or a literal here.")
                );
            }
        };
        match self.token {
            Token::Dot => Err(self.fault(
                "Only a path goes on with a dot: write PATH.contains(\"...\") or PATH == LITERAL.",
            )),
            Token::OpenList => Err(self.fault(
                "Nothing is taken out of this: write LITERAL in PATH, or PATH in [LITERAL].",
            )),
            _ => Ok(operand),
        }
    }

    /// A literal, with its sign.
    fn literal(&mut self) -> Result<(Scalar, Span), Fault> {
        let (token, span) = self.advance()?;
        match token {
            Token::Literal(literal) => return Ok((literal, span)),
            Token::Minus => {}
            _ => {
                return Err(Fault::new(
                    span,
                    "Write a literal here: a text in quotes, a number, true, false or null.",
                ));
            }
        }
        let (token, digits) = self.advance()?;
        let span = span.to(digits);
        let Token::Literal(Scalar::Number(number)) = token else {
            return Err(Fault::new(
                span,
                "Nothing is calculated here: a minus stands before a number only.",
            ));
        };
        let negative = number.negated();
        if matches!(negative, Number::Integer(value) if i64::try_from(value).is_err())
            && self.is_integer(digits)
        {
            return Err(Fault::new(
                span,
                "Write an integer that 64 bits can hold; attributes hold no others either.",
            ));
        }
        Ok((Scalar::Number(negative), span))
    }

    fn is_integer(&self, span: Span) -> bool {
        let text = self.text(span);
        text.starts_with("0x") || text.starts_with("0X") || !text.contains(['.', 'e', 'E'])
    }

    fn list(&mut self) -> Result<Operand, Fault> {
        let (_, open) = self.advance()?;
        let mut items = Vec::new();
        while self.token != Token::CloseList {
            if matches!(self.token, Token::Name(_)) {
                return Err(self.fault(
                    "A list holds literals only: compare the fields one by one, joined by ||.",
                ));
            }
            if self.list_items == LIST_ITEMS {
                return Err(self.fault(format!(
                    "A filter has at most {LIST_ITEMS} list items in all: shorten its lists."
                )));
            }
            self.list_items += 1;
            items.push(self.literal()?);
            match self.token {
                Token::Comma => drop(self.advance()?),
                Token::CloseList => {}
                _ => {
                    return Err(
                        self.fault("Separate the items of a list by commas, and end it with ].")
                    );
                }
            }
        }
        let (_, close) = self.advance()?;
        Ok(Operand {
            kind: OperandKind::List(items),
            span: open.to(close),
        })
    }

    /// What begins with a name: a path, a call on one, `size(PATH)`, `has(PATH)`.
    fn named(&mut self) -> Result<Operand, Fault> {
        let (token, span) = self.advance()?;
        let Token::Name(name) = token else {
            return Err(Fault::new(span, "Write a path here."));
        };
        if self.token == Token::Open {
            return self.function(name, span);
        }
        match self.path(name, span)? {
            Reached::Path(path, span) => Ok(Operand {
                kind: OperandKind::Path(path),
                span,
            }),
            Reached::Call(path, method, place) => self.method(path, span, method, place),
        }
    }

    /// `size(PATH)` and `has(attributes.x)`, behind the name.
    fn function(&mut self, name: &str, span: Span) -> Result<Operand, Fault> {
        if !matches!(name, "size" | "has") {
            let detail = match name {
                "startsWith" | "endsWith" | "contains" | "matches" => {
                    format!("Write PATH.{name}(\"...\").")
                }
                "not" | "NOT" => check::unknown(name),
                _ => format!(
                    "There is no function {name:.40}; {CALLS}, behind a path, and \
                     has(attributes.x)."
                ),
            };
            return Err(Fault::new(span, detail));
        }
        self.advance()?;
        let (token, begin) = self.advance()?;
        let Token::Name(root) = token else {
            return Err(Fault::new(
                begin,
                format!("Write a path here, as in {name}(attributes.x)."),
            ));
        };
        let Reached::Path(path, place) = self.path(root, begin)? else {
            return Err(self.fault(format!(
                "Write a path and nothing else, as in {name}(attributes.x)."
            )));
        };
        let by_index = self.text(place).ends_with(']');
        let close = self.close()?;
        let span = span.to(close);
        let kind = match (name, &path) {
            ("size", _) => OperandKind::Size(check::sized(path, place)?),
            (_, Path::Attribute(_)) if by_index => {
                let detail = "has() takes a name behind a dot: of this value write PATH == null || \
                              PATH != null.";
                return Err(Fault::new(place, detail));
            }
            (_, Path::Attribute(_)) => OperandKind::Test(Condition::Has(path)),
            _ => {
                return Err(Fault::new(
                    place,
                    "This is never missing: has() is for attributes, as in has(attributes.x).",
                ));
            }
        };
        Ok(Operand { kind, span })
    }

    /// The rest of a path that begins with `root`.
    fn path(&mut self, root: &str, span: Span) -> Result<Reached<'t>, Fault> {
        let known = match root {
            "id" => Some(Path::Id),
            "firstName" => Some(Path::FirstName),
            "lastName" => Some(Path::LastName),
            "age" => Some(Path::Age),
            "job" => Some(Path::Job),
            "attributes" => None,
            _ => return Err(Fault::new(span, check::unknown(root))),
        };
        let mut keys: Vec<Box<str>> = Vec::new();
        let mut end = span;
        loop {
            match self.token {
                Token::Dot => {
                    self.advance()?;
                    let (token, place) = self.advance()?;
                    let Token::Name(name) = token else {
                        return Err(Fault::new(place, check::NO_NAME));
                    };
                    if self.token == Token::Open {
                        let path = finished(known, keys, span.to(end))?;
                        return Ok(Reached::Call(path, name, place));
                    }
                    if known.is_some() {
                        let detail = format!(
                            "{root} has nothing inside it: compare it itself, or call a method: \
                             {CALLS}."
                        );
                        return Err(Fault::new(place, detail));
                    }
                    keys.push(name.into());
                    end = place;
                }
                Token::OpenList if known.is_none() => {
                    self.advance()?;
                    keys.push(self.key()?);
                    if self.token != Token::CloseList {
                        return Err(self.fault("End the key with ]."));
                    }
                    end = self.advance()?.1;
                }
                _ => {
                    return Ok(Reached::Path(
                        finished(known, keys, span.to(end))?,
                        span.to(end),
                    ));
                }
            }
        }
    }

    /// The key between brackets.
    fn key(&mut self) -> Result<Box<str>, Fault> {
        let (token, span) = self.advance()?;
        match token {
            Token::Literal(Scalar::Text(key)) => Ok(key),
            Token::Literal(Scalar::Number(_)) | Token::Minus => Err(Fault::new(
                span,
                "Elements of a list have no path: write LITERAL in PATH.",
            )),
            _ => Err(Fault::new(
                span,
                "Write the key as a text in quotes, as in attributes[\"any name\"].",
            )),
        }
    }

    /// `PATH.method(...)`, behind the name of the method.
    fn method(
        &mut self,
        path: Path,
        start: Span,
        name: &str,
        place: Span,
    ) -> Result<Operand, Fault> {
        let detail = match name {
            "startsWith" | "endsWith" | "contains" | "matches" | "size" => None,
            "all" | "exists" | "exists_one" | "existsOne" | "map" | "filter" => Some(format!(
                "The macro {name} is not served: of a list, ask LITERAL in PATH."
            )),
            _ => Some(format!("There is no method {name:.40}: {CALLS}.")),
        };
        if let Some(detail) = detail {
            return Err(Fault::new(place, detail));
        }
        self.advance()?;
        if name == "size" {
            let path = check::sized(path, start.to(place))?;
            return Ok(Operand {
                kind: OperandKind::Size(path),
                span: start.to(self.close()?),
            });
        }
        let (token, argument) = self.advance()?;
        let Token::Literal(Scalar::Text(part)) = token else {
            return Err(Fault::new(
                argument,
                format!("Write a text in quotes here, as in PATH.{name}(\"...\")."),
            ));
        };
        let test = check::text_test(&path, start.to(place), name, part, argument)?;
        if let TextTest::Matches(pattern) = &test {
            self.places += pattern.places();
            check::places(self.places, argument)?;
        }
        let span = start.to(self.close()?);
        Ok(Operand {
            kind: OperandKind::Test(Condition::Text(path, test)),
            span,
        })
    }

    /// The parenthesis that ends a call.
    fn close(&mut self) -> Result<Span, Fault> {
        if self.token != Token::Close {
            return Err(
                self.fault("End the call here with a parenthesis: it takes one argument at most.")
            );
        }
        Ok(self.advance()?.1)
    }
}

/// The path; `attributes` alone is none.
fn finished(known: Option<Path>, keys: Vec<Box<str>>, span: Span) -> Result<Path, Fault> {
    match known {
        Some(path) => Ok(path),
        None if keys.is_empty() => Err(Fault::new(
            span,
            "Name a value inside: attributes.name or attributes[\"any name\"].",
        )),
        None => Ok(Path::Attribute(keys.into())),
    }
}
