//! Buckets found by a fingerprint: those of values, and those of texts' beginnings.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use smallvec::SmallVec;

use super::Seen;
use super::bucket::Bucket;
use super::key;
use super::search::{BothImages, Search};
use crate::filter::scalar::ScalarRef;

/// Buckets by the fingerprint of a value; the values themselves are not kept.
#[derive(Default)]
pub(super) struct Values(HashTable<(u64, Bucket)>);

/// Buckets by what texts begin with. A text is looked up once for each length that somebody asks
/// for and the text has: that is a step for each, whatever the number of beginnings; as ranges of
/// texts they would be compared byte by byte.
#[derive(Default)]
pub(super) struct Prefixes {
    /// By the length in bytes; none is empty.
    lengths: BTreeMap<usize, Values>,
}

impl Values {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn look(
        &self,
        value: ScalarRef<'_>,
        images: BothImages<'_, '_>,
        search: &mut Search<'_>,
    ) {
        self.look_at(key::fingerprint(value), images, search);
    }

    pub(super) fn edit(&mut self, value: ScalarRef<'_>, edit: impl FnOnce(&mut Bucket)) {
        self.edit_at(key::fingerprint(value), edit);
    }

    fn look_at(&self, fingerprint: u64, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        if let Some((_, bucket)) = self.0.find(fingerprint, |slot| slot.0 == fingerprint) {
            bucket.look(images, search);
        }
    }

    fn edit_at(&mut self, fingerprint: u64, edit: impl FnOnce(&mut Bucket)) {
        match self
            .0
            .entry(fingerprint, |slot| slot.0 == fingerprint, |slot| slot.0)
        {
            Slot::Vacant(slot) => {
                let mut bucket = Bucket::default();
                edit(&mut bucket);
                slot.insert((fingerprint, bucket));
            }
            Slot::Occupied(mut slot) => {
                edit(&mut slot.get_mut().1);
                if slot.get().1.is_empty() {
                    slot.remove();
                    if is_sparse(self.0.len(), self.0.capacity()) {
                        self.0.shrink_to(2 * self.0.len(), |slot| slot.0);
                    }
                }
            }
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        for (_, bucket) in &self.0 {
            see(Seen::Node);
            bucket.visit(see);
        }
    }
}

impl Prefixes {
    pub(super) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Looks for what a text, or one that was turned round, begins with.
    pub(super) fn look(&self, text: &[u8], images: BothImages<'_, '_>, search: &mut Search<'_>) {
        let mut beginnings = key::Beginnings::of(text);
        // All fingerprints first: then the processor waits for the tables' memory at the same time,
        // not in turn.
        let lengths = self.lengths.range(..=text.len());
        let tables = lengths.map(|(length, values)| (beginnings.fingerprint(*length), values));
        for (fingerprint, values) in tables.collect::<SmallVec<[_; 16]>>() {
            search.looked.nodes += 1;
            values.look_at(fingerprint, images, search);
        }
    }

    /// The length of the longest that is asked for.
    pub(super) fn longest(&self) -> usize {
        self.lengths
            .last_key_value()
            .map_or(0, |(length, _)| *length)
    }

    pub(super) fn edit(&mut self, prefix: &[u8], edit: impl FnOnce(&mut Bucket)) {
        let values = self.lengths.entry(prefix.len()).or_default();
        values.edit_at(key::Beginnings::of(prefix).fingerprint(prefix.len()), edit);
        if values.is_empty() {
            self.lengths.remove(&prefix.len());
        }
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        self.lengths.values().for_each(|values| values.visit(see));
    }
}

/// Whether a table should give back memory: what is walked and kept follows what is in it, not what
/// was.
pub(super) const fn is_sparse(length: usize, capacity: usize) -> bool {
    capacity > 16 && length < capacity / 4
}
