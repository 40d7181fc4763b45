//! The entries at one value, one range or one path. A few are a plain list; more become a node that
//! finds them by their next constraint.

use smallvec::SmallVec;

use super::node::Node;
use super::plan::{self, Constraint};
use super::search::{ImagePair, Search};
use super::{IndexItem, Views};

/// Entries of a list. To evaluate so few is faster than to look up their next constraints.
const LIST_MAX: usize = 8;
/// Constraints after which lists grow longer with the depth. Otherwise nine filters that share most
/// of their 64 conditions would make 64 nodes for their nine entries. With it there are at most two
/// and a half nodes for each entry.
const DEEP: usize = 8;

/// A branch of a view's filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BranchEntry {
    /// The number of the view.
    pub(super) number: u32,
    pub(super) branch: u16,
}

/// Its form depends on its present entries alone, not on earlier ones.
#[derive(Default)]
pub(super) enum Bucket {
    #[default]
    Empty,
    One(BranchEntry),
    /// Two at least, and at most as many as a list takes at this depth.
    Few(Box<SmallVec<[BranchEntry; LIST_MAX]>>),
    /// More.
    Many(Box<Node>),
}

/// An entry to add or to remove.
#[derive(Clone, Copy)]
pub(super) struct Edit<'i> {
    pub(super) kind: EditKind,
    pub(super) entry: BranchEntry,
    /// The views of all entries.
    pub(super) views: &'i Views,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EditKind {
    Add,
    Remove,
}

/// The constraints of the entry's branch, and how many of them lead from the root to here.
#[derive(Clone, Copy)]
pub(super) struct Descent<'p> {
    constraints: &'p [Constraint<'p>],
    depth: usize,
}

impl<'p> Descent<'p> {
    pub(super) const fn new(constraints: &'p [Constraint<'p>]) -> Self {
        Self {
            constraints,
            depth: 0,
        }
    }

    /// The next constraint, and the descent below it; `None` after the last one.
    pub(super) fn next(self) -> Option<(&'p Constraint<'p>, Self)> {
        let constraint = self.constraints.get(self.depth)?;
        Some((
            constraint,
            Self {
                depth: self.depth + 1,
                ..self
            },
        ))
    }

    /// Entries of a list at this depth.
    fn list_max(self) -> usize {
        LIST_MAX + 2 * self.depth.saturating_sub(DEEP)
    }
}

impl Bucket {
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(super) fn find(&self, images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        match self {
            Self::Empty => {}
            Self::One(entry) => search.add(entry.number),
            Self::Few(entries) => entries.iter().for_each(|entry| search.add(entry.number)),
            Self::Many(node) => node.find(images, search),
        }
    }

    pub(super) fn edit(&mut self, descent: Descent<'_>, edit: Edit<'_>) {
        match edit.kind {
            EditKind::Add => self.add(descent, edit),
            EditKind::Remove => self.remove(descent, edit),
        }
    }

    fn add(&mut self, descent: Descent<'_>, edit: Edit<'_>) {
        match self {
            Self::Empty => *self = Self::One(edit.entry),
            Self::One(first) => {
                *self = Self::Few(Box::new([*first, edit.entry].into_iter().collect()));
            }
            Self::Few(entries) if entries.len() < descent.list_max() => entries.push(edit.entry),
            Self::Few(entries) => {
                let mut node = Box::<Node>::default();
                for entry in &**entries {
                    let view = edit.views.of(*entry);
                    let constraints = plan::branch(view.filter.predicate(), entry.branch.into())
                        .expect("an entry's branch was not void when it was added");
                    node.edit(
                        Descent {
                            constraints: &constraints,
                            depth: descent.depth,
                        },
                        Edit {
                            entry: *entry,
                            ..edit
                        },
                    );
                }
                node.edit(descent, edit);
                *self = Self::Many(node);
            }
            Self::Many(node) => node.edit(descent, edit),
        }
    }

    fn remove(&mut self, descent: Descent<'_>, edit: Edit<'_>) {
        match self {
            Self::Empty => {}
            Self::One(_) => *self = Self::Empty,
            Self::Few(entries) => {
                entries.retain(|entry| *entry != edit.entry);
                if let [last] = entries[..] {
                    *self = Self::One(last);
                }
            }
            Self::Many(node) => {
                node.edit(descent, edit);
                if node.entries() <= descent.list_max() {
                    let mut entries = SmallVec::new();
                    node.visit(&mut |item| {
                        if let IndexItem::Entry(entry) = item {
                            entries.push(entry);
                        }
                    });
                    *self = Self::Few(Box::new(entries));
                }
            }
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        match self {
            Self::Empty => {}
            Self::One(entry) => visitor(IndexItem::Entry(*entry)),
            Self::Few(entries) => entries
                .iter()
                .for_each(|entry| visitor(IndexItem::Entry(*entry))),
            Self::Many(node) => node.visit(visitor),
        }
    }
}
