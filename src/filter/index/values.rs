//! Tables of buckets by fingerprint: of values, and of the prefixes of texts.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use smallvec::SmallVec;

use super::IndexItem;
use super::bucket::Bucket;
use super::key;
use super::search::{ImagePair, Search};
use crate::filter::predicate::ScalarRef;

/// Buckets by the fingerprint of a value. The table does not keep the values.
#[derive(Default)]
pub(super) struct ValueTable(HashTable<(u64, Bucket)>);

/// Buckets by prefix. A search takes one step for each length of the prefixes, up to that of the
/// text, however many prefixes of a length there are. As ranges of texts they would be compared
/// byte by byte.
#[derive(Default)]
pub(super) struct PrefixTable {
    /// By the length in bytes; none is empty.
    lengths: BTreeMap<usize, ValueTable>,
}

impl ValueTable {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(
        &self,
        value: ScalarRef<'_>,
        images: ImagePair<'_, '_>,
        search: &mut Search<'_>,
    ) {
        self.find_fingerprint(key::fingerprint(value), images, search);
    }

    pub(super) fn edit(&mut self, value: ScalarRef<'_>, edit: impl FnOnce(&mut Bucket)) {
        self.edit_fingerprint(key::fingerprint(value), edit);
    }

    fn find_fingerprint(
        &self,
        fingerprint: u64,
        images: ImagePair<'_, '_>,
        search: &mut Search<'_>,
    ) {
        if let Some((_, bucket)) = self.0.find(fingerprint, |slot| slot.0 == fingerprint) {
            bucket.find(images, search);
        }
    }

    fn edit_fingerprint(&mut self, fingerprint: u64, edit: impl FnOnce(&mut Bucket)) {
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

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        for (_, bucket) in &self.0 {
            visitor(IndexItem::Node);
            bucket.visit(visitor);
        }
    }
}

impl PrefixTable {
    pub(super) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Finds the prefixes of a text, or of a reversed text.
    pub(super) fn find(&self, text: &[u8], images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        let mut hashes = key::PrefixHashes::of(text);
        // All fingerprints first: then the processor loads the tables' memory at the same time, not
        // in turn.
        let lengths = self.lengths.range(..=text.len());
        let tables = lengths.map(|(length, values)| (hashes.fingerprint(*length), values));
        for (fingerprint, values) in tables.collect::<SmallVec<[_; 16]>>() {
            search.cost.nodes += 1;
            values.find_fingerprint(fingerprint, images, search);
        }
    }

    /// The length of the longest prefix, in bytes; 0 without any.
    pub(super) fn longest(&self) -> usize {
        self.lengths
            .last_key_value()
            .map_or(0, |(length, _)| *length)
    }

    pub(super) fn edit(&mut self, prefix: &[u8], edit: impl FnOnce(&mut Bucket)) {
        let values = self.lengths.entry(prefix.len()).or_default();
        values.edit_fingerprint(
            key::PrefixHashes::of(prefix).fingerprint(prefix.len()),
            edit,
        );
        if values.is_empty() {
            self.lengths.remove(&prefix.len());
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        self.lengths
            .values()
            .for_each(|values| values.visit(visitor));
    }
}

/// Whether a table should shrink, so that its memory and the time of a walk follow its present
/// entries.
pub(super) const fn is_sparse(length: usize, capacity: usize) -> bool {
    capacity > 16 && length < capacity / 4
}
