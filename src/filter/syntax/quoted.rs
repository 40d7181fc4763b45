//! Texts in quotes, as CEL writes them: in single or double quotes, once or three times, raw after
//! an `r`, else with escapes.

use crate::filter::error::{SpannedError, TextSpan};

/// Reads the text that begins at `start` with its prefix or quote. Returns the text and its length
/// in the source, in bytes.
pub(super) fn read(source: &str, start: usize) -> Result<(String, usize), SpannedError> {
    let rest = &source[start..];
    let raw = rest.starts_with(['r', 'R']);
    let prefix = usize::from(raw);
    let quote = &rest[prefix..=prefix];
    let threefold = rest[prefix..].starts_with(&quote.repeat(3));
    let quotes = if threefold {
        quote.repeat(3)
    } else {
        quote.to_owned()
    };
    let begin = start + prefix + quotes.len();
    let mut text = String::new();
    let mut at = begin;
    loop {
        let rest = &source[at..];
        if rest.starts_with(&quotes) {
            return Ok((text, at + quotes.len() - start));
        }
        match rest.chars().next() {
            None => {
                return Err(SpannedError::new(
                    TextSpan::new(start, source.len()),
                    format!("End the text with {quotes}."),
                ));
            }
            Some('\n' | '\r') if !threefold => {
                return Err(SpannedError::new(
                    TextSpan::new(start, at),
                    format!("End the text with {quotes}; write a line break as \\n."),
                ));
            }
            Some('\\') if !raw => {
                let (char, length) = escape(source, at)?;
                text.push(char);
                at += length;
            }
            Some(char) => {
                text.push(char);
                at += char.len_utf8();
            }
        }
    }
}

/// The character of the escape at `at`, and the length of the escape in bytes.
fn escape(source: &str, at: usize) -> Result<(char, usize), SpannedError> {
    let kind = source[at + 1..].chars().next();
    let simple = match kind {
        Some(same @ ('\\' | '?' | '"' | '\'' | '`')) => Some(same),
        Some('a') => Some('\u{7}'),
        Some('b') => Some('\u{8}'),
        Some('f') => Some('\u{c}'),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some('v') => Some('\u{b}'),
        _ => None,
    };
    if let Some(char) = simple {
        return Ok((char, 2));
    }
    let (skip, digits, radix) = match kind {
        Some('x' | 'X') => (2, 2, 16),
        Some('u') => (2, 4, 16),
        Some('U') => (2, 8, 16),
        Some('0'..='3') => (1, 3, 8),
        other => {
            let end = at + 1 + other.map_or(0, char::len_utf8);
            let detail =
                "There is no such escape: write \\\\ for a backslash, or put r before the text.";
            return Err(SpannedError::new(TextSpan::new(at, end), detail));
        }
    };
    let code = source
        .get(at + skip..at + skip + digits)
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let char = code
        .and_then(|code| u32::from_str_radix(code, radix).ok())
        .and_then(char::from_u32);
    let char = char.ok_or_else(|| {
        let detail =
            "This escape names no character: \\x and two digits, \\u and four, \\U and eight, or \
             three octal ones.";
        SpannedError::new(TextSpan::new(at, at + skip), detail)
    })?;
    Ok((char, skip + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_cel_reads_them() {
        for (written, text) in [
            (r#""a""#, "a"),
            (r"'a\'\x41\u00e9\U0001F600\101\n'", "a'Aé😀A\n"),
            (r#""it's""#, "it's"),
            (
                r#""""two "lines"
 here""""#,
                "two \"lines\"\n here",
            ),
            (r"'''a'b''c'''", "a'b''c"),
            (r"r'\d+\.'", r"\d+\."),
            (r#"R"\""#, r"\"),
            ("''", ""),
            (r#""\a\b\f\r\t\v\\\?\`""#, "\u{7}\u{8}\u{c}\r\t\u{b}\\?`"),
        ] {
            let source = format!("é{written} rest");
            assert_eq!(
                read(&source, 2).unwrap(),
                (text.to_owned(), written.len()),
                "{written}"
            );
        }
    }

    #[test]
    fn unterminated_texts_and_unknown_escapes_are_refused() {
        for written in [
            "\"a",
            "'",
            "'''a''",
            "\"a\nb\"",
            r#""\q""#,
            r#""\u00e""#,
            r#""\ud800""#,
            r#""\U00110000""#,
            r#""\x4é""#,
            "\"\\",
            r#""\08""#,
            r#""\u+041""#,
            r#""\x-1""#,
        ] {
            assert!(read(written, 0).is_err(), "{written}");
        }
    }
}
