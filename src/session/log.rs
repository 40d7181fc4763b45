//! The store as sessions read it: shared, so that a thousand of them on the same stretch cost one reading.
//!
//! A page is good for everyone who asked before it was read, and for everyone else as long as the hub knows of nothing
//! after it. So pages of one snapshot may be of different age; each carries the position at which it was read.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::time::Instant;

use super::Options;
use crate::domain::{At, FieldsJson, Partition, PersonId, Position};
use crate::store::{Page, Since, Store, StoreError, StoreSlot};

/// How long a reading is shared.
const SHARED_FOR: Duration = Duration::from_secs(5);

/// Readings of pages and of the log.
pub(super) struct Log {
    store: StoreSlot,
    options: Options,
    pages: Cache<(Partition, Option<PersonId>), Shared>,
    stretches: Cache<At, Arc<Since>>,
}

/// A page, and when its reading began.
#[derive(Clone)]
struct Shared {
    at: Instant,
    page: Arc<Page>,
}

impl Log {
    pub(super) fn new(store: StoreSlot, options: Options) -> Self {
        let (bytes, half) = (options.shared_bytes.get() as u64, options.shared_bytes.get() as u64 / 2);
        let pages = Cache::builder()
            .max_capacity(bytes - half)
            .time_to_live(SHARED_FOR)
            .weigher(|_, shared: &Shared| weight(&shared.page));
        let stretches =
            Cache::builder().max_capacity(half).time_to_live(SHARED_FOR).weigher(|_, since: &Arc<Since>| length(since));
        Self { store, options, pages: pages.build(), stretches: stretches.build() }
    }

    /// The store, once it was reached.
    pub(super) fn store(&self) -> Result<&Arc<dyn Store>, StoreError> {
        self.store.get()
    }

    /// Whether fewer people than this make a page the last one.
    pub(super) fn page_people(&self) -> usize {
        self.options.page_people.get()
    }

    /// A page of people for somebody who asked at `asked`, when the partition's log was `known` so far.
    pub(super) async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        asked: Instant,
        known: Position,
    ) -> Result<Arc<Page>, Arc<StoreError>> {
        let (store, key) = (self.store.get()?, (partition, after));
        let read = async || {
            let at = Instant::now();
            let page = store.page(partition, after, self.options.page_people).await?;
            Ok::<_, StoreError>(Shared { at, page: Arc::new(page) })
        };
        loop {
            let shared = self.pages.try_get_with(key, read()).await?;
            if shared.at >= asked || shared.page.head.reaches(known) {
                return Ok(shared.page);
            }
            // Unless somebody has replaced it meanwhile: one reading is enough for all who wait.
            let is_old = |entry: Option<moka::Entry<_, Shared>>| async move {
                let same = entry.is_some_and(|entry| entry.into_value().at == shared.at);
                if same { Op::Remove } else { Op::Nop }
            };
            self.pages.entry(key).and_compute_with(is_old).await;
        }
    }

    /// What came after a place in the log, at least as far as `goal`: read now or a moment ago.
    pub(super) async fn since(&self, from: At, goal: Position) -> Result<Arc<Since>, Arc<StoreError>> {
        let store = self.store.get()?;
        let most = self.options.log_page;
        let read = async || store.since(from.partition, from.position, most).await.map(Arc::new);
        let since = self.stretches.try_get_with(from, read()).await?;
        let reaches = match &*since {
            Since::Continues { head, changes } => changes.len() == most.get() || head.reaches(goal),
            Since::Broken { .. } => true,
        };
        if reaches { Ok(since) } else { Ok(read().await?) }
    }
}

fn weight(page: &Page) -> u32 {
    let bytes: usize = page.people.iter().map(|person| size_of_val(person) + person.fields.memory()).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn length(since: &Since) -> u32 {
    let Since::Continues { changes, .. } = since else { return 1 };
    let images = changes.iter().flat_map(|change| [&change.before, &change.after]).flatten();
    let bytes = size_of_val(&changes[..]) + images.map(FieldsJson::memory).sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
