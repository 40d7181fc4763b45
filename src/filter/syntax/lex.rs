//! The tokens of a filter's text: the lexical grammar of CEL (cel.dev). Each token comes with its
//! span.

use super::quoted;
use crate::filter::error::{SpannedError, TextSpan};
use crate::filter::predicate::{Number, Operator, Scalar};

/// A token. After the last one the lexer returns [`Token::End`] each time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    Name(&'t str),
    Literal(Scalar),
    Operator(Operator),
    In,
    And,
    Or,
    Not,
    Minus,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dot,
    End,
}

/// Reads tokens from left to right.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// Tokens of fixed text. A text that begins another comes after it.
const SYMBOLS: [(&str, Token<'static>); 16] = [
    ("==", Token::Operator(Operator::Equal)),
    ("!=", Token::Operator(Operator::Unequal)),
    ("<=", Token::Operator(Operator::LessOrEqual)),
    (">=", Token::Operator(Operator::GreaterOrEqual)),
    ("&&", Token::And),
    ("||", Token::Or),
    ("<", Token::Operator(Operator::Less)),
    (">", Token::Operator(Operator::Greater)),
    ("!", Token::Not),
    ("-", Token::Minus),
    ("(", Token::Open),
    (")", Token::Close),
    ("[", Token::OpenList),
    ("]", Token::CloseList),
    (",", Token::Comma),
    (".", Token::Dot),
];

impl<'t> Lexer<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn text(&self, span: TextSpan) -> &'t str {
        &self.text[span.start..span.end]
    }

    /// The next token and its span.
    pub(super) fn next(&mut self) -> Result<(Token<'t>, TextSpan), SpannedError> {
        self.skip_blank();
        let start = self.at;
        let rest = &self.text[start..];
        let mut bytes = rest.bytes();
        let (first, second) = (bytes.next(), bytes.next());
        let token = match (first, second) {
            (None, _) => Token::End,
            (Some(b'0'..=b'9'), _) | (Some(b'.'), Some(b'0'..=b'9')) => self.number()?,
            (Some(b'"' | b'\''), _) | (Some(b'r' | b'R'), Some(b'"' | b'\'')) => {
                let (text, length) = quoted::read(self.text, start)?;
                self.at += length;
                Token::Literal(Scalar::Text(text.into()))
            }
            (Some(b'b' | b'B'), Some(b'"' | b'\'')) => {
                return Err(SpannedError::new(
                    TextSpan::new(start, start + 1),
                    "A filter has no bytes: write a text, without the b.",
                ));
            }
            (Some(b'a'..=b'z' | b'A'..=b'Z' | b'_'), _) => self.word(),
            _ => self.symbol()?,
        };
        Ok((token, TextSpan::new(start, self.at)))
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.len()
                - rest
                    .trim_start_matches([' ', '\t', '\n', '\r', '\u{c}'])
                    .len();
            self.at += blank;
            if self.text[self.at..].starts_with("//") {
                self.at += self.text[self.at..]
                    .find('\n')
                    .unwrap_or(self.text.len() - self.at);
            } else if blank == 0 {
                return;
            }
        }
    }

    /// The number of bytes from `start` on that are of one kind.
    fn run(&self, start: usize, is_of_kind: impl Fn(&u8) -> bool) -> usize {
        self.text.as_bytes()[start..]
            .iter()
            .take_while(|byte| is_of_kind(byte))
            .count()
    }

    fn word(&mut self) -> Token<'t> {
        let start = self.at;
        self.at += self.run(start, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        match &self.text[start..self.at] {
            "true" => Token::Literal(Scalar::Bool(true)),
            "false" => Token::Literal(Scalar::Bool(false)),
            "null" => Token::Literal(Scalar::Null),
            "in" => Token::In,
            name => Token::Name(name),
        }
    }

    fn number(&mut self) -> Result<Token<'t>, SpannedError> {
        let start = self.at;
        let hexadecimal =
            self.text[start..].starts_with("0x") || self.text[start..].starts_with("0X");
        let integer = if hexadecimal {
            let digits = start + 2..start + 2 + self.run(start + 2, u8::is_ascii_hexdigit);
            self.at = digits.end;
            Some(u64::from_str_radix(&self.text[digits], 16).ok())
        } else {
            self.at += self.run(start, u8::is_ascii_digit);
            let whole = self.at;
            self.fraction();
            (self.at == whole).then(|| self.text[start..whole].parse::<u64>().ok())
        };
        let span = TextSpan::new(start, self.at);
        let Some(integer) = integer else {
            let double = self.text[start..self.at]
                .parse::<f64>()
                .ok()
                .filter(|double| double.is_finite());
            let double = double.ok_or_else(|| {
                SpannedError::new(
                    span,
                    "Write a number that a double can hold (below 1.8e308).",
                )
            })?;
            return Ok(Token::Literal(Scalar::Number(Number::from_f64(double))));
        };
        if self.text[self.at..].starts_with(['u', 'U']) {
            self.at += 1;
        }
        let integer = integer.ok_or_else(|| {
            SpannedError::new(
                span,
                "Write an integer that 64 bits can hold; attributes hold no others either.",
            )
        })?;
        Ok(Token::Literal(Scalar::Number(Number::Integer(
            integer.into(),
        ))))
    }

    /// Skips the parts that make a number a double: `.5`, `e3`.
    fn fraction(&mut self) {
        if self.text[self.at..].starts_with('.') {
            let digits = self.run(self.at + 1, u8::is_ascii_digit);
            self.at += if digits == 0 { 0 } else { 1 + digits };
        }
        if self.text[self.at..].starts_with(['e', 'E']) {
            let sign = usize::from(self.text[self.at + 1..].starts_with(['+', '-']));
            let digits = self.run(self.at + 1 + sign, u8::is_ascii_digit);
            self.at += if digits == 0 { 0 } else { 1 + sign + digits };
        }
    }

    fn symbol(&mut self) -> Result<Token<'t>, SpannedError> {
        let rest = &self.text[self.at..];
        let known = SYMBOLS
            .into_iter()
            .find(|(symbol, _)| rest.starts_with(symbol));
        if let Some((symbol, token)) = known {
            self.at += symbol.len();
            return Ok(token);
        }
        let first = rest.chars().next().unwrap_or_default();
        let detail = match first {
            '=' => "Write == to compare.".to_owned(),
            '&' => "Write && for and.".to_owned(),
            '|' => "Write || for or.".to_owned(),
            '?' | ':' => "A choice (? :) is not served: write (a && b) || (!a && c).".to_owned(),
            '+' | '*' | '/' | '%' => {
                "Nothing is calculated here: write the result as a literal.".to_owned()
            }
            '{' | '}' => {
                "Objects cannot be written: compare their values, such as attributes.a.b == 1."
                    .to_owned()
            }
            '`' => "Write a key of an unusual name as attributes[\"any name\"].".to_owned(),
            '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
                "Write texts in straight quotes: \"...\" or '...'.".to_owned()
            }
            '≤' | '≥' | '≠' => "Write <=, >= or !=.".to_owned(),
            other => format!(
                "{other:?} means nothing outside a text: put texts in quotes, and unusual keys as \
                 attributes[\"any name\"]."
            ),
        };
        Err(SpannedError::new(
            TextSpan::new(self.at, self.at + first.len_utf8()),
            detail,
        ))
    }
}
