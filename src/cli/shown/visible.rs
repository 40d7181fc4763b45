//! Texts fit to be shown in a terminal. Users name people, not us, so their characters must neither
//! steer the terminal, nor turn around or hide what stands beside them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is written as its number: controls, formats (marks of direction, tags, the byte order
/// mark), separators of lines and paragraphs, and what has no width. Not the joiners and selectors,
/// without which Persian, Hindi and many emoji are written wrongly, nor the signs that enclose
/// Arabic numbers, which are seen.
static UNSEEN: LazyLock<Regex> = LazyLock::new(|| {
    let unseen = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]";
    let harmless = r"[\u{200c}\u{200d}\p{Variation_Selector}\p{Prepended_Concatenation_Mark}]";
    Regex::new(&format!("[{unseen}--{harmless}]")).expect("a class of characters")
});

/// The text in one line, with everything escaped that could steer a terminal.
pub(in crate::cli) fn visible(text: &str) -> Cow<'_, str> {
    UNSEEN.replace_all(text, |found: &Captures<'_>| escaped(&found[0]))
}

/// As [`visible`], but line feeds and tabs stay: the text has lines of its own.
pub(in crate::cli) fn visible_lines(text: &str) -> Cow<'_, str> {
    UNSEEN.replace_all(text, |found: &Captures<'_>| match &found[0] {
        blank @ ("\n" | "\t") => blank.to_owned(),
        unseen => escaped(unseen),
    })
}

/// JSON that means the same: escaped as JSON does it. White space between its tokens stays.
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

/// Whether a terminal is not to have the character as it is.
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

    /// What a terminal obeys, what turns texts around, and what hides.
    const UNFIT: [char; 22] = [
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
    fn what_is_unfit_is_written_as_its_number_and_the_rest_stays() {
        for c in UNFIT {
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
        fn json_means_the_same_and_has_nothing_unfit(
            text in any::<String>(),
            more in proptest::collection::vec(0..UNFIT.len(), 0..4),
        ) {
            let more = more.into_iter().map(|index| UNFIT[index]);
            let text: String = text.chars().chain(more).collect();
            let json = serde_json::json!({ (text.clone()): [text] });
            let shown = visible_json(&json.to_string()).into_owned();
            prop_assert!(!shown.chars().any(is_unseen), "{}", shown);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        }
    }
}
