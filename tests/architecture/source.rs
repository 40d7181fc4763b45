//! The Rust sources of a crate, each with the module that it is.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub(crate) struct Source {
    /// Its path from the root of the workspace.
    pub(crate) name: String,
    /// `src/fanout/egress/mod.rs` is `["fanout", "egress"]`, `src/history/ring.rs` is
    /// `["history", "ring"]`; the root of a crate is empty.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

impl Source {
    /// Whether only tests see it.
    pub(crate) fn is_test(&self) -> bool {
        self.module
            .iter()
            .any(|name| name == "tests" || name.ends_with("_tests"))
    }
}

/// All sources below a folder of the workspace, in order.
pub(crate) fn sources(root: &Path, folder: &str) -> Vec<Source> {
    let top = root.join(folder);
    files(&top)
        .into_iter()
        .map(|path| Source {
            name: shown(root, &path),
            module: module(&top, &path),
            text: fs::read_to_string(&path).expect("sources are readable UTF-8"),
        })
        .collect()
}

/// The folders that hold the sources of a crate each.
pub(crate) fn crates(root: &Path) -> Vec<String> {
    let mut found = vec!["src".to_owned()];
    if let Ok(entries) = fs::read_dir(root.join("crates")) {
        let names = entries.map(|entry| entry.expect("the tree is readable").file_name());
        let mut others: Vec<String> = names
            .map(|name| format!("crates/{}/src", name.to_string_lossy()))
            .collect();
        others.sort();
        found.extend(others);
    }
    if root.join("fuzz/src").is_dir() {
        found.push("fuzz/src".to_owned());
    }
    found
}

fn module(top: &Path, path: &Path) -> Vec<String> {
    let inside = path
        .strip_prefix(top)
        .expect("only files below it are asked")
        .with_extension("");
    inside
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !matches!(name.as_str(), "mod" | "lib"))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
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
    found.extend(folders.iter().flat_map(|folder| self::files(folder)));
    found
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
