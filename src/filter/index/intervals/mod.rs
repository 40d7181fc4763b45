//! The ranges that hold a value: a B+-tree of ranges, ordered by their start. Each node has the
//! span of each node below it, from the start of its first range to the furthest end (the interval
//! tree of Cormen et al., Introduction to Algorithms, 14.3, on the tree of Comer, The Ubiquitous
//! B-Tree, 1979). One-sided ranges are ranges too.
//!
//! A search forks where two nodes hold ranges with the value; apart from that it visits one node a
//! level, four levels for a million ranges. Among so many the memory costs, not the comparison, so
//! the spans of a node lie side by side and are read in one go. The crate interavl takes an owned
//! range and a stack on the heap for each search, keeps each range apart, and does not count what
//! it touches, so this tree is our own.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use super::IndexItem;
use super::bucket::Bucket;
use super::search::{ImagePair, Search};

/// Spans of a node at most.
const WIDTH: usize = 32;
/// A node with fewer spans is joined with its neighbour.
const SPARSE: usize = WIDTH / 4;

/// Buckets by range, from its start up to its end without it.
pub(super) struct IntervalTree<K>(TreeNode<K>);

/// All leaves are equally deep. Nodes other than the root and the last of their level hold at least
/// `SPARSE` spans, so the depth is at most logarithmic.
enum TreeNode<K> {
    Leaf(Spans<K, Bucket>),
    /// The nodes below with the span of each, from the start of its first range to the furthest end
    /// of all its ranges.
    Inner(Spans<K, TreeNode<K>>),
}

/// Ascending by start; ranges of a leaf with the same start ascend by their end.
type Spans<K, T> = Vec<(Range<K>, T)>;

/// The place of a node in its level.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    Last,
    Inner,
}

impl<K> Default for IntervalTree<K> {
    fn default() -> Self {
        Self(TreeNode::Leaf(Vec::new()))
    }
}

impl<K: Ord + Clone> IntervalTree<K> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Finds the entries of all ranges that hold `value`.
    pub(super) fn find<Q: Ord + ?Sized>(
        &self,
        value: &Q,
        images: ImagePair<'_, '_>,
        search: &mut Search<'_>,
    ) where
        K: Borrow<Q>,
    {
        self.0.find(value, images, search);
    }

    /// Edits the bucket of a range. The tree keeps a range while its bucket is not empty.
    pub(super) fn edit(&mut self, range: &Range<K>, edit: impl FnOnce(&mut Bucket)) {
        let root = &mut self.0;
        if let Some(upper) = root.edit(range, Placement::Last, edit) {
            let lower = std::mem::replace(root, TreeNode::Leaf(Vec::new()));
            *root = TreeNode::Inner(vec![(lower.span(), lower), (upper.span(), upper)]);
        }
        while let TreeNode::Inner(nodes) = root
            && nodes.len() < 2
        {
            *root = nodes
                .pop()
                .map_or(TreeNode::Leaf(Vec::new()), |(_, last)| last);
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        self.0.visit(visitor);
    }
}

impl<K> TreeNode<K> {
    const fn len(&self) -> usize {
        match self {
            Self::Leaf(held) => held.len(),
            Self::Inner(nodes) => nodes.len(),
        }
    }

    fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        match self {
            Self::Leaf(held) => {
                for (_, bucket) in held {
                    visitor(IndexItem::Node);
                    bucket.visit(visitor);
                }
            }
            Self::Inner(nodes) => nodes.iter().for_each(|(_, node)| node.visit(visitor)),
        }
    }
}

