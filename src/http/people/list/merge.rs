//! All partitions' people in id order, in bounded memory whatever the number of people, their size
//! and the partitions.
//!
//! Each partition is a lane that reads a page ahead. Where the lanes together hold more than they
//! may, those that are furthest from their turn drop what they have read and read it again when
//! their turn comes.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{Partition, PersonId};
use crate::filter::Filter;
use crate::filter::offload;
use crate::store::{PageLimits, Store, StoreError};

/// Bytes of stored records that the lanes read ahead together.
const AHEAD_BYTES: usize = 96 * 1024;
/// Bytes of people, as they are shown, beyond which lanes drop them: of small people twice what
/// their records have.
const HELD_BYTES: usize = 2 * AHEAD_BYTES;
/// People read at a time from one partition, at most and (however many partitions share the buffer)
/// at least.
const PAGE_MAX: usize = 256;
const PAGE_MIN: usize = 8;
/// Partitions whose first pages are read at the same time.
const OPENING: usize = 16;

/// The people of all partitions who match, one after the other.
pub(super) struct Merge {
    store: Arc<dyn Store>,
    filter: Filter,
    page: PageLimits,
    lanes: Vec<Lane>,
}

/// A person as it is shown.
pub(super) struct Row {
    pub(super) id: PersonId,
    pub(super) json: String,
}

/// One partition: those who match, are read and not yet shown, and where to read on.
struct Lane {
    partition: Partition,
    rows: VecDeque<Row>,
    /// The last id that was read, or was there to begin after.
    after: Option<PersonId>,
    /// The next person of a lane that dropped what it had read: nobody who matches comes before it.
    dropped: Option<PersonId>,
    exhausted: bool,
}

/// The first `count` ids of all partitions after this one, in order.
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
    /// Everyone who matches and has an id after this one. At most `people` are held, over all
    /// partitions, and no page has more than `wanted`.
    pub(super) async fn open(
        store: Arc<dyn Store>,
        filter: Filter,
        after: Option<PersonId>,
        people: NonZeroUsize,
        wanted: usize,
    ) -> Result<Self, StoreError> {
        let lanes = usize::from(store.partitions().get());
        let share = (people.get() / lanes).clamp(PAGE_MIN, PAGE_MAX).min(wanted);
        let people = NonZeroUsize::new(share).unwrap_or(NonZeroUsize::MIN);
        let page = PageLimits {
            people,
            bytes: AHEAD_BYTES / lanes,
        };
        let opened = stream::iter(store.partitions().iter()).map(|partition| {
            let (store, filter) = (Arc::clone(&store), filter.clone());
            async move {
                let mut lane = Lane::new(partition, after);
                lane.read_on(store.as_ref(), &filter, page)
                    .await
                    .map(|()| lane)
            }
        });
        let mut opened = std::pin::pin!(opened.buffered(OPENING));
        let mut merge = Self {
            store: Arc::clone(&store),
            filter: filter.clone(),
            page,
            lanes: Vec::new(),
        };
        while let Some(lane) = opened.try_next().await? {
            merge.lanes.push(lane);
            merge.make_room();
        }
        Ok(merge)
    }

    /// The next person.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, StoreError> {
        loop {
            let unread = |lane: &Lane| lane.next().is_none() && !lane.exhausted;
            let turn = match self.lanes.iter().position(unread) {
                Some(lane) => Some(lane),
                None => self.turn().filter(|lane| self.lanes[*lane].rows.is_empty()),
            };
            let Some(turn) = turn else { break };
            self.lanes[turn]
                .read_on(self.store.as_ref(), &self.filter, self.page)
                .await?;
            self.make_room();
        }
        Ok(self
            .turn()
            .and_then(|lane| self.lanes[lane].rows.pop_front()))
    }

    /// The lane whose person is next; none where nobody is left in any.
    fn turn(&self) -> Option<usize> {
        let next = self
            .lanes
            .iter()
            .enumerate()
            .filter_map(|(number, lane)| Some((lane.next()?, number)));
        next.min().map(|(_, number)| number)
    }

    /// Has lanes drop what they hold, the furthest from its turn first; the next one keeps it.
    fn make_room(&mut self) {
        let mut held: usize = self.lanes.iter().map(Lane::bytes).sum();
        while held > HELD_BYTES {
            let holding = self.lanes.iter_mut().filter(|lane| !lane.rows.is_empty());
            let mut holding: Vec<_> = holding.collect();
            if holding.len() < 2 {
                return;
            }
            holding.sort_unstable_by_key(|lane| lane.next());
            held -= holding.pop().map_or(0, Lane::drop_rows);
        }
    }
}

