//! A node: entries by the next part that they ask, and those that ask nothing more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Seen;
use super::bucket::{Edit, Entry, Verb, Way};
use super::names::Names;
use super::place::Place;
use super::search::{BothImages, Search};
use crate::filter::image::Path;

/// The paths that everybody has.
static KNOWN: [Path; 5] = [
    Path::Id,
    Path::FirstName,
    Path::LastName,
    Path::Age,
    Path::Job,
];

#[derive(Default)]
pub(super) struct Node {
    entries: usize,
    /// Those that ask nothing more: whoever came here may be theirs.
    satisfied: BTreeSet<Entry>,
    /// In the order of `KNOWN`; none if nothing is asked of any of them.
    known: Option<Box<[Place; 5]>>,
    attributes: Names,
}

impl Node {
    /// How many entries hang in it.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn look(&self, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        search.looked.nodes += 1;
        for entry in &self.satisfied {
            search.find(entry.number);
        }
        let known = self
            .known
            .iter()
            .flat_map(|places| places.iter())
            .zip(&KNOWN);
        for (place, path) in known.filter(|(place, _)| !place.is_empty()) {
            place.look(images.and_then(|image| image.get(path)), images, search);
        }
        if !self.attributes.is_empty() {
            let objects = images.and_then(|image| image.attributes().and_then(Value::as_object));
            self.attributes.look(objects, images, search);
        }
    }

    pub(super) fn edit(&mut self, way: Way<'_>, edit: Edit<'_>) {
        match edit.verb {
            Verb::Add => self.entries += 1,
            Verb::Remove => self.entries -= 1,
        }
        let Some((part, way)) = way.next() else {
            match edit.verb {
                Verb::Add => self.satisfied.insert(edit.entry),
                Verb::Remove => self.satisfied.remove(&edit.entry),
            };
            return;
        };
        if let Path::Attribute(keys) = part.path {
            let (name, deeper) = keys
                .split_first()
                .expect("a path into the attributes has a name at least");
            return self.attributes.edit(name, deeper, &part.ask, way, edit);
        }
        let known = self.known.get_or_insert_default();
        let place = KNOWN
            .iter()
            .zip(&mut **known)
            .find(|(path, _)| *path == part.path)
            .map(|(_, place)| place);
        place
            .expect("a path is known or leads into the attributes")
            .edit(&[], &part.ask, way, edit);
        if known.iter().all(Place::is_empty) {
            self.known = None;
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        see(Seen::Node);
        self.satisfied
            .iter()
            .for_each(|entry| see(Seen::Entry(*entry)));
        let known = self.known.iter().flat_map(|places| places.iter());
        known
            .filter(|place| !place.is_empty())
            .for_each(|place| place.visit(see));
        self.attributes.visit(see);
    }
}
