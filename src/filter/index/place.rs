//! What is asked of one path: values, ranges, elements, mere presence; and the paths below it.

use smallvec::SmallVec;

use super::Seen;
use super::bucket::{Bucket, Edit, Way};
use super::grams::Grams;
use super::intervals::Intervals;
use super::key::{self, TextEdge};
use super::names::Names;
use super::plan::Ask;
use super::search::{Both, BothImages, Search};
use super::values::{Prefixes, Values};
use crate::filter::image::Found;
use crate::filter::scalar::{Number, ScalarRef};

/// What is asked here, each kind once; none is empty. Of most paths it is one kind, which then lies
/// in the place itself.
#[derive(Default)]
pub(super) struct Place(SmallVec<[Asked; 1]>);

/// All that is asked in one way.
enum Asked {
    Equal(Values),
    Holding(Values),
    Numbers(Intervals<u64>),
    Texts(Intervals<TextEdge>),
    Prefixes(Prefixes),
    /// Of texts that are turned round.
    Suffixes(Prefixes),
    Grams(Box<Grams>),
    Sizes(Intervals<u64>),
    Present(Bucket),
    Below(Box<Names>),
}

impl Place {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `images` have been as asked so far, and `found` here.
    pub(super) fn look(
        &self,
        found: Both<Found<'_>>,
        images: BothImages<'_, '_>,
        search: &mut Search<'_>,
    ) {
        search.looked.nodes += 1;
        let images = images.where_there_is(&found);
        // Most changes leave most values as they are.
        if let (Some(before), Some(after)) = (found.before, found.after)
            && self.are_same(before, after)
        {
            self.look_for(after, images, search);
        } else {
            if let Some(found) = found.before {
                self.look_for(found, images.only_before(), search);
            }
            if let Some(found) = found.after {
                self.look_for(found, images.only_after(), search);
            }
        }
        for asked in &self.0 {
            match asked {
                Asked::Present(bucket) if !images.is_none() => bucket.look(images, search),
                Asked::Below(names) => names.look(found.and_then(Found::object), images, search),
                _ => {}
            }
        }
    }

    /// Whether two values have the same answers here. Of lists and objects it is their size that is
    /// asked for, unless somebody asks for what they hold: only then are they compared.
    fn are_same(&self, before: Found<'_>, after: Found<'_>) -> bool {
        let holding = || {
            self.0
                .iter()
                .any(|asked| matches!(asked, Asked::Holding(_)))
        };
        match (before, after) {
            (Found::Scalar(before), Found::Scalar(after)) => before == after,
            (Found::List(before), Found::List(after)) => {
                before.len() == after.len() && (!holding() || before == after)
            }
            (Found::Object(before), Found::Object(after)) => {
                before.len() == after.len() && (!holding() || before == after)
            }
            _ => false,
        }
    }

    fn look_for(&self, found: Found<'_>, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        for asked in &self.0 {
            match (asked, found) {
                (Asked::Equal(values), Found::Scalar(scalar)) => {
                    values.look(scalar, images, search);
                }
                (Asked::Numbers(ranges), Found::Scalar(ScalarRef::Number(number))) => {
                    ranges.look(&key::number_edge(number), images, search);
                }
                (Asked::Texts(ranges), Found::Scalar(ScalarRef::Text(text))) => {
                    ranges.look(text.as_bytes(), images, search);
                }
                (Asked::Prefixes(prefixes), Found::Scalar(ScalarRef::Text(text))) => {
                    prefixes.look(text.as_bytes(), images, search);
                }
                (Asked::Suffixes(suffixes), Found::Scalar(ScalarRef::Text(text))) => {
                    suffixes.look(&turned(text, suffixes.longest()), images, search);
                }
                (Asked::Grams(grams), Found::Scalar(ScalarRef::Text(text))) => {
                    grams.look(text, images, search);
                }
                (Asked::Sizes(ranges), found) => {
                    if let Some(size) = found.size() {
                        ranges.look(&key::number_edge(Number::from_size(size)), images, search);
                    }
                }
                (Asked::Holding(values), Found::List(list)) => {
                    let elements = list.iter().filter_map(ScalarRef::from_json);
                    elements.for_each(|element| values.look(element, images, search));
                }
                (Asked::Holding(values), Found::Object(object)) => {
                    object
                        .keys()
                        .for_each(|key| values.look(ScalarRef::Text(key), images, search));
                }
                _ => {}
            }
        }
    }

    pub(super) fn edit(&mut self, keys: &[Box<str>], ask: &Ask<'_>, way: Way<'_>, edit: Edit<'_>) {
        let known = self
            .0
            .iter_mut()
            .position(|asked| asked.edit(keys, ask, way, edit));
        let at = known.unwrap_or_else(|| {
            let mut asked = Asked::nothing(keys, ask);
            asked.edit(keys, ask, way, edit);
            self.0.push(asked);
            self.0.len() - 1
        });
        if self.0[at].is_empty() {
            self.0.swap_remove(at);
            self.0.shrink_to_fit();
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        see(Seen::Node);
        for asked in &self.0 {
            match asked {
                Asked::Equal(values) | Asked::Holding(values) => values.visit(see),
                Asked::Numbers(ranges) | Asked::Sizes(ranges) => ranges.visit(see),
                Asked::Texts(ranges) => ranges.visit(see),
                Asked::Prefixes(prefixes) | Asked::Suffixes(prefixes) => prefixes.visit(see),
                Asked::Grams(grams) => grams.visit(see),
                Asked::Present(bucket) => bucket.visit(see),
                Asked::Below(names) => names.visit(see),
            }
        }
    }
}

