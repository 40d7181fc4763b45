//! Protects cells that a spreadsheet would take for formulas: an apostrophe in front makes them
//! texts (OWASP, "CSV Injection"). Removing it restores the text.

use std::borrow::Cow;

/// The text, with an apostrophe in front if it begins like a formula, after its own apostrophes.
pub(in crate::cli::people) fn protect(text: &str) -> Cow<'_, str> {
    if begins_as_formula(text) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// The text that [`protect`] changed into this cell; `None` if it did not change the text.
pub(in crate::cli::people) fn unprotect(cell: &str) -> Option<&str> {
    cell.strip_prefix('\'')
        .filter(|text| begins_as_formula(text))
}

/// Some spreadsheets also accept full-width signs.
fn begins_as_formula(text: &str) -> bool {
    let begin = text.trim_start_matches('\'');
    begin.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn protected_formulas_are_restored() {
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
            assert_eq!(protect(text), cell);
            assert_eq!(unprotect(cell).unwrap_or(cell), text);
        }
    }

    proptest! {
        #[test]
        fn every_protected_text_is_restored_and_begins_no_formula(text in "['=+@\t\rx -]{0,6}") {
            let cell = protect(&text);
            prop_assert_eq!(unprotect(&cell).unwrap_or(&cell), &text);
            let opens = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            prop_assert!(!opens);
        }
    }
}
