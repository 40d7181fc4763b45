//! Which of many ranges hold a value: a balanced (AVL) tree of ranges, ordered by their beginning, in which each twig
//! knows the furthest end below it (Cormen et al., Introduction to Algorithms, 14.3). One-sided ranges and prefixes are
//! ranges too. A value finds its ranges in O(log n + found) steps where they overlap evenly.
//!
//! Its own, because the crate interavl takes an owned range and a heap-allocated stack for each question, and does not
//! say how many twigs it touched.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use super::Seen;
use super::bucket::Bucket;
use super::search::{BothImages, Search};

/// Buckets by range: from its start on, up to and without its end.
pub(super) struct Intervals<K>(Link<K>);

type Link<K> = Option<Box<Twig<K>>>;

struct Twig<K> {
    range: Range<K>,
    bucket: Bucket,
    /// The greatest end of its own range and all below it.
    furthest: K,
    /// 1 where nothing is below.
    height: u8,
    left: Link<K>,
    right: Link<K>,
}

impl<K> Default for Intervals<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: Ord + Clone> Intervals<K> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Looks into the buckets of all ranges that hold `value`.
    pub(super) fn look<Q: Ord + ?Sized>(&self, value: &Q, images: BothImages<'_, '_>, search: &mut Search<'_>)
    where
        K: Borrow<Q>,
    {
        if let Some(twig) = &self.0 {
            twig.look(value, images, search);
        }
    }

    /// Edits the bucket of a range, which is there as long as it is not empty.
    pub(super) fn edit(&mut self, range: &Range<K>, edit: impl FnOnce(&mut Bucket)) {
        edit_below(&mut self.0, range, edit);
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        if let Some(twig) = &self.0 {
            twig.visit(see);
        }
    }
}

fn edit_below<K: Ord + Clone>(link: &mut Link<K>, range: &Range<K>, edit: impl FnOnce(&mut Bucket)) {
    let Some(twig) = link else {
        let mut bucket = Bucket::default();
        edit(&mut bucket);
        *link = Some(Box::new(Twig::new(range.clone(), bucket)));
        return;
    };
    match (&range.start, &range.end).cmp(&(&twig.range.start, &twig.range.end)) {
        Ordering::Less => edit_below(&mut twig.left, range, edit),
        Ordering::Greater => edit_below(&mut twig.right, range, edit),
        Ordering::Equal => {
            edit(&mut twig.bucket);
            if twig.bucket.is_empty() {
                *link = joined(twig.left.take(), twig.right.take());
            }
        }
    }
    balance(link);
}

/// One tree of two, of which all of `left` comes before all of `right`; their heights differ by one at most.
fn joined<K: Ord + Clone>(left: Link<K>, mut right: Link<K>) -> Link<K> {
    let Some(mut first) = take_first(&mut right) else { return left };
    first.left = left;
    first.right = right;
    Some(first)
}

fn take_first<K: Ord + Clone>(link: &mut Link<K>) -> Link<K> {
    let mut twig = link.take()?;
    if twig.left.is_none() {
        *link = twig.right.take();
        return Some(twig);
    }
    let first = take_first(&mut twig.left);
    *link = Some(twig);
    balance(link);
    first
}

/// Makes the heights below a twig differ by one at most, after they came to differ by two at most.
fn balance<K: Ord + Clone>(link: &mut Link<K>) {
    let Some(twig) = link else { return };
    match twig.tilt() {
        ..-1 => {
            if twig.left.as_ref().is_some_and(|left| left.tilt() > 0) {
                rotate_left(&mut twig.left);
            }
            rotate_right(link);
        }
        -1..=1 => twig.measure(),
        2.. => {
            if twig.right.as_ref().is_some_and(|right| right.tilt() < 0) {
                rotate_right(&mut twig.right);
            }
            rotate_left(link);
        }
    }
}

fn rotate_left<K: Ord + Clone>(link: &mut Link<K>) {
    let Some(mut twig) = link.take() else { return };
    let Some(mut top) = twig.right.take() else {
        *link = Some(twig);
        return;
    };
    twig.right = top.left.take();
    twig.measure();
    top.left = Some(twig);
    top.measure();
    *link = Some(top);
}