impl<K: Ord + Clone> TreeNode<K> {
    fn find<Q: Ord + ?Sized>(&self, value: &Q, images: ImagePair<'_, '_>, search: &mut Search<'_>)
    where
        K: Borrow<Q>,
    {
        search.cost.nodes += 1;
        match self {
            Self::Leaf(held) => holding(held, value).for_each(|bucket| bucket.find(images, search)),
            Self::Inner(nodes) => {
                holding(nodes, value).for_each(|node| node.find(value, images, search));
            }
        }
    }

    /// Returns the upper half of this node, to be inserted after it, if it has grown too large.
    fn edit(
        &mut self,
        range: &Range<K>,
        placement: Placement,
        edit: impl FnOnce(&mut Bucket),
    ) -> Option<Self> {
        match self {
            Self::Leaf(held) => match held.binary_search_by(|(held, _)| order(held, range)) {
                Ok(at) => {
                    edit(&mut held[at].1);
                    if held[at].1.is_empty() {
                        held.remove(at);
                        if held.len() < held.capacity() / 4 {
                            held.shrink_to(2 * held.len());
                        }
                    }
                    None
                }
                Err(at) => {
                    let mut bucket = Bucket::default();
                    edit(&mut bucket);
                    insert(held, at, (range.clone(), bucket), placement).map(Self::Leaf)
                }
            },
            Self::Inner(nodes) => {
                let at = node_of(nodes, range);
                let placement_below = if at + 1 == nodes.len() {
                    placement
                } else {
                    Placement::Inner
                };
                let node = &mut nodes[at].1;
                let before = node.len();
                let upper = node.edit(range, placement_below, edit);
                match node.len() {
                    0 => drop(nodes.remove(at)),
                    left if left < before.min(SPARSE) && nodes.len() > 1 => {
                        join(nodes, at.saturating_sub(1));
                    }
                    _ => nodes[at].0 = nodes[at].1.span(),
                }
                let upper = upper?;
                insert(nodes, at + 1, (upper.span(), upper), placement).map(Self::Inner)
            }
        }
    }

    /// From the first start to the furthest end.
    fn span(&self) -> Range<K> {
        match self {
            Self::Leaf(held) => span(held),
            Self::Inner(nodes) => span(nodes),
        }
    }

    fn first(&self) -> &Range<K> {
        match self {
            Self::Leaf(held) => &held[0].0,
            Self::Inner(nodes) => nodes[0].1.first(),
        }
    }

    /// Appends the next node of the level.
    fn append(&mut self, neighbour: Self) {
        match (self, neighbour) {
            (Self::Leaf(held), Self::Leaf(mut more)) => held.append(&mut more),
            (Self::Inner(nodes), Self::Inner(mut more)) => nodes.append(&mut more),
            _ => unreachable!("all leaves are equally deep"),
        }
    }

    /// Keeps the lower half; returns the upper one.
    fn split(&mut self) -> Self {
        match self {
            Self::Leaf(held) => Self::Leaf(split(held, held.len() / 2)),
            Self::Inner(nodes) => Self::Inner(split(nodes, nodes.len() / 2)),
        }
    }
}

/// The values of the spans that hold `value`.
fn holding<'s, K, T, Q>(spans: &'s Spans<K, T>, value: &'s Q) -> impl Iterator<Item = &'s T>
where
    K: Borrow<Q>,
    Q: Ord + ?Sized,
{
    let begun = spans
        .iter()
        .take_while(move |(span, _)| span.start.borrow() <= value);
    begun
        .filter(move |(span, _)| value < span.end.borrow())
        .map(|(_, below)| below)
}

/// The node that a range belongs to: the last one whose first range is not after it, else the first
/// node.
fn node_of<K: Ord + Clone>(nodes: &Spans<K, TreeNode<K>>, range: &Range<K>) -> usize {
    let before = nodes.partition_point(|(span, _)| span.start < range.start);
    let alike = nodes[before..].partition_point(|(span, node)| {
        // A span has the furthest end, not that of its first range.
        span.start == range.start && order(node.first(), range).is_le()
    });
    (before + alike).saturating_sub(1)
}

fn order<K: Ord>(one: &Range<K>, two: &Range<K>) -> Ordering {
    (&one.start, &one.end).cmp(&(&two.start, &two.end))
}

fn span<K: Ord + Clone, T>(spans: &Spans<K, T>) -> Range<K> {
    let furthest = spans
        .iter()
        .map(|(span, _)| &span.end)
        .max()
        .expect("a node below another has at least one span");
    spans[0].0.start.clone()..furthest.clone()
}

/// Inserts a span; returns the upper half of the spans if they no longer fit. Ranges that are
/// inserted in ascending order leave full nodes behind.
fn insert<K, T>(
    spans: &mut Spans<K, T>,
    at: usize,
    new: (Range<K>, T),
    placement: Placement,
) -> Option<Spans<K, T>> {
    if spans.len() < WIDTH {
        spans.insert(at, new);
        return None;
    }
    let kept = if placement == Placement::Last && at == WIDTH {
        WIDTH
    } else {
        WIDTH / 2
    };
    let mut upper = spans.split_off(kept);
    if at < kept {
        spans.insert(at, new);
    } else {
        upper.insert(at - kept, new);
    }
    Some(upper)
}

/// Joins a node with the next one, and halves the result if it is too large.
fn join<K: Ord + Clone>(nodes: &mut Spans<K, TreeNode<K>>, lower: usize) {
    let (_, upper) = nodes.remove(lower + 1);
    let node = &mut nodes[lower].1;
    node.append(upper);
    if node.len() > WIDTH {
        let upper = node.split();
        nodes.insert(lower + 1, (upper.span(), upper));
    }
    nodes[lower].0 = nodes[lower].1.span();
}

fn split<K, T>(spans: &mut Spans<K, T>, kept: usize) -> Spans<K, T> {
    let upper = spans.split_off(kept);
    spans.shrink_to(WIDTH);
    upper
}

#[cfg(test)]
mod tests;
