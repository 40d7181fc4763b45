//! Merges the people of all partitions in id order. Memory is bounded for any number of people and
//! partitions, and any size of records.
//!
//! The reader of each partition reads a page ahead. Where the readers together hold more than their
//! limit, the reader whose next id is the greatest drops its page, and reads it again later.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{Partition, PersonId};
use crate::filter::{Scoped, offload};
use crate::rights::Scope;
use crate::store::{PageLimits, Store, StoreError};

/// Bytes of stored records that all readers together read ahead.
const AHEAD_BYTES: usize = 96 * 1024;
/// Bytes of people as JSON beyond which readers drop pages. The JSON of a small person takes twice
/// the bytes of its record.
const HELD_BYTES: usize = 2 * AHEAD_BYTES;
/// The most and the fewest people of a page of one partition; the buffer is shared by all
/// partitions.
const PAGE_MAX: usize = 256;
const PAGE_MIN: usize = 8;
/// Partitions whose first pages are read at the same time.
const OPENING: usize = 16;

/// The matching people of all partitions, one after the other.
pub(super) struct Merge {
    store: Arc<dyn Store>,
    people: VisiblePeople,
    page: PageLimits,
    readers: Vec<PartitionReader>,
}

/// Those who are listed, and what is shown of them.
#[derive(Clone)]
pub(super) struct VisiblePeople {
    pub(super) filter: Scoped,
    pub(super) scope: Scope,
}

/// A person of the list.
pub(super) struct ListItem {
    pub(super) id: PersonId,
    pub(super) json: String,
}

/// Reads one partition page by page.
struct PartitionReader {
    partition: Partition,
    /// The matching people that were read and not yet returned.
    items: VecDeque<ListItem>,
    /// The id after which the next page begins.
    after: Option<PersonId>,
    /// The next matching person of a reader that dropped its page.
    dropped: Option<PersonId>,
    exhausted: bool,
}

/// The first `count` ids of all partitions after `after`, in order.
pub(super) async fn ids_after(
    store: &Arc<dyn Store>,
    after: Option<PersonId>,
    count: NonZeroUsize,
) -> Result<Vec<PersonId>, StoreError> {
    let read =
        stream::iter(store.partitions().iter()).map(|partition| store.ids(partition, after, count));
    let mut read = std::pin::pin!(read.buffered(OPENING));
    let mut first = Vec::new();
    while let Some(ids) = read.try_next().await? {
        first.extend(ids);
        first.sort_unstable();
        first.truncate(count.get());
    }
    Ok(first)
}

impl Merge {
    /// All people that match and have an id after `after`. At most `people` of them are held over
    /// all partitions, and no page has more than `wanted`.
    pub(super) async fn open(
        store: Arc<dyn Store>,
        listed: VisiblePeople,
        after: Option<PersonId>,
        people: NonZeroUsize,
        wanted: usize,
    ) -> Result<Self, StoreError> {
        let partitions = usize::from(store.partitions().get());
        let share = (people.get() / partitions)
            .clamp(PAGE_MIN, PAGE_MAX)
            .min(wanted);
        let people = NonZeroUsize::new(share).unwrap_or(NonZeroUsize::MIN);
        let page = PageLimits {
            people,
            bytes: AHEAD_BYTES / partitions,
        };
        let opened = stream::iter(store.partitions().iter()).map(|partition| {
            let (store, listed) = (Arc::clone(&store), listed.clone());
            async move {
                let mut reader = PartitionReader::new(partition, after);
                reader
                    .read_on(store.as_ref(), &listed, page)
                    .await
                    .map(|()| reader)
            }
        });
        let mut opened = std::pin::pin!(opened.buffered(OPENING));
        let mut merge = Self {
            store: Arc::clone(&store),
            people: listed.clone(),
            page,
            readers: Vec::new(),
        };
        while let Some(reader) = opened.try_next().await? {
            merge.readers.push(reader);
            merge.make_room();
        }
        Ok(merge)
    }

    /// The next person.
    pub(super) async fn next(&mut self) -> Result<Option<ListItem>, StoreError> {
        loop {
            let unread = |reader: &PartitionReader| reader.next().is_none() && !reader.exhausted;
            let empty = match self.readers.iter().position(unread) {
                Some(index) => Some(index),
                None => self
                    .first()
                    .filter(|index| self.readers[*index].items.is_empty()),
            };
            let Some(empty) = empty else { break };
            self.readers[empty]
                .read_on(self.store.as_ref(), &self.people, self.page)
                .await?;
            self.make_room();
        }
        Ok(self
            .first()
            .and_then(|index| self.readers[index].items.pop_front()))
    }

    /// The reader with the first person in id order; none where all are exhausted.
    fn first(&self) -> Option<usize> {
        let next = self
            .readers
            .iter()
            .enumerate()
            .filter_map(|(index, reader)| Some((reader.next()?, index)));
        next.min().map(|(_, index)| index)
    }

