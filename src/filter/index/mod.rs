//! Finds the views that a change may concern, without touching the others.
//!
//! `plan` takes a view's filter apart into branches, of which one holds if the filter matches, and
//! each branch into constraints. A branch is an entry at its most selective constraint: at a value,
//! a range, an element, or the mere presence of a path. A bucket with more than a few entries
//! becomes a node, which finds them by their next constraint. So a change touches one of a thousand
//! views with `team == "red" && city == ...`. This is a matching tree (Aguilera et al., Matching
//! Events in a Content-Based Subscription System, PODC 1999). A filter without a constraint that
//! the index can look up (`!=` on a field that everyone has, `!` of a condition on an attribute, a
//! pattern without a fixed text) is an entry that every change touches. docs/operations.md has the
//! cost of each shape.
//!
//! The index errs on one side only: a view that it finds may be `Outside`, a view that it does not
//! find is.

mod bucket;
mod grams;
mod intervals;
mod key;
mod names;
mod node;
mod path_node;
mod plan;
mod search;
#[cfg(test)]
mod tests;
mod values;

use bucket::{BranchEntry, Descent, Edit, EditKind};
use node::Node;
use search::{Pair, Search};

pub use search::SearchCost;

use super::view::{Images, View};
use crate::domain::Kinds;

/// Views by numbers that their owner gives them: dense from 0, and used again.
///
/// To add or remove a view costs as much as its own branches, however large the index is.
#[derive(Default)]
pub struct Index {
    views: Views,
    all: Node,
    saves: Node,
    deletes: Node,
}

/// The size of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Entries; one view has at most 1,504.
    pub entries: usize,
    /// Nodes, paths, values and ranges that hold entries.
    pub nodes: usize,
}

/// An item that a walk through an index visits.
#[derive(Clone, Copy)]
enum IndexItem {
    Entry(BranchEntry),
    Node,
}

/// The views by number. An entry does not keep its constraints: they are planned again from its
/// view when it moves to a deeper node.
#[derive(Default)]
struct Views(Vec<Option<View>>);

impl Index {
    /// Adds a view. It replaces the view that has the number, if any.
    pub fn add(&mut self, number: u32, view: &View) {
        self.remove(number);
        self.views.set(number, Some(view.clone()));
        self.edit(EditKind::Add, number, view);
    }

    /// Removes the view with this number, if any. The index is then as if it had never been added.
    pub fn remove(&mut self, number: u32) {
        if let Some(view) = self.views.set(number, None) {
            self.edit(EditKind::Remove, number, &view);
        }
    }

    /// Replaces `into` by the numbers of the views that `images` may concern, ascending and without
    /// duplicates: every view whose verdict is not `Outside`, and some others.
    pub fn candidates(&self, images: &Images<'_>, into: &mut Vec<u32>) -> SearchCost {
        into.clear();
        let images = Pair {
            before: images.before.as_ref(),
            after: images.after.as_ref(),
        };
        let mut search = Search {
            into,
            cost: SearchCost::default(),
        };
        if !images.is_none() {
            // Only a delete has no image after it.
            let root_of_kind = if images.after.is_some() {
                &self.saves
            } else {
                &self.deletes
            };
            self.all.find(images, &mut search);
            root_of_kind.find(images, &mut search);
        }
        let cost = search.cost;
        into.sort_unstable();
        into.dedup();
        cost
    }

    /// Counts entries and nodes, in time proportional to their number.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for root in [&self.all, &self.saves, &self.deletes] {
            root.visit(&mut |item| match item {
                IndexItem::Entry(_) => census.entries += 1,
                IndexItem::Node => census.nodes += 1,
            });
        }
        census
    }

    fn edit(&mut self, kind: EditKind, number: u32, view: &View) {
        let root = match view.kinds {
            Kinds::All => &mut self.all,
            Kinds::Saves => &mut self.saves,
            Kinds::Deletes => &mut self.deletes,
        };
        let predicate = view.filter.predicate();
        for branch in 0..plan::branches(predicate) {
            if let Some(constraints) = plan::branch(predicate, branch) {
                let branch =
                    u16::try_from(branch).expect("a filter has no more than 1,504 branches");
                root.edit(
                    Descent::new(&constraints),
                    Edit {
                        kind,
                        entry: BranchEntry { number, branch },
                        views: &self.views,
                    },
                );
            }
        }
    }
}

impl Views {
    /// Sets the view of a number; returns the previous one.
    fn set(&mut self, number: u32, view: Option<View>) -> Option<View> {
        let at = number as usize;
        if at >= self.0.len() {
            view.as_ref()?;
            self.0.resize(at + 1, None);
        }
        std::mem::replace(&mut self.0[at], view)
    }

    fn of(&self, entry: BranchEntry) -> &View {
        self.0[entry.number as usize]
            .as_ref()
            .expect("an entry is removed with its view")
    }
}
