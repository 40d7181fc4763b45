//! What is asked of the members of an object, by their names.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Seen;
use super::bucket::{Edit, Way};
use super::place::Place;
use super::plan::Ask;
use super::search::{Both, BothImages, Search};
use super::values::is_sparse;
use crate::filter::image::Found;

/// Places by name; none is empty.
#[derive(Default)]
pub(super) struct Names(HashMap<Box<str>, Place>);

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes by the names that are asked for, or by the members that there are, whichever are fewer.
    pub(super) fn look(&self, objects: Both<&Map<String, Value>>, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        let members = |object: Option<&Map<String, Value>>| object.map_or(0, Map::len);
        let mut look = |place: &Place, name: &str| {
            let found = objects.and_then(|object| object.get(name).and_then(Found::in_json));
            if !found.is_none() {
                place.look(found, images, search);
            }
        };
        if self.0.len() <= members(objects.before) + members(objects.after) {
            return self.0.iter().for_each(|(name, place)| look(place, name));
        }
        let only_before = objects.before.into_iter().flat_map(Map::keys);
        let only_before = only_before.filter(|name| !objects.after.is_some_and(|after| after.contains_key(*name)));
        for name in objects.after.into_iter().flat_map(Map::keys).chain(only_before) {
            if let Some(place) = self.0.get(name.as_str()) {
                look(place, name);
            }
        }
    }

    /// Edits what is asked of the member `name`, or of what is below it at `keys`.
    pub(super) fn edit(&mut self, name: &str, keys: &[Box<str>], ask: &Ask<'_>, way: Way<'_>, edit: Edit<'_>) {
        if !self.0.contains_key(name) {
            self.0.insert(name.into(), Place::default());
        }
        let Some(place) = self.0.get_mut(name) else { return };
        place.edit(keys, ask, way, edit);
        if place.is_empty() {
            self.0.remove(name);
            if is_sparse(self.0.len(), self.0.capacity()) {
                self.0.shrink_to(2 * self.0.len());
            }
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        self.0.values().for_each(|place| place.visit(see));
    }
}