impl Asked {
    /// What takes such questions, and has none yet.
    fn nothing(keys: &[Box<str>], ask: &Ask<'_>) -> Self {
        match ask {
            _ if !keys.is_empty() => Self::Below(Box::default()),
            Ask::Equal(_) => Self::Equal(Values::default()),
            Ask::Holding(_) => Self::Holding(Values::default()),
            Ask::Numbers(_) => Self::Numbers(Intervals::default()),
            Ask::Texts(_) => Self::Texts(Intervals::default()),
            Ask::Prefix(_) => Self::Prefixes(Prefixes::default()),
            Ask::Suffix(_) => Self::Suffixes(Prefixes::default()),
            Ask::Gram(_) => Self::Grams(Box::default()),
            Ask::Sizes(_) => Self::Sizes(Intervals::default()),
            Ask::Present => Self::Present(Bucket::default()),
        }
    }

    /// Whether it takes such questions; if so, it is edited.
    fn edit(&mut self, keys: &[Box<str>], ask: &Ask<'_>, way: Way<'_>, edit: Edit<'_>) -> bool {
        let here = |bucket: &mut Bucket| bucket.edit(way, edit);
        match (self, keys.split_first(), ask) {
            (Self::Below(names), Some((name, deeper)), _) => {
                names.edit(name, deeper, ask, way, edit);
            }
            (Self::Equal(values), None, Ask::Equal(value))
            | (Self::Holding(values), None, Ask::Holding(value)) => {
                values.edit(*value, here);
            }
            (Self::Numbers(ranges), None, Ask::Numbers(range))
            | (Self::Sizes(ranges), None, Ask::Sizes(range)) => {
                ranges.edit(range, here);
            }
            (Self::Texts(ranges), None, Ask::Texts(range)) => ranges.edit(range, here),
            (Self::Prefixes(prefixes), None, Ask::Prefix(prefix)) => {
                prefixes.edit(prefix.as_bytes(), here);
            }
            (Self::Suffixes(suffixes), None, Ask::Suffix(suffix)) => {
                suffixes.edit(&turned(suffix, suffix.len()), here);
            }
            (Self::Grams(grams), None, Ask::Gram(gram)) => grams.edit(*gram, here),
            (Self::Present(bucket), None, Ask::Present) => here(bucket),
            _ => return false,
        }
        true
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Equal(values) | Self::Holding(values) => values.is_empty(),
            Self::Numbers(ranges) | Self::Sizes(ranges) => ranges.is_empty(),
            Self::Texts(ranges) => ranges.is_empty(),
            Self::Prefixes(prefixes) | Self::Suffixes(prefixes) => prefixes.is_empty(),
            Self::Grams(grams) => grams.is_empty(),
            Self::Present(bucket) => bucket.is_empty(),
            Self::Below(names) => names.is_empty(),
        }
    }
}

/// The last bytes of a text, the last one first, no more than `most`.
fn turned(text: &str, most: usize) -> SmallVec<[u8; 64]> {
    text.bytes().rev().take(most).collect()
}
