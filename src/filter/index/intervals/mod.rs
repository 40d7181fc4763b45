//! Which of many ranges hold a value: a B+-tree of ranges, ordered by their beginning, in which
//! each node knows of each node below it where the first range begins and where the furthest ends
//! (the interval tree of Cormen et al., Introduction to Algorithms, 14.3, on the tree of Comer, The
//! Ubiquitous B-Tree, 1979). One-sided ranges are ranges too.
//!
//! A value's way forks where two nodes hold ranges of its own; beside that it is one node a level,
//! four levels for a million ranges. Among so many it is the memory that costs, not the comparison:
//! what a step asks of all that is below a node stands side by side, and is read in one go. Its
//! own, because the crate interavl takes an owned range and a heap-allocated stack for each
//! question, keeps each range apart, and does not say how many it touched.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use super::Seen;
use super::bucket::Bucket;
use super::search::{BothImages, Search};

/// What a node holds at most.
const WIDTH: usize = 32;
/// A node with less than this is joined with its neighbour.
const SPARSE: usize = WIDTH / 4;

/// Buckets by range: from its start on, up to and without its end.
pub(super) struct Intervals<K>(Node<K>);

/// All leaves are equally deep. Nodes other than the root and the last of their level hold `SPARSE`
/// at least, so that the depth is at most logarithmic.
enum Node<K> {
    Leaf(Spans<K, Bucket>),
    /// Nodes behind the span of each: from the start of its first range up to the furthest end of
    /// all below it.
    Inner(Spans<K, Node<K>>),
}

/// Ascending by start; ranges of a leaf with the same start ascend by their end.
type Spans<K, T> = Vec<(Range<K>, T)>;

/// Where a node stands among all of its level.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Last,
    Between,
}

impl<K> Default for Intervals<K> {
    fn default() -> Self {
        Self(Node::Leaf(Vec::new()))
    }
}

impl<K: Ord + Clone> Intervals<K> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Looks into the buckets of all ranges that hold `value`.
    pub(super) fn look<Q: Ord + ?Sized>(
        &self,
        value: &Q,
        images: BothImages<'_, '_>,
        search: &mut Search<'_>,
    ) where
        K: Borrow<Q>,
    {
        self.0.look(value, images, search);
    }

    /// Edits the bucket of a range, which is there as long as it is not empty.
    pub(super) fn edit(&mut self, range: &Range<K>, edit: impl FnOnce(&mut Bucket)) {
        let root = &mut self.0;
        if let Some(upper) = root.edit(range, Standing::Last, edit) {
            let lower = std::mem::replace(root, Node::Leaf(Vec::new()));
            *root = Node::Inner(vec![(lower.span(), lower), (upper.span(), upper)]);
        }
        while let Node::Inner(nodes) = root
            && nodes.len() < 2
        {
            *root = nodes.pop().map_or(Node::Leaf(Vec::new()), |(_, last)| last);
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        self.0.visit(see);
    }
}

impl<K> Node<K> {
    const fn len(&self) -> usize {
        match self {
            Self::Leaf(held) => held.len(),
            Self::Inner(nodes) => nodes.len(),
        }
    }

    fn visit(&self, see: &mut dyn FnMut(Seen)) {
        match self {
            Self::Leaf(held) => {
                for (_, bucket) in held {
                    see(Seen::Node);
                    bucket.visit(see);
                }
            }
            Self::Inner(nodes) => nodes.iter().for_each(|(_, node)| node.visit(see)),
        }
    }
}

impl<K: Ord + Clone> Node<K> {
    fn look<Q: Ord + ?Sized>(&self, value: &Q, images: BothImages<'_, '_>, search: &mut Search<'_>)
    where
        K: Borrow<Q>,
    {
        search.looked.nodes += 1;
        match self {
            Self::Leaf(held) => holding(held, value).for_each(|bucket| bucket.look(images, search)),
            Self::Inner(nodes) => {
                holding(nodes, value).for_each(|node| node.look(value, images, search));
            }
        }
    }

    /// Returns what is put behind this node, if it became too much for one.
    fn edit(
        &mut self,
        range: &Range<K>,
        standing: Standing,
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
                    insert(held, at, (range.clone(), bucket), standing).map(Self::Leaf)
                }
            },
            Self::Inner(nodes) => {
                let at = way(nodes, range);
                let standing_below = if at + 1 == nodes.len() {
                    standing
                } else {
                    Standing::Between
                };
                let node = &mut nodes[at].1;
                let before = node.len();
                let upper = node.edit(range, standing_below, edit);
                match node.len() {
                    0 => drop(nodes.remove(at)),
                    left if left < before.min(SPARSE) && nodes.len() > 1 => {
                        join(nodes, at.saturating_sub(1));
                    }
                    _ => nodes[at].0 = nodes[at].1.span(),
                }
                let upper = upper?;
                insert(nodes, at + 1, (upper.span(), upper), standing).map(Self::Inner)
            }
        }
    }

    /// From the first start up to the furthest end.
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

    /// Takes all of a neighbour, which is equally deep and comes after.
    fn append(&mut self, neighbour: Self) {
        match (self, neighbour) {
            (Self::Leaf(held), Self::Leaf(mut more)) => held.append(&mut more),
            (Self::Inner(nodes), Self::Inner(mut more)) => nodes.append(&mut more),
            _ => unreachable!("all leaves are equally deep"),
        }
    }

    /// Keeps the lower half.
    fn split(&mut self) -> Self {
        match self {
            Self::Leaf(held) => Self::Leaf(split(held, held.len() / 2)),
            Self::Inner(nodes) => Self::Inner(split(nodes, nodes.len() / 2)),
        }
    }
}

/// What stands behind the spans that hold a value.
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

/// The node that a range belongs to: the last that begins with it or with one before it, else the
/// first.
fn way<K: Ord + Clone>(nodes: &Spans<K, Node<K>>, range: &Range<K>) -> usize {
    let before = nodes.partition_point(|(span, _)| span.start < range.start);
    let alike = nodes[before..].partition_point(|(span, node)| {
        // A span knows the furthest end, not that of its first range.
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
        .expect("a node below another holds one at least");
    spans[0].0.start.clone()..furthest.clone()
}

/// Inserts at a place, and returns what no longer fits. Ranges that come in their order leave full
/// nodes behind.
fn insert<K, T>(
    spans: &mut Spans<K, T>,
    at: usize,
    new: (Range<K>, T),
    standing: Standing,
) -> Option<Spans<K, T>> {
    if spans.len() < WIDTH {
        spans.insert(at, new);
        return None;
    }
    let kept = if standing == Standing::Last && at == WIDTH {
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

/// Joins two neighbours; what is too much for one is halved.
fn join<K: Ord + Clone>(nodes: &mut Spans<K, Node<K>>, lower: usize) {
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
