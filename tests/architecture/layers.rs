//! Who may import whom: between the folders of `src`, and between the files of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::imports::{Import, imports};
use super::source::{Source, crates, sources};

/// From top to bottom. What stands in one row is neighbours: they don't import each other.
const LAYERS: [&[&str]; 12] = [
    &["main"],
    &["cli"],
    &["app"],
    &["config"],
    &["fanout", "http"],
    &["auth", "limits", "relay", "session"],
    &["history"],
    &["store", "protocol"],
    &["rights"],
    &["filter"],
    &["telemetry"],
    &["domain"],
];
/// Folders whose files may import each other in a circle: the index is a recursive tree.
const CIRCLES_ALLOWED: [&str; 1] = ["src/filter/index"];

/// Imports run downwards; `lib.rs` names all modules and is exempt.
pub(crate) fn imports_run_downwards(root: &Path) -> Vec<String> {
    sources(root, "src")
        .iter()
        .filter(|source| !source.module.is_empty())
        .flat_map(judge_imports)
        .collect()
}

fn judge_imports(source: &Source) -> Vec<String> {
    let Source { name, module, text } = source;
    let from = &module[0];
    let Some(from_layer) = layer(from) else {
        return vec![format!("{name}: {from} is in no layer")];
    };
    let judge = |import: Import| {
        let place = format!("{name}:{}", import.line);
        let Some(to) = import.path.first() else {
            return Some(format!(
                "{place}: {from} imports the whole crate: name the module"
            ));
        };
        match layer(to) {
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
    let mut problems: Vec<String> = imports(text, module)
        .into_iter()
        .filter_map(judge)
        .collect();
    problems.dedup();
    problems
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// The files of a folder don't import each other in a circle. What a front page (`mod.rs`) passes
/// on by `pub use` counts as the file that it comes from.
pub(crate) fn folders_have_no_circles(root: &Path) -> Vec<String> {
    crates(root)
        .iter()
        .flat_map(|folder| {
            let sources = sources(root, folder);
            Graph::of(&sources).circles(folder)
        })
        .collect()
}

type Module = Vec<String>;

/// Which modules of a crate import which.
struct Graph {
    modules: BTreeSet<Module>,
    edges: BTreeSet<(Module, Module)>,
}

impl Graph {
    fn of(sources: &[Source]) -> Self {
        let sources: Vec<&Source> = sources.iter().filter(|source| !source.is_test()).collect();
        let mut modules: BTreeSet<Module> = BTreeSet::new();
        for source in &sources {
            modules.extend((0..=source.module.len()).map(|depth| source.module[..depth].to_vec()));
        }
        let named: Vec<(&Module, Import)> = sources
            .iter()
            .flat_map(|source| {
                let found = imports(&source.text, &source.module);
                found.into_iter().map(|import| (&source.module, import))
            })
            .filter(|(_, import)| !import.is_test)
            .collect();
        let mut passed_on: BTreeMap<Module, Module> = BTreeMap::new();
        for (module, import) in named.iter().filter(|(_, import)| import.is_public) {
            if let Some(name) = import.path.last() {
                let alias = module.iter().chain([name]).cloned().collect();
                passed_on.insert(alias, import.path.clone());
            }
        }
        let mut edges = BTreeSet::new();
        for (module, import) in named {
            let to = target(import.path, &modules, &passed_on);
            let is_front_page = import.is_public && to.starts_with(module);
            if to != *module && !is_front_page {
                edges.insert((module.clone(), to));
            }
        }
        Self { modules, edges }
    }

    fn circles(&self, root: &str) -> Vec<String> {
        self.modules
            .iter()
            .filter_map(|folder| {
                let name = [&[root.to_owned()], &folder[..]].concat().join("/");
                let circle = self.circle_in(folder);
                let is_allowed = CIRCLES_ALLOWED.contains(&name.as_str());
                (!circle.is_empty() && !is_allowed)
                    .then(|| format!("{name}: a circle of {}", circle.join(", ")))
            })
            .collect()
    }

    /// The children of a folder that reach each other, itself included as `mod`.
    fn circle_in(&self, folder: &Module) -> Vec<String> {
        let child = |module: &Module| {
            let inside = module.strip_prefix(&folder[..])?;
            Some(inside.first().map_or("mod", String::as_str).to_owned())
        };
        let edges: BTreeSet<(String, String)> = self
            .edges
            .iter()
            .filter_map(|(from, to)| Some((child(from)?, child(to)?)))
            .filter(|(from, to)| from != to && !(folder.is_empty() && to == "mod"))
            .collect();
        let reaches = |start: &String| {
            let mut seen = BTreeSet::new();
            let mut next = vec![start];
            while let Some(node) = next.pop() {
                for (_, to) in edges.iter().filter(|(from, _)| from == node) {
                    if seen.insert(to) {
                        next.push(to);
                    }
                }
            }
            seen.contains(start)
        };
        let nodes: BTreeSet<&String> = edges.iter().map(|(from, _)| from).collect();
        nodes
            .into_iter()
            .filter(|node| reaches(node))
            .cloned()
            .collect()
    }
}

/// The module that a path names something of.
fn target(
    mut path: Module,
    modules: &BTreeSet<Module>,
    passed_on: &BTreeMap<Module, Module>,
) -> Module {
    // A chain of front pages is not longer than the tree is deep.
    for _ in 0..8 {
        let alias = (1..=path.len())
            .rev()
            .map(|depth| path[..depth].to_vec())
            .find(|start| passed_on.contains_key(start) && !modules.contains(start));
        let Some(alias) = alias else { break };
        let rest = path.split_off(alias.len());
        path = passed_on[&alias].iter().cloned().chain(rest).collect();
    }
    while !modules.contains(&path) {
        path.pop();
    }
    path
}
