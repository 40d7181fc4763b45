//! The rules: who may import whom, how long a file may be, and what stands at its top.

use std::fs;
use std::path::{Path, PathBuf};

use super::paths::{Import, imports, tokens};

/// From top to bottom. What stands in one row is neighbours: they don't import each other.
const LAYERS: [&[&str]; 11] = [
    &["main"],
    &["cli"],
    &["app"],
    &["config"],
    &["fanout", "http"],
    &["relay", "session"],
    &["history"],
    &["store", "protocol"],
    &["filter"],
    &["telemetry"],
    &["domain"],
];
/// Lines of a file, its tests included.
const LINES_MAX: usize = 400;
/// Files of one folder, not counting folders in it.
const FILES_MAX: usize = 14;

/// Imports run downwards; `lib.rs` names all modules and is exempt.
pub(crate) fn imports_run_downwards(root: &Path) -> Vec<String> {
    sources(&root.join("src"))
        .into_iter()
        .filter(|path| path != &root.join("src/lib.rs"))
        .flat_map(|path| judge_imports(root, &path))
        .collect()
}

fn judge_imports(root: &Path, path: &Path) -> Vec<String> {
    let name = shown(root, path);
    let module = module_path(root, path);
    let from = module
        .first()
        .expect("lib.rs is exempt, every other file is in a module")
        .clone();
    let Some(from_layer) = layer(&from) else {
        return vec![format!("{name}: {from} is in no layer")];
    };
    let judge = |import: Import| {
        let place = format!("{name}:{}", import.line);
        let Some(to) = import.module else {
            return Some(format!(
                "{place}: {from} imports the whole crate: name the module"
            ));
        };
        match layer(&to) {
            _ if to == from => None,
            None => Some(format!(
                "{place}: {from} imports {to}, which is in no layer"
            )),
            Some(to_layer) if to_layer == from_layer => Some(format!(
                "{place}: {from} must not import {to}: they are neighbours"
            )),
            Some(to_layer) if to_layer < from_layer => Some(format!(
                "{place}: {from} must not import {to}: imports run downwards only"
            )),
            Some(_) => None,
        }
    };
    imports(&read(path), &module)
        .into_iter()
        .filter_map(judge)
        .collect()
}

/// The other crates use what the library offers everybody: none takes a source of it in by its
/// path.
pub(crate) fn programs_use_the_public_library(root: &Path) -> Vec<String> {
    let tells = |path: PathBuf| {
        let tokens = tokens(&read(&path));
        let found = tokens.windows(3).find(|three| {
            let words = [
                three[0].text.as_str(),
                three[1].text.as_str(),
                three[2].text.as_str(),
            ];
            matches!(words, ["[", "path", "="] | ["include", "!", "("])
        })?;
        Some(format!(
            "{}:{}: a crate takes in no source by its path",
            shown(root, &path),
            found[0].line
        ))
    };
    sources(&root.join("crates"))
        .into_iter()
        .filter_map(tells)
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// `src/fanout/egress/mod.rs` is `fanout::egress`, `src/history/ring.rs` is `history::ring`.
fn module_path(root: &Path, path: &Path) -> Vec<String> {
    let inside = path
        .strip_prefix(root.join("src"))
        .expect("only files of src are asked")
        .with_extension("");
    let names = inside
        .iter()
        .map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// No file is longer than a sitting, and each says at its top what it is for.
pub(crate) fn sources_are_short_and_introduced(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for path in ["src", "tests", "crates"]
        .into_iter()
        .flat_map(|folder| sources(&root.join(folder)))
    {
        let (name, text) = (shown(root, &path), read(&path));
        let lines = text.lines().count();
        if lines > LINES_MAX {
            problems.push(format!("{name}: {lines} lines, {LINES_MAX} at most"));
        }
        if !text.starts_with("//! ") {
            problems.push(format!(
                "{name}: has no //! at its top that says what it is for"
            ));
        }
    }
    problems
}

/// A folder can be taken in at a glance.
pub(crate) fn folders_stay_small(root: &Path) -> Vec<String> {
    let mut folders: Vec<(PathBuf, usize)> = Vec::new();
    for path in sources(&root.join("src")) {
        let folder = path.parent().expect("a file is in a folder").to_owned();
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, count)) => *count += 1,
            None => folders.push((folder, 1)),
        }
    }
    folders.retain(|(_, count)| *count > FILES_MAX);
    folders
        .into_iter()
        .map(|(folder, count)| {
            format!(
                "{}: {count} files, {FILES_MAX} at most",
                shown(root, &folder)
            )
        })
        .collect()
}

/// Below the command line errors keep their type, so that whoever gets one can decide by it.
pub(crate) fn anyhow_stays_on_top(root: &Path) -> Vec<String> {
    let below = |path: &PathBuf| !matches!(module_path(root, path)[0].as_str(), "main" | "cli");
    let tells = |path: PathBuf| {
        let found = tokens(&read(&path))
            .into_iter()
            .find(|token| token.text == "anyhow")?;
        Some(format!(
            "{}:{}: anyhow is for main and cli only",
            shown(root, &path),
            found.line
        ))
    };
    sources(&root.join("src"))
        .into_iter()
        .filter(below)
        .filter_map(tells)
        .collect()
}

/// All Rust files below a folder, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the tree is readable").path())
        .collect();
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let mut found: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect();
    found.extend(folders.iter().flat_map(|folder| sources(folder)));
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("sources are readable UTF-8")
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
