//! What hangs at one value, one range or one path: the entries of the branches that lead there. Few
//! are a plain list; more become a node of their own, over what they ask besides.

use smallvec::SmallVec;

use super::node::Node;
use super::plan::{self, Part};
use super::search::{BothImages, Search};
use super::{Seen, Views};

/// Entries that are a list. So few are judged sooner than their parts are looked up.
const FEW: usize = 8;
/// Parts behind which more entries are a list, the deeper the more: otherwise nine filters of 64
/// conditions that have most of them in common would make 64 nodes for their nine entries. So it is
/// at most two and a half nodes an entry.
const DEEP: usize = 8;

/// A branch of a view's filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) number: u32,
    pub(super) branch: u16,
}

/// Its form depends on what is in it alone, not on what was.
#[derive(Default)]
pub(super) enum Bucket {
    #[default]
    Empty,
    One(Entry),
    /// Two at least, as many at most as are few.
    Few(Box<SmallVec<[Entry; FEW]>>),
    /// More.
    Many(Box<Node>),
}

/// An entry that comes or goes.
#[derive(Clone, Copy)]
pub(super) struct Edit<'i> {
    pub(super) verb: Verb,
    pub(super) entry: Entry,
    /// The views of all entries.
    pub(super) views: &'i Views,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Remove,
}

/// The parts of the entry's branch, and how many of them led here.
#[derive(Clone, Copy)]
pub(super) struct Way<'p> {
    parts: &'p [Part<'p>],
    depth: usize,
}

impl<'p> Way<'p> {
    pub(super) const fn new(parts: &'p [Part<'p>]) -> Self {
        Self { parts, depth: 0 }
    }

    /// The next part, and the way behind it; none at the end.
    pub(super) fn next(self) -> Option<(&'p Part<'p>, Self)> {
        let part = self.parts.get(self.depth)?;
        Some((
            part,
            Self {
                depth: self.depth + 1,
                ..self
            },
        ))
    }

    /// How many entries are a list here.
    fn few(self) -> usize {
        FEW + 2 * self.depth.saturating_sub(DEEP)
    }
}

impl Bucket {
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(super) fn look(&self, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        match self {
            Self::Empty => {}
            Self::One(entry) => search.find(entry.number),
            Self::Few(entries) => entries.iter().for_each(|entry| search.find(entry.number)),
            Self::Many(node) => node.look(images, search),
        }
    }

    pub(super) fn edit(&mut self, way: Way<'_>, edit: Edit<'_>) {
        match edit.verb {
            Verb::Add => self.add(way, edit),
            Verb::Remove => self.remove(way, edit),
        }
    }

    fn add(&mut self, way: Way<'_>, edit: Edit<'_>) {
        match self {
            Self::Empty => *self = Self::One(edit.entry),
            Self::One(first) => {
                *self = Self::Few(Box::new([*first, edit.entry].into_iter().collect()));
            }
            Self::Few(entries) if entries.len() < way.few() => entries.push(edit.entry),
            Self::Few(entries) => {
                let mut node = Box::<Node>::default();
                for entry in &**entries {
                    let view = edit.views.of(*entry);
                    let parts = plan::branch(view.filter.predicate(), entry.branch.into())
                        .expect("an entry's branch was not void when it was added");
                    node.edit(
                        Way {
                            parts: &parts,
                            depth: way.depth,
                        },
                        Edit {
                            entry: *entry,
                            ..edit
                        },
                    );
                }
                node.edit(way, edit);
                *self = Self::Many(node);
            }
            Self::Many(node) => node.edit(way, edit),
        }
    }

    fn remove(&mut self, way: Way<'_>, edit: Edit<'_>) {
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
                node.edit(way, edit);
                if node.entries() <= way.few() {
                    let mut entries = SmallVec::new();
                    node.visit(&mut |seen| {
                        if let Seen::Entry(entry) = seen {
                            entries.push(entry);
                        }
                    });
                    *self = Self::Few(Box::new(entries));
                }
            }
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        match self {
            Self::Empty => {}
            Self::One(entry) => see(Seen::Entry(*entry)),
            Self::Few(entries) => entries.iter().for_each(|entry| see(Seen::Entry(*entry))),
            Self::Many(node) => node.visit(see),
        }
    }
}
