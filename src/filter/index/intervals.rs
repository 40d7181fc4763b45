//! Which of many ranges hold a value: a balanced (AVL) tree of ranges, ordered by their beginning, in which each twig
//! knows the furthest end below it (Cormen et al., Introduction to Algorithms, 14.3). One-sided ranges and prefixes are
//! ranges too. A value finds its ranges in O(log n + found) steps where they overlap evenly.
//!
//! A twig holds up to 32 neighbouring ranges side by side (a T-tree: Lehman and Carey, VLDB 1986), because among a million
//! it is the memory that costs, not the comparison. Its own, because the crate interavl takes an owned range and a
//! heap-allocated stack for each question, keeps each range apart, and does not say how many it touched.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use super::Seen;
use super::bucket::Bucket;
use super::search::{BothImages, Search};

/// Ranges of one twig.
const HELD: usize = 32;

/// Buckets by range: from its start on, up to and without its end.
pub(super) struct Intervals<K>(Link<K>);

type Link<K> = Option<Box<Twig<K>>>;

struct Twig<K> {
    /// Ascending, one at least, all between those on the left and those on the right. Few that are left of many stay in
    /// a twig of their own until the last is gone.
    held: Vec<(Range<K>, Bucket)>,
    /// The greatest end of its own ranges and all below it.
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
        *link = Some(Box::new(Twig::new(vec![(range.clone(), bucket)])));
        return;
    };
    match twig.held.binary_search_by(|(held, _)| order(held, range)) {
        Ok(at) => {
            edit(&mut twig.held[at].1);
            if twig.held[at].1.is_empty() {
                twig.held.remove(at);
                if twig.held.is_empty() {
                    *link = joined(twig.left.take(), twig.right.take());
                } else if twig.held.len() < twig.held.capacity() / 4 {
                    twig.held.shrink_to(2 * twig.held.len());
                }
            }
        }
        Err(0) if twig.left.is_some() => edit_below(&mut twig.left, range, edit),
        Err(at) if at == twig.held.len() && twig.right.is_some() => edit_below(&mut twig.right, range, edit),
        Err(at) => {
            let mut bucket = Bucket::default();
            edit(&mut bucket);
            twig.held.insert(at, (range.clone(), bucket));
            if twig.held.len() > HELD {
                let upper = twig.held.split_off(HELD / 2);
                twig.held.shrink_to(HELD);
                put_first(&mut twig.right, Box::new(Twig::new(upper)));
            }
        }
    }
    balance(link);
}

fn order<K: Ord>(one: &Range<K>, two: &Range<K>) -> Ordering {
    (&one.start, &one.end).cmp(&(&two.start, &two.end))
}

/// Puts a twig before all others.
fn put_first<K: Ord + Clone>(link: &mut Link<K>, first: Box<Twig<K>>) {
    match link {
        None => *link = Some(first),
        Some(twig) => {
            put_first(&mut twig.left, first);
            balance(link);
        }
    }
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
    fn new(held: Vec<(Range<K>, Bucket)>) -> Self {
        let furthest = furthest(&held).clone();
        Self { held, furthest, height: 1, left: None, right: None }
    }

    /// Brings up to date what it knows of the twigs below, and of itself.
    fn measure(&mut self) {
        let [left, right] = self.heights();
        self.height = 1 + left.max(right);
        let below = self.left.iter().chain(&self.right).map(|twig| &twig.furthest);
        let furthest = below.fold(furthest(&self.held), Ord::max);
        if *furthest != self.furthest {
            self.furthest = furthest.clone();
        }
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
        for (range, bucket) in &self.held {
            if range.start.borrow() > value {
                return;
            }
            if value < range.end.borrow() {
                bucket.look(images, search);
            }
        }
        if let Some(right) = &self.right {
            right.look(value, images, search);
        }
    }

    fn visit(&self, see: &mut dyn FnMut(Seen)) {
        self.left.iter().chain(&self.right).for_each(|twig| twig.visit(see));
        for (_, bucket) in &self.held {
            see(Seen::Node);
            bucket.visit(see);
        }
    }
}

/// The greatest end of some ranges, one at least.
fn furthest<K: Ord>(held: &[(Range<K>, Bucket)]) -> &K {
    held.iter().map(|(range, _)| &range.end).max().expect("a twig holds one range at least")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::filter::index::bucket::Entry;
    use crate::filter::index::search::{Both, Looked};

    /// Checks a twig and all below it; returns its height.
    fn checked(twig: &Twig<u64>) -> u8 {
        let [left, right] = [&twig.left, &twig.right].map(|link| link.as_deref().map_or(0, checked));
        assert!(left.abs_diff(right) <= 1, "balanced");
        assert_eq!(twig.height, 1 + left.max(right));
        let below = twig.left.iter().chain(&twig.right).map(|twig| twig.furthest);
        assert_eq!(twig.furthest, below.chain(twig.held.iter().map(|(range, _)| range.end)).max().unwrap());
        assert!((1..=HELD).contains(&twig.held.len()));
        twig.height
    }

    proptest! {
        #[test]
        fn a_value_finds_exactly_the_ranges_that_hold_it_and_the_tree_stays_balanced(
            steps in prop::collection::vec((prop::bool::weighted(0.3), 0_u64..60, 1_u64..20), 1..1_000),
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
                intervals.0.as_deref().map(checked);
            }
            prop_assert_eq!(intervals.is_empty(), ranges.is_empty());
            for value in 0..80 {
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
