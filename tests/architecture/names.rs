//! One name, one meaning: no two types of the workspace have one name, and the words of the old
//! dialect stay out.

use std::collections::BTreeMap;
use std::path::Path;

use super::imports::words;
use super::source::{Source, crates, sources};

/// Names that each module may give to a type of its own.
const OF_EACH_MODULE: [&str; 2] = ["Options", "Metrics"];
/// Words that grew here and that nobody in the field would guess, each with the field's word.
const DIALECT: [(&str, &str); 9] = [
    ("attendant", "drainer"),
    ("dress", "format"),
    ("dresses", "formats"),
    ("outbox", "connection"),
    ("parcel", "payload"),
    ("seat", "slot"),
    ("somebody", "a person or a client"),
    ("whom", "the person or the client"),
    ("wish", "request"),
];
/// Beginnings of sentences that put something before their subject.
const OPENINGS: [&str; 4] = ["Who ", "Whoever ", "Whom ", "What is to be "];
/// Beginnings of functions' names that do the same.
const NAME_OPENINGS: [&str; 3] = ["fn who_", "fn whoever_", "fn whom_"];

/// No type is defined in two files, tests left out.
pub(crate) fn types_have_names_of_their_own(root: &Path) -> Vec<String> {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in crates(root) {
        for source in sources(root, &folder).iter().filter(|one| !one.is_test()) {
            for (name, line) in types(&source.text) {
                let places = known.entry(name).or_default();
                // One of them is for another system.
                if !places.iter().any(|place| place.starts_with(&source.name)) {
                    places.push(format!("{}:{line}", source.name));
                }
            }
        }
    }
    known
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !OF_EACH_MODULE.contains(&name.as_str()))
        .map(|(name, places)| format!("{name} is defined at {}", places.join(", ")))
        .collect()
}

/// The types that a source defines outside of its tests and of functions' associated types.
fn types(source: &str) -> Vec<(String, usize)> {
    let end = source
        .find("#[cfg(test)]\nmod tests {")
        .unwrap_or(source.len());
    words(&source[..end])
        .windows(2)
        .filter(|pair| matches!(pair[0].0.as_str(), "struct" | "enum" | "trait"))
        .map(|pair| (pair[1].0.clone(), pair[1].1))
        .filter(|(name, _)| name.starts_with(char::is_uppercase))
        .collect()
}

/// The words of the dialect, and sentences that begin with it, in sources.
pub(crate) fn the_dialect_stays_out(root: &Path) -> Vec<String> {
    ["src", "crates", "tests"]
        .into_iter()
        .flat_map(|folder| sources(root, folder))
        .filter(|source| !source.name.starts_with("tests/architecture"))
        .flat_map(|source| judge(&source))
        .collect()
}

fn judge(Source { name, text, .. }: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let lower = line.to_lowercase();
        for word in lower.split(|c: char| !c.is_alphanumeric()) {
            if let Some((word, better)) = DIALECT.iter().find(|(dialect, _)| *dialect == word) {
                problems.push(format!("{name}:{number}: {word}: say {better}"));
            }
        }
        if NAME_OPENINGS.iter().any(|opening| line.contains(opening)) {
            problems.push(format!("{name}:{number}: name the subject first"));
        }
        let sentence = line
            .trim_start()
            .trim_start_matches(['/', '!'])
            .trim_start();
        let is_comment = line.trim_start().starts_with("//");
        if let Some(opening) = OPENINGS
            .iter()
            .find(|opening| sentence.starts_with(**opening))
            && is_comment
        {
            problems.push(format!(
                "{name}:{number}: begins with \"{}\": name the subject first",
                opening.trim_end()
            ));
        }
    }
    problems
}
