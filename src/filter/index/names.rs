//! The constraints on the members of an object, by their names.

use std::collections::HashMap;

use serde_json::{Map, Value};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::IndexItem;
use super::bucket::{Descent, Edit};
use super::path_node::PathNode;
use super::plan::Test;
use super::search::{ImagePair, Pair, Search};
use super::values::is_sparse;
use crate::filter::predicate::PathValue;

/// Names of a list. To go through so few is faster than to go through the members of an object.
const LIST_MAX: usize = 8;

/// Nodes by name; none is empty. The form depends on the present nodes alone, not on earlier ones.
pub(super) enum NameTable {
    /// At most `LIST_MAX`. Most often all entries of a node have a constraint on the same name; its
    /// text and its node then lie here, not in memory of their own.
    Few(SmallVec<[(SmolStr, PathNode); 1]>),
    /// More.
    Many(HashMap<SmolStr, PathNode>),
}

impl Default for NameTable {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl NameTable {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(nodes) if nodes.is_empty())
    }

    /// Finds the entries that the members of `objects` fulfil. Goes through the names of the table,
    /// or through the members of the objects if they are fewer.
    pub(super) fn find(
        &self,
        objects: Pair<&Map<String, Value>>,
        images: ImagePair<'_, '_>,
        search: &mut Search<'_>,
    ) {
        let mut find = |node: &PathNode, name: &str| {
            let values = objects.and_then(|object| object.get(name).and_then(PathValue::from_json));
            if !values.is_none() {
                node.find(values, images, search);
            }
        };
        let members = |object: Option<&Map<String, Value>>| object.map_or(0, Map::len);
        let nodes = match self {
            Self::Few(nodes) => return nodes.iter().for_each(|(name, node)| find(node, name)),
            Self::Many(nodes)
                if nodes.len() <= members(objects.before) + members(objects.after) =>
            {
                return nodes.iter().for_each(|(name, node)| find(node, name));
            }
            Self::Many(nodes) => nodes,
        };
        let only_before = objects.before.into_iter().flat_map(Map::keys);
        let only_before = only_before
            .filter(|name| !objects.after.is_some_and(|after| after.contains_key(*name)));
        for name in objects
            .after
            .into_iter()
            .flat_map(Map::keys)
            .chain(only_before)
        {
            if let Some(node) = nodes.get(name.as_str()) {
                find(node, name);
            }
        }
    }

    /// Edits the constraints on the member `name`, or on the path `keys` below it.
    pub(super) fn edit(
        &mut self,
        name: &str,
        keys: &[Box<str>],
        test: &Test<'_>,
        descent: Descent<'_>,
        edit: Edit<'_>,
    ) {
        let node = self.node(name);
        node.edit(keys, test, descent, edit);
        if node.is_empty() {
            self.remove(name);
        }
    }

    /// The node of a name; a new one is empty.
    fn node(&mut self, name: &str) -> &mut PathNode {
        if let Self::Few(nodes) = self
            && nodes.len() == LIST_MAX
            && !nodes.iter().any(|(known, _)| known == name)
        {
            *self = Self::Many(nodes.drain(..).collect());
        }
        match self {
            Self::Few(nodes) => {
                let at = nodes
                    .iter()
                    .position(|(known, _)| known == name)
                    .unwrap_or_else(|| {
                        nodes.push((name.into(), PathNode::default()));
                        nodes.len() - 1
                    });
                &mut nodes[at].1
            }
            Self::Many(nodes) => nodes.entry(name.into()).or_default(),
        }
    }

    fn remove(&mut self, name: &str) {
        match self {
            Self::Few(nodes) => {
                nodes.retain(|(known, _)| known != name);
                nodes.shrink_to_fit();
            }
            Self::Many(nodes) => {
                nodes.remove(name);
                if nodes.len() <= LIST_MAX {
                    *self = Self::Few(nodes.drain().collect());
                } else if is_sparse(nodes.len(), nodes.capacity()) {
                    nodes.shrink_to(2 * nodes.len());
                }
            }
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        match self {
            Self::Few(nodes) => nodes.iter().for_each(|(_, node)| node.visit(visitor)),
            Self::Many(nodes) => nodes.values().for_each(|node| node.visit(visitor)),
        }
    }
}
