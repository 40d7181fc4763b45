//! One pass over the index with both images of a change: the views found, and the cost so far.

use crate::filter::predicate::Image;

/// The cost of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchCost {
    /// Entries touched. Each belongs to a view, and a view may have several.
    pub entries: usize,
    /// Nodes touched: nodes of the tree, paths, ranges. They may grow with the logarithm of the
    /// number of entries.
    pub nodes: usize,
}

/// The views found so far.
pub(super) struct Search<'s> {
    pub(super) into: &'s mut Vec<u32>,
    pub(super) cost: SearchCost,
}

/// One value of the person before the change and one after it; `None` where there is no such value
/// or where the image no longer counts.
#[derive(Clone, Copy)]
pub(super) struct Pair<T> {
    pub(super) before: Option<T>,
    pub(super) after: Option<T>,
}

/// The images that fulfil all constraints from the root of the index to here.
pub(super) type ImagePair<'i, 'a> = Pair<&'i Image<'a>>;

impl Search<'_> {
    pub(super) fn add(&mut self, number: u32) {
        self.cost.entries += 1;
        self.into.push(number);
    }
}

impl<T: Copy> Pair<T> {
    pub(super) fn and_then<U>(self, of: impl Fn(T) -> Option<U>) -> Pair<U> {
        Pair {
            before: self.before.and_then(&of),
            after: self.after.and_then(&of),
        }
    }

    /// Without the sides that `other` does not have.
    pub(super) fn on_sides_of<U>(self, other: &Pair<U>) -> Self {
        Self {
            before: self.before.filter(|_| other.before.is_some()),
            after: self.after.filter(|_| other.after.is_some()),
        }
    }

    pub(super) const fn only_before(self) -> Self {
        Self {
            before: self.before,
            after: None,
        }
    }

    pub(super) const fn only_after(self) -> Self {
        Self {
            before: None,
            after: self.after,
        }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}
