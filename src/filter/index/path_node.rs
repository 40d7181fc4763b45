//! The constraints on one path: a lookup for each kind of test, and the paths below.

use smallvec::SmallVec;

use super::IndexItem;
use super::bucket::{Bucket, Descent, Edit};
use super::grams::GramTable;
use super::intervals::IntervalTree;
use super::key::{self, TextEdge};
use super::names::NameTable;
use super::plan::Test;
use super::search::{ImagePair, Pair, Search};
use super::values::{PrefixTable, ValueTable};
use crate::filter::predicate::{Number, PathValue, ScalarRef};

/// The lookups of one path, at most one of each kind; none is empty. Most paths have one, which
/// then lies in the node itself.
#[derive(Default)]
pub(super) struct PathNode(SmallVec<[Lookup; 1]>);

/// The tests of one kind.
enum Lookup {
    Equal(ValueTable),
    Holds(ValueTable),
    Numbers(IntervalTree<u64>),
    Texts(IntervalTree<TextEdge>),
    Prefixes(PrefixTable),
    /// As prefixes of reversed texts.
    Suffixes(PrefixTable),
    Grams(Box<GramTable>),
    Sizes(IntervalTree<u64>),
    Present(Bucket),
    /// Constraints on the paths below this one.
    Below(Box<NameTable>),
}

impl PathNode {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the entries that `values`, the values of `images` at this path, fulfil.
    pub(super) fn find(
        &self,
        values: Pair<PathValue<'_>>,
        images: ImagePair<'_, '_>,
        search: &mut Search<'_>,
    ) {
        search.cost.nodes += 1;
        let images = images.on_sides_of(&values);
        // Most changes leave most values as they are.
        if let (Some(before), Some(after)) = (values.before, values.after)
            && self.are_equivalent(before, after)
        {
            self.find_value(after, images, search);
        } else {
            if let Some(value) = values.before {
                self.find_value(value, images.only_before(), search);
            }
            if let Some(value) = values.after {
                self.find_value(value, images.only_after(), search);
            }
        }
        for lookup in &self.0 {
            match lookup {
                Lookup::Present(bucket) if !images.is_none() => bucket.find(images, search),
                Lookup::Below(names) => {
                    names.find(values.and_then(PathValue::object), images, search);
                }
                _ => {}
            }
        }
    }

    /// Whether two values fulfil the same tests of this node. Of lists and objects that is their
    /// size, and their contents only if a test needs them.
    fn are_equivalent(&self, before: PathValue<'_>, after: PathValue<'_>) -> bool {
        let has_contents_test = || {
            self.0
                .iter()
                .any(|lookup| matches!(lookup, Lookup::Holds(_)))
        };
        match (before, after) {
            (PathValue::Scalar(before), PathValue::Scalar(after)) => before == after,
            (PathValue::List(before), PathValue::List(after)) => {
                before.len() == after.len() && (!has_contents_test() || before == after)
            }
            (PathValue::Object(before), PathValue::Object(after)) => {
                before.len() == after.len() && (!has_contents_test() || before == after)
            }
            _ => false,
        }
    }

    fn find_value(&self, value: PathValue<'_>, images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        for lookup in &self.0 {
            lookup.find(value, images, search);
        }
    }

    pub(super) fn edit(
        &mut self,
        keys: &[Box<str>],
        test: &Test<'_>,
        descent: Descent<'_>,
        edit: Edit<'_>,
    ) {
        let known = self
            .0
            .iter_mut()
            .position(|lookup| lookup.edit(keys, test, descent, edit));
        let at = known.unwrap_or_else(|| {
            let mut lookup = Lookup::new(keys, test);
            let is_edited = lookup.edit(keys, test, descent, edit);
            assert!(is_edited, "a lookup takes the test that it was made for");
            self.0.push(lookup);
            self.0.len() - 1
        });
        if self.0[at].is_empty() {
            self.0.swap_remove(at);
            self.0.shrink_to_fit();
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        visitor(IndexItem::Node);
        for lookup in &self.0 {
            match lookup {
                Lookup::Equal(values) | Lookup::Holds(values) => values.visit(visitor),
                Lookup::Numbers(ranges) | Lookup::Sizes(ranges) => ranges.visit(visitor),
                Lookup::Texts(ranges) => ranges.visit(visitor),
                Lookup::Prefixes(prefixes) | Lookup::Suffixes(prefixes) => prefixes.visit(visitor),
                Lookup::Grams(grams) => grams.visit(visitor),
                Lookup::Present(bucket) => bucket.visit(visitor),
                Lookup::Below(names) => names.visit(visitor),
            }
        }
    }
}

