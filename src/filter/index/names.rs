//! What is asked of the members of an object, by their names.

use std::collections::HashMap;

use serde_json::{Map, Value};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::Seen;
use super::bucket::{Edit, Way};
use super::place::Place;
use super::plan::Ask;
use super::search::{Both, BothImages, Search};
use super::values::is_sparse;
use crate::filter::image::Found;

/// Names that are a list. So few are gone through sooner than the members that there are.
const FEW: usize = 8;

/// Places by name; none is empty. Its form depends on what is in it alone, not on what was.
pub(super) enum Names {
    /// `FEW` at most. Most often all entries of a node ask for one name: then its text and its
    /// place lie in the node.
    Few(SmallVec<[(SmolStr, Place); 1]>),
    /// More.
    Many(HashMap<SmolStr, Place>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(places) if places.is_empty())
    }

    /// Goes by the names that are asked for, or by the members that there are, where these are
    /// fewer than many names.
    pub(super) fn look(
        &self,
        objects: Both<&Map<String, Value>>,
        images: BothImages<'_, '_>,
        search: &mut Search<'_>,
    ) {
        let mut look = |place: &Place, name: &str| {
            let found = objects.and_then(|object| object.get(name).and_then(Found::in_json));
            if !found.is_none() {
                place.look(found, images, search);
            }
        };
        let members = |object: Option<&Map<String, Value>>| object.map_or(0, Map::len);
        let places = match self {
            Self::Few(places) => return places.iter().for_each(|(name, place)| look(place, name)),
            Self::Many(places)
                if places.len() <= members(objects.before) + members(objects.after) =>
            {
                return places.iter().for_each(|(name, place)| look(place, name));
            }
            Self::Many(places) => places,
        };
        let only_before = objects.before.into_iter().flat_map(Map::keys);
        let only_before = only_before
            .filter(|name| !objects.after.is_some_and(|after| after.contains_key(*name)));
        for name in objects
            .after
            .into_iter()
            .flat_map(Map::keys)
            .chain(only_before)
        {
            if let Some(place) = places.get(name.as_str()) {
                look(place, name);
            }
        }
    }

    /// Edits what is asked of the member `name`, or of what is below it at `keys`.
    pub(super) fn edit(
        &mut self,
        name: &str,
        keys: &[Box<str>],
        ask: &Ask<'_>,
        way: Way<'_>,
        edit: Edit<'_>,
    ) {
        let place = self.place(name);
        place.edit(keys, ask, way, edit);
        if place.is_empty() {
            self.remove(name);
        }
    }

    /// The place of a name, which may be new.
    fn place(&mut self, name: &str) -> &mut Place {
        if let Self::Few(places) = self
            && places.len() == FEW
            && !places.iter().any(|(held, _)| held == name)
        {
            *self = Self::Many(places.drain(..).collect());
        }
        match self {
            Self::Few(places) => {
                let at = places
                    .iter()
                    .position(|(held, _)| held == name)
                    .unwrap_or_else(|| {
                        places.push((name.into(), Place::default()));
                        places.len() - 1
                    });
                &mut places[at].1
            }
            Self::Many(places) => places.entry(name.into()).or_default(),
        }
    }

    fn remove(&mut self, name: &str) {
        match self {
            Self::Few(places) => {
                places.retain(|(held, _)| held != name);
                places.shrink_to_fit();
            }
            Self::Many(places) => {
                places.remove(name);
                if places.len() <= FEW {
                    *self = Self::Few(places.drain().collect());
                } else if is_sparse(places.len(), places.capacity()) {
                    places.shrink_to(2 * places.len());
                }
            }
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        match self {
            Self::Few(places) => places.iter().for_each(|(_, place)| place.visit(see)),
            Self::Many(places) => places.values().for_each(|place| place.visit(see)),
        }
    }
}
