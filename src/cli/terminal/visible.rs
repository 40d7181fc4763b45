//! Makes texts of users safe for a terminal: their characters must not control it, nor reverse or
//! hide the text beside them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The characters that are written as their numbers: controls, formats (direction marks, tags, the
/// byte order mark), line and paragraph separators, and characters without width. Excluded are the
/// joiners and selectors that Persian, Hindi and many emoji need, and the visible signs around
/// Arabic numbers.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    let unseen = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]";
    let harmless = r"[\u{200c}\u{200d}\p{Variation_Selector}\p{Prepended_Concatenation_Mark}]";
    Regex::new(&format!("[{unseen}--{harmless}]")).expect("the pattern is a character class")
});

/// The text in one line, with all unseen characters escaped.
pub(in crate::cli) fn visible(text: &str) -> Cow<'_, str> {
    UNSEEN.replace_all(text, |found: &Captures<'_>| escaped(&found[0]))
}

/// As [`visible`], but keeps line feeds and tabs, for a text of several lines.
pub(in crate::cli) fn visible_lines(text: &str) -> Cow<'_, str> {
    UNSEEN.replace_all(text, |found: &Captures<'_>| match &found[0] {
        blank @ ("\n" | "\t") => blank.to_owned(),
        unseen => escaped(unseen),
    })
}

/// As [`visible`], with JSON's escapes, so that the value is the same. Keeps white space between
/// tokens.
pub(in crate::cli) fn visible_json(json: &str) -> Cow<'_, str> {
    UNSEEN.replace_all(json, |found: &Captures<'_>| match &found[0] {
        blank @ ("\n" | "\r" | "\t") => blank.to_owned(),
        unseen => unseen
            .encode_utf16()
            .fold(String::new(), |mut escaped, unit| {
                write!(escaped, "\\u{unit:04x}").expect("a String takes all that is written to it");
                escaped
            }),
    })
}

/// Whether a terminal must not get the character itself.
pub(in crate::cli) fn is_unseen(c: char) -> bool {
    UNSEEN.is_match(c.encode_utf8(&mut [0; 4]))
}

fn escaped(text: &str) -> String {
    text.escape_unicode().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Characters that control a terminal, reverse texts, or hide.
    const UNSAFE: [char; 22] = [
        '\u{0}',
        '\u{7}',
        '\u{1b}',
        '\r',
        '\u{7f}',
        '\u{85}',
        '\u{9b}',
        '\u{9d}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200e}',
        '\u{2028}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{3164}',
        '\u{feff}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
    ];

    #[test]
    fn unsafe_characters_are_written_as_their_numbers_and_others_stay() {
        for c in UNSAFE {
            let text = format!("a{c}b");
            let shown = format!("a\\u{{{:x}}}b", u32::from(c));
            assert_eq!(
                (visible(&text), visible_lines(&text)),
                (shown.as_str().into(), shown.as_str().into())
            );
        }
        assert_eq!(
            (visible("a\tb\n"), visible_lines("a\tb\n")),
            ("a\\u{9}b\\u{a}".into(), "a\tb\n".into())
        );
        for text in [
            "Zoë",
            "e\u{301}",
            "東京",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "葛\u{e0100}城",
            "\\u{1b}",
            "\u{600}1",
        ] {
            assert!(
                matches!(visible(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn visible_json_has_the_same_value_and_no_unsafe_character(
            text in any::<String>(),
            more in proptest::collection::vec(0..UNSAFE.len(), 0..4),
        ) {
            let more = more.into_iter().map(|index| UNSAFE[index]);
            let text: String = text.chars().chain(more).collect();
            let json = serde_json::json!({ (text.clone()): [text] });
            let shown = visible_json(&json.to_string()).into_owned();
            prop_assert!(!shown.chars().any(is_unseen), "{}", shown);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        }
    }
}
