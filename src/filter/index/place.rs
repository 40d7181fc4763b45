//! What is asked of one path: values, ranges, elements, mere presence; and the paths below it.

use super::Seen;
use super::bucket::{Bucket, Edit, Way};
use super::intervals::Intervals;
use super::key::{self, TextEdge};
use super::names::Names;
use super::plan::Ask;
use super::search::{Both, BothImages, Search};
use super::values::{Prefixes, Values};
use crate::filter::image::Found;
use crate::filter::scalar::ScalarRef;

#[derive(Default)]
pub(super) struct Place {
    equal: Values,
    rest: Option<Box<Rest>>,
}

/// What most paths have none of.
#[derive(Default)]
struct Rest {
    holding: Values,
    numbers: Intervals<u64>,
    texts: Intervals<TextEdge>,
    prefixes: Prefixes,
    present: Bucket,
    below: Names,
}

impl Place {
    pub(super) fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.rest.is_none()
    }

    /// `images` have been as asked so far, and `found` here.
    pub(super) fn look(&self, found: Both<Found<'_>>, images: BothImages<'_, '_>, search: &mut Search<'_>) {
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
        if let Some(rest) = &self.rest
            && !images.is_none()
        {
            rest.present.look(images, search);
            rest.below.look(found.and_then(Found::object), images, search);
        }
    }

    /// Whether two values have the same answers here. Lists and objects are compared only where somebody asks for what
    /// they hold.
    fn are_same(&self, before: Found<'_>, after: Found<'_>) -> bool {
        let holding = || self.rest.as_ref().is_some_and(|rest| !rest.holding.is_empty());
        match (before, after) {
            (Found::Scalar(before), Found::Scalar(after)) => before == after,
            (Found::List(before), Found::List(after)) => holding() && before == after,
            (Found::Object(before), Found::Object(after)) => holding() && before == after,
            _ => false,
        }
    }

    fn look_for(&self, found: Found<'_>, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        if let Found::Scalar(scalar) = found {
            self.equal.look(scalar, images, search);
        }
        let Some(rest) = &self.rest else { return };
        match found {
            Found::Scalar(ScalarRef::Number(number)) => rest.numbers.look(&key::number_edge(number), images, search),
            Found::Scalar(ScalarRef::Text(text)) => {
                rest.texts.look(text.as_bytes(), images, search);
                rest.prefixes.look(text, images, search);
            }
            Found::Scalar(_) => {}
            Found::List(_) | Found::Object(_) if rest.holding.is_empty() => {}
            Found::List(list) => {
                for element in list.iter().filter_map(ScalarRef::from_json) {
                    rest.holding.look(element, images, search);
                }
            }
            Found::Object(object) => {
                for key in object.keys() {
                    rest.holding.look(ScalarRef::Text(key), images, search);
                }
            }
        }
    }

    pub(super) fn edit(&mut self, keys: &[Box<str>], ask: &Ask<'_>, way: Way<'_>, edit: Edit<'_>) {
        let here = |bucket: &mut Bucket| bucket.edit(way, edit);
        match (keys.split_first(), ask) {
            (Some((name, deeper)), _) => self.edit_rest(|rest| rest.below.edit(name, deeper, ask, way, edit)),
            (None, Ask::Equal(value)) => self.equal.edit(*value, here),
            (None, Ask::Holding(value)) => self.edit_rest(|rest| rest.holding.edit(*value, here)),
            (None, Ask::Numbers(range)) => self.edit_rest(|rest| rest.numbers.edit(range, here)),
            (None, Ask::Texts(range)) => self.edit_rest(|rest| rest.texts.edit(range, here)),
            (None, Ask::Prefix(prefix)) => self.edit_rest(|rest| rest.prefixes.edit(prefix, here)),
            (None, Ask::Present) => self.edit_rest(|rest| here(&mut rest.present)),
        }
    }

    fn edit_rest(&mut self, edit: impl FnOnce(&mut Rest)) {
        let rest = self.rest.get_or_insert_default();
        edit(rest);
        if rest.is_empty() {
            self.rest = None;
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        see(Seen::Node);
        self.equal.visit(see);
        if let Some(rest) = &self.rest {
            rest.holding.visit(see);
            rest.numbers.visit(see);
            rest.texts.visit(see);
            rest.prefixes.visit(see);
            rest.present.visit(see);
            rest.below.visit(see);
        }
    }
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.holding.is_empty()
            && self.numbers.is_empty()
            && self.texts.is_empty()
            && self.prefixes.is_empty()
            && self.present.is_empty()
            && self.below.is_empty()
    }
}
