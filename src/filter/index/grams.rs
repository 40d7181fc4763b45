//! Buckets found by a few bytes that a text holds somewhere: who asks for a longer text in it is
//! found by these.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use memchr::memmem;

use super::Seen;
use super::bucket::Bucket;
use super::key;
use super::search::{BothImages, Search};
use super::values::is_sparse;

/// Lengths in bytes.
const LENGTHS: [usize; 4] = [1, 2, 4, 8];
/// So many grams of a length are looked for one by one in a text; of more, all that the text holds
/// are looked up.
const FEW: usize = 16;

/// One, two, four or eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gram {
    bytes: [u8; 8],
    length: usize,
}

/// Buckets by gram.
#[derive(Default)]
pub(super) struct Grams {
    /// In the order of `LENGTHS`.
    tables: [HashTable<(u64, Bucket)>; 4],
}

impl Gram {
    /// The bytes that a text begins with, as many as there are of a length that is looked up; none
    /// of the empty text.
    pub(super) fn first_of(text: &str) -> Option<Self> {
        let length = Self::length_in(text)?;
        Some(Self::of(&text.as_bytes()[..length]))
    }

    /// The bytes that a text ends with.
    pub(super) fn last_of(text: &str) -> Option<Self> {
        let length = Self::length_in(text)?;
        Some(Self::of(&text.as_bytes()[text.len() - length..]))
    }

    fn length_in(text: &str) -> Option<usize> {
        LENGTHS
            .into_iter()
            .rev()
            .find(|length| *length <= text.len())
    }

    fn of(few: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes[..few.len()].copy_from_slice(few);
        Self {
            bytes,
            length: few.len(),
        }
    }

    fn table(self) -> usize {
        self.length.ilog2() as usize
    }

    fn number(self) -> u64 {
        u64::from_le_bytes(self.bytes)
    }
}

impl Grams {
    pub(super) fn is_empty(&self) -> bool {
        self.tables.iter().all(HashTable::is_empty)
    }

    pub(super) fn look(&self, text: &str, images: BothImages<'_, '_>, search: &mut Search<'_>) {
        let text = text.as_bytes();
        let mut found = Vec::new();
        scan::<1>(&self.tables[0], text, &mut found);
        scan::<2>(&self.tables[1], text, &mut found);
        scan::<4>(&self.tables[2], text, &mut found);
        scan::<8>(&self.tables[3], text, &mut found);
        // A text may hold a gram as often as it is long.
        found.sort_unstable_by_key(|bucket| std::ptr::from_ref::<Bucket>(bucket).addr());
        found.dedup_by(|one, two| std::ptr::eq(*one, *two));
        for bucket in found {
            search.looked.nodes += 1;
            bucket.look(images, search);
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

    pub(super) fn visit(&self, see: &mut dyn FnMut(Seen)) {
        for (_, bucket) in self.tables.iter().flatten() {
            see(Seen::Node);
            bucket.visit(see);
        }
    }
}

/// Appends the buckets of all grams of `N` bytes that the text holds, some of them several times.
fn scan<'t, const N: usize>(
    table: &'t HashTable<(u64, Bucket)>,
    text: &[u8],
    found: &mut Vec<&'t Bucket>,
) {
    if table.len() <= FEW {
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
