//! The views that a change may concern, found without a look at the others.
//!
//! A view's filter is taken apart into branches, of which one must hold if it matches, and a branch
//! into parts (`plan`). A branch hangs as an entry at its most selective part: at a value, a range,
//! an element, or the mere presence of a path. Where more than a few hang at one, they become a
//! node that looks at their next parts, so that of a thousand views with `team == "red" && city ==
//! ...` one is touched and not a thousand: a matching tree (Aguilera et al., Matching Events in a
//! Content-Based Subscription System, PODC 1999). What says nothing that can be looked up (`!=` on
//! a field that everybody has, the opposite of what attributes are asked, a pattern without a fixed
//! text) is an entry that is always touched. docs/operations.md tells what each shape costs.
//!
//! The index errs on one side only: who is named may still be `Outside`, who is not named is.

mod bucket;
mod grams;
mod intervals;
mod key;
mod names;
mod node;
mod place;
mod plan;
mod search;
#[cfg(test)]
mod tests;
mod values;

use bucket::{Edit, Entry, Verb, Way};
use node::Node;
use search::{Both, Search};

pub use search::Looked;

use super::{Images, Kinds, View};

/// Views by numbers that their owner gives them: from 0, dense, used again.
///
/// Adding and removing a view costs what its own branches cost, whatever else is in it.
#[derive(Default)]
pub struct Index {
    views: Views,
    all: Node,
    saves: Node,
    deletes: Node,
}

/// What an index consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Entries: at most 1,504 of one view.
    pub entries: usize,
    /// What they hang in: nodes, paths, values, ranges.
    pub nodes: usize,
}

/// What a walk through all of an index comes by.
#[derive(Clone, Copy)]
enum Seen {
    Entry(Entry),
    Node,
}

/// The views, by number: an entry that is moved down is planned again, so that it need not keep its
/// parts.
#[derive(Default)]
struct Views(Vec<Option<View>>);

impl Index {
    /// Adds a view; if the number was another's, that one is removed.
    pub fn add(&mut self, number: u32, view: &View) {
        self.remove(number);
        self.views.set(number, Some(view.clone()));
        self.edit(Verb::Add, number, view);
    }

    /// Removes the view with this number, if there is one; the index is then as if it had never
    /// been added.
    pub fn remove(&mut self, number: u32) {
        if let Some(view) = self.views.set(number, None) {
            self.edit(Verb::Remove, number, &view);
        }
    }

    /// The numbers of all views to which `images` may mean something, ascending, each once: of all
    /// whose verdict is not `Outside`, and of some others. They replace what was in `into`.
    pub fn candidates(&self, images: &Images<'_>, into: &mut Vec<u32>) -> Looked {
        into.clear();
        let both = Both {
            before: images.before.as_ref(),
            after: images.after.as_ref(),
        };
        let mut search = Search {
            into,
            looked: Looked::default(),
        };
        if !both.is_none() {
            // A change that ends with nobody is a delete.
            let of_its_kind = if both.after.is_some() {
                &self.saves
            } else {
                &self.deletes
            };
            self.all.look(both, &mut search);
            of_its_kind.look(both, &mut search);
        }
        let looked = search.looked;
        into.sort_unstable();
        into.dedup();
        looked
    }

    /// Counts what it consists of, in time that grows with it.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for root in [&self.all, &self.saves, &self.deletes] {
            root.visit(&mut |seen| match seen {
                Seen::Entry(_) => census.entries += 1,
                Seen::Node => census.nodes += 1,
            });
        }
        census
    }

    fn edit(&mut self, verb: Verb, number: u32, view: &View) {
        let root = match view.kinds {
            Kinds::All => &mut self.all,
            Kinds::Saves => &mut self.saves,
            Kinds::Deletes => &mut self.deletes,
        };
        let predicate = view.filter.predicate();
        for branch in 0..plan::branches(predicate) {
            if let Some(parts) = plan::branch(predicate, branch) {
                let branch =
                    u16::try_from(branch).expect("a filter has no more than 1,504 branches");
                let entry = Entry { number, branch };
                root.edit(
                    Way::new(&parts),
                    Edit {
                        verb,
                        entry,
                        views: &self.views,
                    },
                );
            }
        }
    }
}

impl Views {
    /// Puts a view in a number's place; returns the one that was there.
    fn set(&mut self, number: u32, view: Option<View>) -> Option<View> {
        let at = number as usize;
        if at >= self.0.len() {
            view.as_ref()?;
            self.0.resize(at + 1, None);
        }
        std::mem::replace(&mut self.0[at], view)
    }

    fn of(&self, entry: Entry) -> &View {
        self.0[entry.number as usize]
            .as_ref()
            .expect("an entry is removed with its view")
    }
}