impl Lookup {
    /// An empty lookup for tests of this kind.
    fn new(keys: &[Box<str>], test: &Test<'_>) -> Self {
        match test {
            _ if !keys.is_empty() => Self::Below(Box::default()),
            Test::Equal(_) => Self::Equal(ValueTable::default()),
            Test::Holds(_) => Self::Holds(ValueTable::default()),
            Test::Numbers(_) => Self::Numbers(IntervalTree::default()),
            Test::Texts(_) => Self::Texts(IntervalTree::default()),
            Test::Prefix(_) => Self::Prefixes(PrefixTable::default()),
            Test::Suffix(_) => Self::Suffixes(PrefixTable::default()),
            Test::Gram(_) => Self::Grams(Box::default()),
            Test::Sizes(_) => Self::Sizes(IntervalTree::default()),
            Test::Present => Self::Present(Bucket::default()),
        }
    }

    /// Finds the entries whose test `value` fulfils. [`PathNode::find`] finds those of `Present`
    /// and `Below`, which do not depend on the value alone.
    fn find(&self, value: PathValue<'_>, images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        match (self, value) {
            (Self::Equal(values), PathValue::Scalar(scalar)) => {
                values.find(scalar, images, search);
            }
            (Self::Numbers(ranges), PathValue::Scalar(ScalarRef::Number(number))) => {
                ranges.find(&key::number_edge(number), images, search);
            }
            (Self::Texts(ranges), PathValue::Scalar(ScalarRef::Text(text))) => {
                ranges.find(text.as_bytes(), images, search);
            }
            (Self::Prefixes(prefixes), PathValue::Scalar(ScalarRef::Text(text))) => {
                prefixes.find(text.as_bytes(), images, search);
            }
            (Self::Suffixes(suffixes), PathValue::Scalar(ScalarRef::Text(text))) => {
                suffixes.find(&reversed(text, suffixes.longest()), images, search);
            }
            (Self::Grams(grams), PathValue::Scalar(ScalarRef::Text(text))) => {
                grams.find(text, images, search);
            }
            (Self::Sizes(ranges), value) => {
                if let Some(size) = value.size() {
                    ranges.find(&key::number_edge(Number::from_size(size)), images, search);
                }
            }
            (Self::Holds(values), PathValue::List(list)) => {
                let elements = list.iter().filter_map(ScalarRef::from_json);
                elements.for_each(|element| values.find(element, images, search));
            }
            (Self::Holds(values), PathValue::Object(object)) => {
                object
                    .keys()
                    .for_each(|key| values.find(ScalarRef::Text(key), images, search));
            }
            // No arm for all lookups: a new one does not compile without an arm of its own.
            (
                Self::Equal(_)
                | Self::Numbers(_)
                | Self::Texts(_)
                | Self::Prefixes(_)
                | Self::Suffixes(_)
                | Self::Grams(_)
                | Self::Holds(_)
                | Self::Present(_)
                | Self::Below(_),
                _,
            ) => {}
        }
    }

    /// Edits the bucket of `test` and returns true; returns false if this lookup is for tests of
    /// another kind.
    fn edit(
        &mut self,
        keys: &[Box<str>],
        test: &Test<'_>,
        descent: Descent<'_>,
        edit: Edit<'_>,
    ) -> bool {
        let here = |bucket: &mut Bucket| bucket.edit(descent, edit);
        match (self, keys.split_first(), test) {
            (Self::Below(names), Some((name, deeper)), _) => {
                names.edit(name, deeper, test, descent, edit);
            }
            (Self::Equal(values), None, Test::Equal(value))
            | (Self::Holds(values), None, Test::Holds(value)) => {
                values.edit(*value, here);
            }
            (Self::Numbers(ranges), None, Test::Numbers(range))
            | (Self::Sizes(ranges), None, Test::Sizes(range)) => {
                ranges.edit(range, here);
            }
            (Self::Texts(ranges), None, Test::Texts(range)) => ranges.edit(range, here),
            (Self::Prefixes(prefixes), None, Test::Prefix(prefix)) => {
                prefixes.edit(prefix.as_bytes(), here);
            }
            (Self::Suffixes(suffixes), None, Test::Suffix(suffix)) => {
                suffixes.edit(&reversed(suffix, suffix.len()), here);
            }
            (Self::Grams(grams), None, Test::Gram(gram)) => grams.edit(*gram, here),
            (Self::Present(bucket), None, Test::Present) => here(bucket),
            _ => return false,
        }
        true
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Equal(values) | Self::Holds(values) => values.is_empty(),
            Self::Numbers(ranges) | Self::Sizes(ranges) => ranges.is_empty(),
            Self::Texts(ranges) => ranges.is_empty(),
            Self::Prefixes(prefixes) | Self::Suffixes(prefixes) => prefixes.is_empty(),
            Self::Grams(grams) => grams.is_empty(),
            Self::Present(bucket) => bucket.is_empty(),
            Self::Below(names) => names.is_empty(),
        }
    }
}

/// The last bytes of a text in reverse order, at most `length`.
fn reversed(text: &str, length: usize) -> SmallVec<[u8; 64]> {
    text.bytes().rev().take(length).collect()
}
