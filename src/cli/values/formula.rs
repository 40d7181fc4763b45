//! Cells that a spreadsheet would take for formulas: an apostrophe before them makes them texts
//! again (OWASP, "CSV Injection"), and taking it away gives back what was there.

use std::borrow::Cow;

/// With an apostrophe in front where the text, behind apostrophes of its own, begins as a formula
/// may.
pub(in crate::cli) fn protected(text: &str) -> Cow<'_, str> {
    if begins_as_formula(text) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// What [`protected`] made this of; none where it made nothing of it.
pub(in crate::cli) fn unprotected(cell: &str) -> Option<&str> {
    cell.strip_prefix('\'')
        .filter(|text| begins_as_formula(text))
}

/// Full-width signs count for some spreadsheets, too.
fn begins_as_formula(text: &str) -> bool {
    let begin = text.trim_start_matches('\'');
    begin.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_become_texts_and_come_back() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+47 1", "'+47 1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r", "'\r"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("'t Hooft", "'t Hooft"),
            ("''", "''"),
            ("O'Hara-Smith", "O'Hara-Smith"),
            (" =1", " =1"),
            ("", ""),
        ] {
            assert_eq!(protected(text), cell);
            assert_eq!(unprotected(cell).unwrap_or(cell), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_was_protected_comes_back(text in "['=+@\t\rx -]{0,6}") {
            let cell = protected(&text);
            prop_assert_eq!(unprotected(&cell).unwrap_or(&cell), &text);
            let opens = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            prop_assert!(!opens);
        }
    }
}
