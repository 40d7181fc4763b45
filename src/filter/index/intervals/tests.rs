//! A value finds exactly the ranges that hold it, and the tree stays balanced.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::filter::index::bucket::Entry;
use crate::filter::index::search::{Both, Looked};

/// Checks a node and all below it; returns its depth.
fn checked(node: &Node<u64>, standing: Standing) -> usize {
    let fewest = if standing == Standing::Last {
        1
    } else {
        SPARSE
    };
    assert!(
        (fewest..=WIDTH).contains(&node.len()),
        "{} is too few or too many",
        node.len()
    );
    let Node::Inner(nodes) = node else { return 1 };
    let depths = nodes.iter().enumerate().map(|(at, (span, below))| {
        assert_eq!(*span, below.span());
        checked(
            below,
            if at + 1 == nodes.len() {
                standing
            } else {
                Standing::Between
            },
        )
    });
    let depths: BTreeSet<usize> = depths.collect();
    assert_eq!(depths.len(), 1, "all leaves are equally deep");
    1 + depths.first().unwrap()
}

fn bucket(number: u32) -> Bucket {
    Bucket::One(Entry { number, branch: 0 })
}

fn found(intervals: &Intervals<u64>, value: u64) -> (Vec<u32>, Looked) {
    let mut into = Vec::new();
    let mut search = Search {
        into: &mut into,
        looked: Looked::default(),
    };
    intervals.look(
        &value,
        Both {
            before: None,
            after: None,
        },
        &mut search,
    );
    let looked = search.looked;
    (into, looked)
}

#[derive(Clone, Copy, Debug)]
enum Coming {
    Ascending,
    Descending,
    AsTheyAre,
}

fn ranges(most: usize) -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec(
        (0_u64..300, 1_u64..30).prop_map(|(start, length)| (start, start + length)),
        1..most,
    )
}

proptest! {
    #[test]
    fn a_value_finds_exactly_the_ranges_that_hold_it_and_the_tree_stays_balanced(
        coming in prop::sample::select(vec![
            Coming::Ascending, Coming::Descending, Coming::AsTheyAre,
        ]),
        mut first in ranges(3_000),
        more in ranges(1_000),
        going in prop::collection::vec(any::<prop::sample::Index>(), 4_000),
    ) {
        match coming {
            Coming::Ascending => first.sort_unstable(),
            Coming::Descending => first.sort_unstable_by(|one, two| two.cmp(one)),
            Coming::AsTheyAre => {}
        }
        let mut intervals = Intervals::default();
        let mut there = BTreeMap::new();
        for (number, range) in (0..).zip(first) {
            there.insert(range, number);
            intervals.edit(&(range.0..range.1), |held| *held = bucket(number));
        }
        compare(&intervals, &there);
        // More come while others go, until none is left.
        let mut more = (3_000..).zip(more);
        let mut all: Vec<(u64, u64)> = there.keys().copied().collect();
        for (turn, gone) in going.iter().enumerate() {
            if all.is_empty() {
                break;
            }
            let range = all.swap_remove(gone.index(all.len()));
            there.remove(&range);
            intervals.edit(&(range.0..range.1), |held| *held = Bucket::Empty);
            if turn % 4 == 0 && let Some((number, range)) = more.next() {
                if there.insert(range, number).is_none() {
                    all.push(range);
                }
                intervals.edit(&(range.0..range.1), |held| *held = bucket(number));
            }
            if turn % 64 == 0 {
                compare(&intervals, &there);
            }
        }
        prop_assert!(all.is_empty() && intervals.is_empty());
        prop_assert!(matches!(intervals.0, Node::Leaf(_)));
    }
}

/// That the tree is sound, and each value finds what holds it, in the order of their starts.
fn compare(intervals: &Intervals<u64>, there: &BTreeMap<(u64, u64), u32>) {
    if !intervals.is_empty() {
        checked(&intervals.0, Standing::Last);
    }
    for value in (0..340).step_by(7) {
        let holding = there
            .iter()
            .filter(|((start, end), _)| (*start..*end).contains(&value));
        let holding: Vec<u32> = holding.map(|(_, number)| *number).collect();
        assert_eq!(found(intervals, value).0, holding);
    }
}

#[test]
fn ranges_that_come_in_order_fill_their_nodes_and_a_value_goes_one_way() {
    let mut intervals = Intervals::default();
    let number = u32::try_from(WIDTH * WIDTH * WIDTH).unwrap();
    for range in 0..number {
        let start = u64::from(range);
        intervals.edit(&(start..start + 1), |held| *held = bucket(range));
    }
    assert_eq!(checked(&intervals.0, Standing::Last), 3);
    for value in (0..number).step_by(1_000) {
        let (found, looked) = found(&intervals, value.into());
        assert_eq!((found, looked.nodes), (vec![value], 3));
    }
}
