//! Regular expressions, and how long a search can take at worst.
//!
//! A search visits each byte of a text once, and on each at most every *place* of the pattern: an
//! occurrence of a character or class, repetitions written out. The library does far better where
//! it can, but a pattern can be made so that it cannot (`[ab]*a[ab]{3000}c`).

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

/// Bytes of one compiled regular expression, and of what a search may keep beside it.
pub(super) const PATTERN_BYTES: usize = 256 * 1024;
/// Places of all patterns of a filter. One that compiles has fewer: a place takes more than sixteen
/// bytes.
pub(super) const PLACES: u64 = 16 * 1024;

/// Texts of which a pattern may need one, so that it is found by them.
const MOST_REQUIRED: usize = 8;

/// A regular expression. Those of one text are equal.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    places: u64,
    required: Box<[Box<str>]>,
}

impl Pattern {
    /// Compiles it: the syntax of the crate regex.
    pub(super) fn new(text: &str) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build()?;
        let parsed =
            regex_syntax::parse(text).map_err(|error| regex::Error::Syntax(error.to_string()))?;
        let required = required(&parsed).unwrap_or_default().into();
        Ok(Self {
            regex,
            places: places(&parsed).max(1),
            required,
        })
    }

    /// Whether it is found anywhere.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Texts of which one is in every text in which it is found; none where that is not known.
    pub(super) fn required(&self) -> &[Box<str>] {
        &self.required
    }

    pub(super) const fn places(&self) -> u64 {
        self.places
    }

    /// Steps of a search in `text` at worst.
    pub(super) const fn steps(&self, text: &str) -> u64 {
        self.places.saturating_mul(text.len() as u64)
    }
}

/// Recursion ends at the depth that the parser allows.
fn places(pattern: &Hir) -> u64 {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(places).fold(0, u64::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            // `x{3,}` is `xxxx*`.
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1));
            places(&repetition.sub).saturating_mul(times.into())
        }
    }
}

/// Texts of which one is in every match, `MOST_REQUIRED` at most, none of them empty. Recursion
/// ends at the depth that the parser allows.
fn required(pattern: &Hir) -> Option<Vec<Box<str>>> {
    match pattern.kind() {
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.into()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        // Of several that must all be there, the one whose shortest text is the longest.
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(required)
            .max_by_key(|texts| texts.iter().map(|text| text.len()).min()),
        HirKind::Alternation(parts) => {
            let mut texts = Vec::new();
            for part in parts {
                texts.extend(required(part)?);
            }
            (texts.len() <= MOST_REQUIRED).then_some(texts)
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

    #[test]
    fn places_are_characters_and_classes_with_repetitions_written_out() {
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
            assert_eq!(Pattern::new(text).unwrap().places(), count, "{text}");
        }
    }

    #[test]
    fn a_pattern_needs_one_of_these_texts() {
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
    fn what_compiles_has_fewer_places_than_a_filter_may_have() {
        let longest = |part: &str| {
            let built = (1..40_000)
                .rev()
                .step_by(97)
                .find_map(|times| Pattern::new(&format!("{part}{{{times}}}")).ok());
            built.expect("few of them fit").places()
        };
        for part in ["a", "[ab]", ".", "(?:a|bc)"] {
            let places = longest(part);
            assert!((100..PLACES).contains(&places), "{part}: {places}");
        }
    }
}
