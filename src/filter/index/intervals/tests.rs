//! A search finds exactly the ranges that hold a value, and the tree stays balanced.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::filter::index::bucket::BranchEntry;
use crate::filter::index::search::{Pair, SearchCost};

/// Checks a node and all below it; returns its depth.
fn checked(node: &TreeNode<u64>, placement: Placement) -> usize {
    let fewest = if placement == Placement::Last {
        1
    } else {
        SPARSE
    };
    assert!(
        (fewest..=WIDTH).contains(&node.len()),
        "{} is too few or too many",
        node.len()
    );
    let TreeNode::Inner(nodes) = node else {
        return 1;
    };
    let depths = nodes.iter().enumerate().map(|(at, (span, below))| {
        assert_eq!(*span, below.span());
        checked(
            below,
            if at + 1 == nodes.len() {
                placement
            } else {
                Placement::Inner
            },
        )
    });
    let depths: BTreeSet<usize> = depths.collect();
    assert_eq!(depths.len(), 1, "all leaves are equally deep");
    1 + depths.first().unwrap()
}

fn bucket(number: u32) -> Bucket {
    Bucket::One(BranchEntry { number, branch: 0 })
}

fn found(intervals: &IntervalTree<u64>, value: u64) -> (Vec<u32>, SearchCost) {
    let mut into = Vec::new();
    let mut search = Search {
        into: &mut into,
        cost: SearchCost::default(),
    };
    intervals.find(
        &value,
        Pair {
            before: None,
            after: None,
        },
        &mut search,
    );
    let cost = search.cost;
    (into, cost)
}

#[derive(Clone, Copy, Debug)]
enum InsertionOrder {
    Ascending,
    Descending,
    Random,
}

fn ranges(most: usize) -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec(
        (0_u64..300, 1_u64..30).prop_map(|(start, length)| (start, start + length)),
        1..most,
    )
}

proptest! {
    #[test]
    fn a_search_finds_exactly_the_ranges_that_hold_a_value_and_the_tree_stays_balanced(
        order in prop::sample::select(vec![
            InsertionOrder::Ascending, InsertionOrder::Descending, InsertionOrder::Random,
        ]),
        mut first in ranges(3_000),
        more in ranges(1_000),
        removals in prop::collection::vec(any::<prop::sample::Index>(), 4_000),
    ) {
        match order {
            InsertionOrder::Ascending => first.sort_unstable(),
            InsertionOrder::Descending => first.sort_unstable_by(|one, two| two.cmp(one)),
            InsertionOrder::Random => {}
        }
        let mut intervals = IntervalTree::default();
        let mut expected = BTreeMap::new();
        for (number, range) in (0..).zip(first) {
            expected.insert(range, number);
            intervals.edit(&(range.0..range.1), |held| *held = bucket(number));
        }
        assert_same(&intervals, &expected);
        // Remove all of them, and insert others meanwhile.
        let mut more = (3_000..).zip(more);
        let mut all: Vec<(u64, u64)> = expected.keys().copied().collect();
        for (step, removed) in removals.iter().enumerate() {
            if all.is_empty() {
                break;
            }
            let range = all.swap_remove(removed.index(all.len()));
            expected.remove(&range);
            intervals.edit(&(range.0..range.1), |held| *held = Bucket::Empty);
            if step % 4 == 0 && let Some((number, range)) = more.next() {
                if expected.insert(range, number).is_none() {
                    all.push(range);
                }
                intervals.edit(&(range.0..range.1), |held| *held = bucket(number));
            }
            if step % 64 == 0 {
                assert_same(&intervals, &expected);
            }
        }
        prop_assert!(all.is_empty() && intervals.is_empty());
        prop_assert!(matches!(intervals.0, TreeNode::Leaf(_)));
    }
}

/// Asserts that the tree is sound, and that a search finds the ranges in the order of their starts.
fn assert_same(intervals: &IntervalTree<u64>, expected: &BTreeMap<(u64, u64), u32>) {
    if !intervals.is_empty() {
        checked(&intervals.0, Placement::Last);
    }
    for value in (0..340).step_by(7) {
        let holding = expected
            .iter()
            .filter(|((start, end), _)| (*start..*end).contains(&value));
        let holding: Vec<u32> = holding.map(|(_, number)| *number).collect();
        assert_eq!(found(intervals, value).0, holding);
    }
}

#[test]
fn ranges_inserted_in_order_fill_their_nodes_and_a_search_visits_one_node_a_level() {
    let mut intervals = IntervalTree::default();
    let number = u32::try_from(WIDTH * WIDTH * WIDTH).unwrap();
    for range in 0..number {
        let start = u64::from(range);
        intervals.edit(&(start..start + 1), |held| *held = bucket(range));
    }
    assert_eq!(checked(&intervals.0, Placement::Last), 3);
    for value in (0..number).step_by(1_000) {
        let (found, cost) = found(&intervals, value.into());
        assert_eq!((found, cost.nodes), (vec![value], 3));
    }
}