fn rotate_right<K: Ord + Clone>(link: &mut Link<K>) {
    let Some(mut twig) = link.take() else { return };
    let Some(mut top) = twig.left.take() else {
        *link = Some(twig);
        return;
    };
    twig.left = top.right.take();
    twig.measure();
    top.right = Some(twig);
    top.measure();
    *link = Some(top);
}

impl<K: Ord + Clone> Twig<K> {
    fn new(range: Range<K>, bucket: Bucket) -> Self {
        Self { furthest: range.end.clone(), range, bucket, height: 1, left: None, right: None }
    }

    /// Brings up to date what it knows of the twigs below.
    fn measure(&mut self) {
        let [left, right] = self.heights();
        self.height = 1 + left.max(right);
        let below = self.left.iter().chain(&self.right).map(|twig| &twig.furthest);
        self.furthest = below.fold(&self.range.end, Ord::max).clone();
    }

    /// How much higher the right side is than the left.
    fn tilt(&self) -> i16 {
        let [left, right] = self.heights();
        i16::from(right) - i16::from(left)
    }

    fn heights(&self) -> [u8; 2] {
        [&self.left, &self.right].map(|link| link.as_ref().map_or(0, |twig| twig.height))
    }

    fn look<Q: Ord + ?Sized>(&self, value: &Q, images: BothImages<'_, '_>, search: &mut Search<'_>)
    where
        K: Borrow<Q>,
    {
        search.looked.nodes += 1;
        if self.furthest.borrow() <= value {
            return;
        }
        if let Some(left) = &self.left {
            left.look(value, images, search);
        }
        if self.range.start.borrow() > value {
            return;
        }
        if value < self.range.end.borrow() {
            self.bucket.look(images, search);
        }
        if let Some(right) = &self.right {
            right.look(value, images, search);
        }
    }

    fn visit(&self, see: &mut dyn FnMut(Seen)) {
        see(Seen::Node);
        self.left.iter().chain(&self.right).for_each(|twig| twig.visit(see));
        self.bucket.visit(see);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::filter::index::bucket::Entry;
    use crate::filter::index::search::{Both, Looked};

    /// Checks a twig and all below it; returns its height and its furthest end.
    fn checked(link: &Link<u64>) -> Option<(u8, u64)> {
        let twig = link.as_ref()?;
        let (left, right) = (checked(&twig.left), checked(&twig.right));
        let height = |side: Option<(u8, u64)>| side.map_or(0, |(height, _)| height);
        assert!(height(left).abs_diff(height(right)) <= 1, "balanced");
        assert_eq!(twig.height, 1 + height(left).max(height(right)));
        let furthest = [left, right].into_iter().flatten().map(|(_, furthest)| furthest).fold(twig.range.end, u64::max);
        assert_eq!(twig.furthest, furthest);
        Some((twig.height, furthest))
    }

    proptest! {
        #[test]
        fn a_value_finds_exactly_the_ranges_that_hold_it_and_the_tree_stays_balanced(
            steps in prop::collection::vec((any::<bool>(), 0_u64..20, 1_u64..8), 1..200),
        ) {
            let mut intervals = Intervals::default();
            let mut ranges = BTreeMap::new();
            for (number, (remove, start, length)) in (0..).zip(steps) {
                let range = start..start + length;
                let key = (range.start, range.end);
                if remove && ranges.remove(&key).is_some() {
                    intervals.edit(&range, |bucket| *bucket = Bucket::Empty);
                } else {
                    ranges.insert(key, number);
                    intervals.edit(&range, |bucket| *bucket = Bucket::One(Entry { number, branch: 0 }));
                }
                checked(&intervals.0);
            }
            prop_assert_eq!(intervals.is_empty(), ranges.is_empty());
            for value in 0..30 {
                let mut into = Vec::new();
                let mut search = Search { into: &mut into, looked: Looked::default() };
                intervals.look(&value, Both { before: None, after: None }, &mut search);
                let holding = ranges.iter().filter(|((start, end), _)| (*start..*end).contains(&value));
                let holding: Vec<u32> = holding.map(|(_, number)| *number).collect();
                prop_assert_eq!(into, holding, "in the order of their starts");
            }
        }
    }
}
