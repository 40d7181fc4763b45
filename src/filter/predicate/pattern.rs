//! Regular expressions, and the time that a search takes at worst.
//!
//! The *expanded length* of a pattern is the number of its characters and classes, with repetitions
//! written out. A search visits each byte of a text once, with at most so many steps at each. The
//! library takes far fewer for most patterns, but not for all (`[ab]*a[ab]{3000}c`).

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use crate::filter::limits::PATTERN_BYTES_MAX;

/// Texts of one pattern that the index looks up; a pattern with more is not found by its texts.
const REQUIRED_TEXTS_MAX: usize = 8;

/// A regular expression. Patterns of the same text are equal.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    expanded_length: u64,
    required: Box<[Box<str>]>,
}

impl Pattern {
    /// Compiles a pattern in the syntax of the crate regex, to at most [`PATTERN_BYTES_MAX`].
    pub(crate) fn new(text: &str) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build()?;
        let parsed =
            regex_syntax::parse(text).map_err(|error| regex::Error::Syntax(error.to_string()))?;
        let required = required(&parsed).unwrap_or_default().into();
        Ok(Self {
            regex,
            expanded_length: expanded_length(&parsed).max(1),
            required,
        })
    }

    /// Whether the pattern matches anywhere in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Texts of which every match holds at least one; empty if there are no such texts.
    pub(crate) fn required(&self) -> &[Box<str>] {
        &self.required
    }

    pub(crate) const fn expanded_length(&self) -> u64 {
        self.expanded_length
    }

    /// Steps that a search in `text` takes at worst.
    pub(crate) const fn steps(&self, text: &str) -> u64 {
        self.expanded_length.saturating_mul(text.len() as u64)
    }
}

/// The recursion is as deep as `regex_syntax` lets patterns nest.
fn expanded_length(pattern: &Hir) -> u64 {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => expanded_length(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .map(expanded_length)
            .fold(0, u64::saturating_add),
        HirKind::Repetition(repetition) => {
            // `x{3,}` is `xxxx*`.
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1));
            expanded_length(&repetition.sub).saturating_mul(times.into())
        }
    }
}

/// Non-empty texts of which every match holds at least one; at most `REQUIRED_TEXTS_MAX`. The
/// recursion is as deep as `regex_syntax` lets patterns nest.
fn required(pattern: &Hir) -> Option<Vec<Box<str>>> {
    match pattern.kind() {
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.into()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        // A match holds all parts: the part whose shortest text is the longest selects most.
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(required)
            .max_by_key(|texts| texts.iter().map(|text| text.len()).min()),
        HirKind::Alternation(parts) => {
            let mut texts = Vec::new();
            for part in parts {
                texts.extend(required(part)?);
            }
            (texts.len() <= REQUIRED_TEXTS_MAX).then_some(texts)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Repetition(_) => None,
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.regex.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::limits::EXPANDED_LENGTH_MAX;

    #[test]
    fn the_expanded_length_counts_characters_and_classes_with_repetitions_written_out() {
        for (text, count) in [
            ("", 1),
            ("^$", 1),
            ("abc", 3),
            ("(?i)ab", 2),
            ("é", 2),
            (r"\w+@\w+", 5),
            ("a|bc|[d-f]", 4),
            ("(ab){3}", 6),
            ("(ab){3,}", 8),
            ("a{2,5}?", 5),
            ("((a{10}){10}){10}", 1000),
            ("[ab]*a[ab]{3000}c", 3003),
        ] {
            assert_eq!(
                Pattern::new(text).unwrap().expanded_length(),
                count,
                "{text}"
            );
        }
    }

    #[test]
    fn every_match_holds_one_of_the_required_texts() {
        for (text, required) in [
            ("", &[][..]),
            ("abc", &["abc"]),
            ("^abc$", &["abc"]),
            (r"\w+@example\.com", &["@example.com"]),
            ("a.*longer", &["longer"]),
            ("cat|dog", &["cat", "dog"]),
            ("(cat|dog)s?", &["cat", "dog"]),
            ("(x|yy)-(cat|dog)", &["cat", "dog"]),
            ("cat|.*", &[]),
            ("(cat)*", &[]),
            ("(cat){2,}", &["cat"]),
            ("(?i)cat", &[]),
            ("[ab]c", &["c"]),
            ("é+", &["é"]),
            (
                "a1|b2|c3|d4|e5|f6|g7|h8",
                &["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8"],
            ),
            ("a1|b2|c3|d4|e5|f6|g7|h8|i9", &[]),
        ] {
            let pattern = Pattern::new(text).unwrap();
            let found: Vec<&str> = pattern.required().iter().map(|text| &**text).collect();
            assert_eq!(found, required, "{text}");
        }
    }

    #[test]
    fn a_pattern_that_compiles_is_within_the_expanded_length_of_a_filter() {
        let longest = |part: &str| {
            let built = (1..40_000)
                .rev()
                .step_by(97)
                .find_map(|times| Pattern::new(&format!("{part}{{{times}}}")).ok());
            built.expect("few of them fit").expanded_length()
        };
        for part in ["a", "[ab]", ".", "(?:a|bc)"] {
            let length = longest(part);
            assert!(
                (100..EXPANDED_LENGTH_MAX).contains(&length),
                "{part}: {length}"
            );
        }
    }
}
