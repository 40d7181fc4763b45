//! Buckets by a gram: a few bytes that a text holds somewhere. A filter that needs a longer text is
//! found by the grams at its two ends.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use memchr::memmem;

use super::IndexItem;
use super::bucket::Bucket;
use super::key;
use super::search::{ImagePair, Search};
use super::values::is_sparse;

/// Lengths in bytes.
const LENGTHS: [usize; 4] = [1, 2, 4, 8];
/// Grams of a length that are searched one by one in a text. With more, each gram of the text is
/// looked up.
const SCAN_MAX: usize = 16;

/// One, two, four or eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gram {
    bytes: [u8; 8],
    length: usize,
}

/// Buckets by gram.
#[derive(Default)]
pub(super) struct GramTable {
    /// In the order of `LENGTHS`.
    tables: [HashTable<(u64, Bucket)>; 4],
}

impl Gram {
    /// The longest gram at the start of a text; `None` for the empty text.
    pub(super) fn first_of(text: &str) -> Option<Self> {
        let length = Self::length_in(text)?;
        Some(Self::new(&text.as_bytes()[..length]))
    }

    /// The longest gram at the end of a text; `None` for the empty text.
    pub(super) fn last_of(text: &str) -> Option<Self> {
        let length = Self::length_in(text)?;
        Some(Self::new(&text.as_bytes()[text.len() - length..]))
    }

    fn length_in(text: &str) -> Option<usize> {
        LENGTHS
            .into_iter()
            .rev()
            .find(|length| *length <= text.len())
    }

    fn new(part: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes[..part.len()].copy_from_slice(part);
        Self {
            bytes,
            length: part.len(),
        }
    }

    fn table(self) -> usize {
        self.length.ilog2() as usize
    }

    fn number(self) -> u64 {
        u64::from_le_bytes(self.bytes)
    }
}

impl GramTable {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.iter().all(HashTable::is_empty)
    }

    pub(super) fn find(&self, text: &str, images: ImagePair<'_, '_>, search: &mut Search<'_>) {
        let text = text.as_bytes();
        let mut found = Vec::new();
        scan::<1>(&self.tables[0], text, &mut found);
        scan::<2>(&self.tables[1], text, &mut found);
        scan::<4>(&self.tables[2], text, &mut found);
        scan::<8>(&self.tables[3], text, &mut found);
        // A text may hold a gram many times.
        found.sort_unstable_by_key(|bucket| std::ptr::from_ref::<Bucket>(bucket).addr());
        found.dedup_by(|one, two| std::ptr::eq(*one, *two));
        for bucket in found {
            search.cost.nodes += 1;
            bucket.find(images, search);
        }
    }

    pub(super) fn edit(&mut self, gram: Gram, edit: impl FnOnce(&mut Bucket)) {
        let (table, number) = (&mut self.tables[gram.table()], gram.number());
        match table.entry(
            key::mixed(number),
            |slot| slot.0 == number,
            |slot| key::mixed(slot.0),
        ) {
            Slot::Vacant(slot) => {
                let mut bucket = Bucket::default();
                edit(&mut bucket);
                slot.insert((number, bucket));
            }
            Slot::Occupied(mut slot) => {
                edit(&mut slot.get_mut().1);
                if slot.get().1.is_empty() {
                    slot.remove();
                    if is_sparse(table.len(), table.capacity()) {
                        table.shrink_to(2 * table.len(), |slot| key::mixed(slot.0));
                    }
                }
            }
        }
    }

    pub(super) fn visit(&self, visitor: &mut dyn FnMut(IndexItem)) {
        for (_, bucket) in self.tables.iter().flatten() {
            visitor(IndexItem::Node);
            bucket.visit(visitor);
        }
    }
}

/// Appends the buckets of all grams of `N` bytes in the text, some of them several times.
fn scan<'t, const N: usize>(
    table: &'t HashTable<(u64, Bucket)>,
    text: &[u8],
    found: &mut Vec<&'t Bucket>,
) {
    if table.len() <= SCAN_MAX {
        let held = table
            .iter()
            .filter(|(number, _)| memmem::find(text, &number.to_le_bytes()[..N]).is_some());
        found.extend(held.map(|(_, bucket)| bucket));
        return;
    }
    for window in text.windows(N) {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(window);
        let number = u64::from_le_bytes(bytes);
        found.extend(
            table
                .find(key::mixed(number), |slot| slot.0 == number)
                .map(|(_, bucket)| bucket),
        );
    }
}
