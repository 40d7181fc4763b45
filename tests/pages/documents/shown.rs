//! Compares what a document shows with what came back: ids, positions and times may differ, `…`
//! stands for anything.

use std::sync::LazyLock;

use regex::{Regex, escape};

/// What differs from run to run, and what is compared in its place. In this order: a time has
/// numbers in it, too.
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

/// Whether this shows that.
pub(crate) fn shows(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (plain(expected), plain(actual));
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

fn plain(text: &str) -> String {
    let text = text.trim_end().to_owned();
    VARIABLE.iter().fold(text, |text, (pattern, name)| {
        pattern.replace_all(&text, *name).into_owned()
    })
}

#[test]
fn what_differs_from_run_to_run_is_no_difference_and_all_else_is() {
    let one = "is ada00000-0000-4000-8000-000000000001 at 0:66c42ca28c5fefc.1000.ef1d4a3af9505ebe";
    let other = "is 01a20599-9333-73f6-a8a1-9168eab4dabe at 0:1.7.2 \n";
    assert!(shows(one, other));
    assert!(
        !shows(one, &other.replace("is", "was"))
            && !shows(one, &format!("{other}more"))
            && !shows(one, "")
    );
    assert!(shows("a\n…\nd", "a\nb\nc\nd") && !shows("a\n…\nd", "a\nb\nc"));
    assert!(shows("{\"a\":1,…}", "{\"a\":1,\"b\":2}") && !shows("{\"a\":1,…}", "{\"a\":2}"));
}
