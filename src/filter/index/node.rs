//! A node: entries by their next constraint, and the entries that have no further one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::IndexItem;
use super::bucket::{BranchEntry, Descent, Edit, EditKind};
use super::names::NameTable;
use super::path_node::PathNode;
use super::search::{ImagePair, Search};
use crate::filter::predicate::Path;

/// The paths that everyone has.
static KNOWN: [Path; 5] = [
    Path::Id,
    Path::FirstName,
    Path::LastName,
    Path::Age,
    Path::Job,
];

#[derive(Default)]
pub(super) struct Node {
    entries: usize,
    /// Entries without a further constraint: every image that reaches this node fulfils them.
    satisfied: BTreeSet<BranchEntry>,
    /// In the order of `KNOWN`; `None` if no entry has a constraint on a known path.
    known: Option<Box<[PathNode; 5]>>,
    attributes: NameTable,
}

impl Node {
    /// The number of entries in this node and below it.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn find(&self, images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        search.cost.nodes += 1;
        for entry in &self.satisfied {
            search.add(entry.number);
        }
        let known = self.known.iter().flat_map(|nodes| nodes.iter()).zip(&KNOWN);
        for (node, path) in known.filter(|(node, _)| !node.is_empty()) {
            node.find(images.and_then(|image| image.get(path)), images, search);
        }
        if !self.attributes.is_empty() {
            let objects = images.and_then(|image| image.attributes().and_then(Value::as_object));
            self.attributes.find(objects, images, search);
        }
    }

    pub(super) fn edit(&mut self, descent: Descent<'_>, edit: Edit<'_>) {
        match edit.kind {
            EditKind::Add => self.entries += 1,
            EditKind::Remove => self.entries -= 1,
        }
        let Some((constraint, descent)) = descent.next() else {
            match edit.kind {
                EditKind::Add => self.satisfied.insert(edit.entry),
                EditKind::Remove => self.satisfied.remove(&edit.entry),
            };
            return;
        };
        if let Path::Attribute(keys) = constraint.path {
            let (name, deeper) = keys
                .split_first()
                .expect("a path into the attributes has at least one key");
            return self
                .attributes
                .edit(name, deeper, &constraint.test, descent, edit);
        }
        let known = self.known.get_or_insert_default();
        let node = KNOWN
            .iter()
            .zip(&mut **known)
            .find(|(path, _)| *path == constraint.path)
            .map(|(_, node)| node);
        node.expect("a path is known or leads into the attributes")
            .edit(&[], &constraint.test, descent, edit);
        if known.iter().all(PathNode::is_empty) {
            self.known = None;
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        visitor(IndexItem::Node);
        self.satisfied
            .iter()
            .for_each(|entry| visitor(IndexItem::Entry(*entry)));
        let known = self.known.iter().flat_map(|nodes| nodes.iter());
        known
            .filter(|node| !node.is_empty())
            .for_each(|node| node.visit(visitor));
        self.attributes.visit(visitor);
    }
}