    /// Drops pages until the rest is within the limit, the page with the greatest next id first.
    /// The page that is needed next stays.
    fn make_room(&mut self) {
        let mut held: usize = self.readers.iter().map(PartitionReader::bytes).sum();
        while held > HELD_BYTES {
            let holding = self.readers.iter_mut();
            let mut holding: Vec<_> = holding.filter(|reader| !reader.items.is_empty()).collect();
            if holding.len() < 2 {
                return;
            }
            holding.sort_unstable_by_key(|reader| reader.next());
            held -= holding.pop().map_or(0, PartitionReader::drop_page);
        }
    }
}

impl PartitionReader {
    fn new(partition: Partition, after: Option<PersonId>) -> Self {
        Self {
            partition,
            items: VecDeque::new(),
            after,
            dropped: None,
            exhausted: false,
        }
    }

    fn bytes(&self) -> usize {
        self.items.iter().map(ListItem::bytes).sum()
    }

    /// The id of the next person, if it is known.
    fn next(&self) -> Option<PersonId> {
        self.items.front().map(|item| item.id).or(self.dropped)
    }

    /// Reads the next page; perhaps none of its people match.
    async fn read_on(
        &mut self,
        store: &dyn Store,
        listed: &VisiblePeople,
        limits: PageLimits,
    ) -> Result<(), StoreError> {
        let page = store.page(self.partition, self.after, limits).await?;
        let people = offload::matching(&listed.filter, &page.people).await;
        self.items = people
            .into_iter()
            .map(|person| ListItem {
                id: person.id,
                json: listed.scope.to_json(person),
            })
            .collect();
        (self.dropped, self.exhausted, self.after) = (None, page.next.is_none(), page.next);
        Ok(())
    }

    /// Drops the rest of the page; returns its size in bytes.
    fn drop_page(&mut self) -> usize {
        let bytes = self.bytes();
        self.dropped = std::mem::take(&mut self.items).front().map(|item| item.id);
        self.after = self.dropped.and_then(PersonId::previous);
        bytes
    }
}

impl ListItem {
    /// Its size in memory, in bytes.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.json.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;
    use std::time::Duration;

    use super::*;
    use crate::domain::{FieldsJson, Partitions, Timestamp};
    use crate::store::embedded::{EmbeddedStore, Options};
    use crate::store::{Retention, Write};

    fn id(number: u64) -> PersonId {
        let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:08x}-{:04x}-7000-8000-{number:012x}",
            scattered >> 32,
            scattered >> 16 & 0xffff
        )
        .parse()
        .unwrap()
    }

    /// A store in which every third person is large.
    async fn store(folder: &tempfile::TempDir, partitions: u16, people: u64) -> Arc<dyn Store> {
        let partitions = Partitions::new(NonZeroU16::new(partitions).unwrap());
        let retention = Retention {
            log_max: NonZeroUsize::MIN,
            idempotency_ttl: Duration::from_secs(60),
        };
        let store: Arc<dyn Store> = EmbeddedStore::open(Options::new(
            folder.path().join("people"),
            partitions,
            retention,
        ))
        .unwrap();
        let save = |number: u64| {
            let note = "x".repeat(if number.is_multiple_of(3) { 8000 } else { 10 });
            let fields = format!(
                concat!(
                    r#"{{"firstName":"A","lastName":"L","age":{},"job":"","#,
                    r#""attributes":{{"note":"{}"}}}}"#
                ),
                number % 100,
                note
            );
            let fields = FieldsJson::from_stored(&fields).unwrap();
            store.apply(Write::save(id(number), fields, Timestamp::from_millis(1)))
        };
        futures_util::future::try_join_all((0..people).map(save))
            .await
            .unwrap();
        store
    }

    /// Each matching person comes once and in order, and memory stays bounded for any number of
    /// partitions.
    #[tokio::test]
    async fn all_matching_people_pass_in_order_through_bounded_memory() {
        for (partitions, filter) in [(1, ""), (7, ""), (64, ""), (64, "age < 30")] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder, partitions, 400).await;
            let scope = Scope::everything();
            let filter = scope.filter(filter).unwrap();
            let limit = if filter.is_everyone() { 100 } else { 30 };
            let mut expected: Vec<_> = (0..400)
                .filter(|number| number % 100 < limit)
                .map(id)
                .collect();
            expected.sort_unstable();
            let people = NonZeroUsize::new(1024).unwrap();
            let listed = VisiblePeople { filter, scope };
            let mut merge = Merge::open(store, listed, None, people, usize::MAX)
                .await
                .unwrap();
            let (mut found, mut most) = (Vec::new(), 0);
            while let Some(item) = merge.next().await.unwrap() {
                let held = merge.readers.iter().map(PartitionReader::bytes);
                most = most.max(held.sum::<usize>());
                found.push(item.id);
            }
            assert_eq!(found, expected, "{partitions} partitions");
            assert!(
                most <= HELD_BYTES,
                "{partitions} partitions hold {most} bytes"
            );
            assert!(
                partitions != 64 || most > HELD_BYTES / 2,
                "no page was dropped: {most} bytes"
            );
        }
    }
}
