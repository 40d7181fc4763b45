//! One pass over the index with both images of a change: what is found, and what was touched on the
//! way.

use crate::filter::image::Image;

/// What a search cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Entries touched: each names a view, and a view may be named several times.
    pub entries: usize,
    /// Other places looked at: nodes, paths, ranges. They may grow with the logarithm of what is in
    /// the index.
    pub nodes: usize,
}

/// The views found so far.
pub(super) struct Search<'s> {
    pub(super) into: &'s mut Vec<u32>,
    pub(super) looked: Looked,
}

/// The same of the person before and after a change; none where it is not, or no longer asked.
#[derive(Clone, Copy)]
pub(super) struct Both<T> {
    pub(super) before: Option<T>,
    pub(super) after: Option<T>,
}

/// The images that fulfil what was asked on the way here.
pub(super) type BothImages<'i, 'a> = Both<&'i Image<'a>>;

impl Search<'_> {
    pub(super) fn find(&mut self, number: u32) {
        self.looked.entries += 1;
        self.into.push(number);
    }
}

impl<T: Copy> Both<T> {
    pub(super) fn and_then<U>(self, of: impl Fn(T) -> Option<U>) -> Both<U> {
        Both {
            before: self.before.and_then(&of),
            after: self.after.and_then(&of),
        }
    }

    /// Those of which there is the other, too.
    pub(super) fn where_there_is<U>(self, other: &Both<U>) -> Self {
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
