//! Compares a documented output with an actual output: ids, positions and times may differ, and `…`
//! matches any text.

use std::sync::LazyLock;

use regex::{Regex, escape};

/// Patterns for texts that differ from run to run, and their replacements. Applied in this order,
/// because the patterns overlap.
static VARIABLE: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "ID",
        ),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z", "TIME"),
        (
            r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
            "DATE",
        ),
        (r"\b[0-9a-f]{1,16}\.\d+\.[0-9a-f]{1,16}\b", "POSITION"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
});

/// Whether an actual output matches the documented one.
pub(crate) fn matches(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (normalized(expected), normalized(actual));
    let lines = expected.lines().map(|line| match line.trim() {
        "…" => r"(?s:.*)".to_owned(),
        _ => escape(line.trim_end()).replace('…', ".*"),
    });
    let pattern = format!("^{}$", lines.collect::<Vec<_>>().join("\n"));
    let actual: Vec<_> = actual
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    Regex::new(&pattern)
        .expect("an escaped pattern")
        .is_match(actual.join("\n").trim_end())
}

fn normalized(text: &str) -> String {
    let text = text.trim_end().to_owned();
    VARIABLE.iter().fold(text, |text, (pattern, name)| {
        pattern.replace_all(&text, *name).into_owned()
    })
}

#[test]
fn ids_positions_and_times_may_differ_and_any_other_text_may_not() {
    let one = "is ada00000-0000-4000-8000-000000000001 at 0:66c42ca28c5fefc.1000.ef1d4a3af9505ebe";
    let other = "is 01a20599-9333-73f6-a8a1-9168eab4dabe at 0:1.7.2 \n";
    assert!(matches(one, other));
    assert!(
        !matches(one, &other.replace("is", "was"))
            && !matches(one, &format!("{other}more"))
            && !matches(one, "")
    );
    assert!(matches("a\n…\nd", "a\nb\nc\nd") && !matches("a\n…\nd", "a\nb\nc"));
    assert!(matches("{\"a\":1,…}", "{\"a\":1,\"b\":2}") && !matches("{\"a\":1,…}", "{\"a\":2}"));
}