impl Lane {
    fn new(partition: Partition, after: Option<PersonId>) -> Self {
        Self {
            partition,
            rows: VecDeque::new(),
            after,
            dropped: None,
            exhausted: false,
        }
    }

    fn bytes(&self) -> usize {
        self.rows.iter().map(Row::bytes).sum()
    }

    /// The next person's id, as far as it is known.
    fn next(&self) -> Option<PersonId> {
        self.rows.front().map(|row| row.id).or(self.dropped)
    }

    /// Reads one page more; of it nobody may match.
    async fn read_on(
        &mut self,
        store: &dyn Store,
        filter: &Filter,
        most: PageLimits,
    ) -> Result<(), StoreError> {
        let page = store.page(self.partition, self.after, most).await?;
        let rows = offload::matching(filter, &page.people).await;
        self.rows = rows
            .into_iter()
            .map(|person| Row {
                id: person.id,
                json: person.to_json(),
            })
            .collect();
        (self.dropped, self.exhausted, self.after) = (None, page.next.is_none(), page.next);
        Ok(())
    }

    /// Forgets what was read and is not shown yet; answers how many bytes that was.
    fn drop_rows(&mut self) -> usize {
        let bytes = self.bytes();
        self.dropped = std::mem::take(&mut self.rows).front().map(|row| row.id);
        self.after = self.dropped.and_then(PersonId::previous);
        bytes
    }
}

impl Row {
    /// About how many bytes it takes.
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
    use crate::store::{Expect, Retention, Write};

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

    /// People of which every third is large, and their store.
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
            let save = Some(FieldsJson::from_stored(&fields).unwrap());
            let time = Timestamp::from_millis(1);
            store.apply(Write {
                id: id(number),
                save,
                expect: Expect::Anything,
                idempotency: None,
                time,
                trace: None,
            })
        };
        futures_util::future::try_join_all((0..people).map(save))
            .await
            .unwrap();
        store
    }

    /// Whoever matches is shown once and in order, and what is held stays bounded, however many
    /// lanes there are.
    #[tokio::test]
    async fn everyone_passes_in_order_through_bounded_memory() {
        for (partitions, filter) in [(1, ""), (7, ""), (64, ""), (64, "age < 30")] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder, partitions, 400).await;
            let filter = Filter::parse(filter).unwrap();
            let limit = if filter.is_everyone() { 100 } else { 30 };
            let mut expected: Vec<_> = (0..400)
                .filter(|number| number % 100 < limit)
                .map(id)
                .collect();
            expected.sort_unstable();
            let people = NonZeroUsize::new(1024).unwrap();
            let mut merge = Merge::open(store, filter, None, people, usize::MAX)
                .await
                .unwrap();
            let (mut found, mut most) = (Vec::new(), 0);
            while let Some(row) = merge.next().await.unwrap() {
                most = most.max(merge.lanes.iter().map(Lane::bytes).sum::<usize>());
                found.push(row.id);
            }
            assert_eq!(found, expected, "{partitions} partitions");
            assert!(
                most <= HELD_BYTES,
                "{most} bytes are held of {partitions} partitions"
            );
            assert!(
                partitions != 64 || most > HELD_BYTES / 2,
                "lanes never had to drop anything: {most} bytes"
            );
        }
    }
}
