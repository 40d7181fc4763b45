//! How long and wide a file may be, how many files a folder may have, and what stands at the top.

use std::collections::BTreeMap;
use std::path::Path;

use super::imports::words;
use super::source::{Source, crates, sources};

/// Lines of a file, its tests included.
const LINES_MAX: usize = 400;
/// Bytes of a file.
const BYTES_MAX: usize = 14_000;
/// Characters of a line.
const WIDTH_MAX: usize = 100;
/// Files of one folder, not counting folders in it.
const FILES_MAX: usize = 10;

/// No file is longer than a sitting or wider than a window, and each says at its top what it is
/// for.
pub(crate) fn sources_are_short_and_introduced(root: &Path) -> Vec<String> {
    ["src", "tests", "crates"]
        .into_iter()
        .flat_map(|folder| sources(root, folder))
        .flat_map(|source| judge(&source))
        .collect()
}

fn judge(Source { name, text, .. }: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    let (lines, bytes) = (text.lines().count(), text.len());
    if lines > LINES_MAX {
        problems.push(format!("{name}: {lines} lines, {LINES_MAX} at most"));
    }
    if bytes > BYTES_MAX {
        problems.push(format!("{name}: {bytes} bytes, {BYTES_MAX} at most"));
    }
    if !text.starts_with("//! ") {
        problems.push(format!(
            "{name}: has no //! at its top that says what it is for"
        ));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let width = line.chars().count();
        if width > WIDTH_MAX {
            problems.push(format!(
                "{name}:{number}: {width} characters wide, {WIDTH_MAX} at most"
            ));
        }
    }
    problems
}

/// A folder can be taken in at a glance.
pub(crate) fn folders_stay_small(root: &Path) -> Vec<String> {
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let tests = std::iter::once("tests".to_owned());
    for folder in crates(root).into_iter().chain(tests) {
        for source in sources(root, &folder) {
            let (folder, _) = source.name.rsplit_once('/').expect("a file is in a folder");
            *folders.entry(folder.to_owned()).or_default() += 1;
        }
    }
    folders
        .into_iter()
        .filter(|(_, count)| *count > FILES_MAX)
        .map(|(folder, count)| format!("{folder}: {count} files, {FILES_MAX} at most"))
        .collect()
}

/// Below the command line errors keep their type, so that a caller can decide by it.
pub(crate) fn anyhow_stays_on_top(root: &Path) -> Vec<String> {
    let below = |source: &Source| {
        !matches!(
            source.module.first().map(String::as_str),
            Some("main" | "cli")
        )
    };
    let tells = |source: Source| {
        let words = words(&source.text);
        let (_, line) = words.iter().find(|(word, _)| word == "anyhow")?;
        Some(format!(
            "{}:{line}: anyhow is for main and cli only",
            source.name
        ))
    };
    sources(root, "src")
        .into_iter()
        .filter(below)
        .filter_map(tells)
        .collect()
}

/// No source takes in another one by its path: what two need is a module of both.
pub(crate) fn nothing_is_taken_in_by_its_path(root: &Path) -> Vec<String> {
    let tells = |source: Source| {
        let words = words(&source.text);
        let found = words.windows(3).find(|three| {
            let words = [&three[0].0, &three[1].0, &three[2].0].map(String::as_str);
            matches!(words, ["[", "path", "="] | ["include", "!", "("])
        })?;
        Some(format!(
            "{}:{}: no source is taken in by its path",
            source.name, found[0].1
        ))
    };
    ["src", "crates", "tests"]
        .into_iter()
        .flat_map(|folder| sources(root, folder))
        .filter_map(tells)
        .collect()
}
