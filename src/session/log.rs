//! The store as sessions read it: shared, so that a thousand of them on the same stretch cost one reading.
//!
//! A reading is good for everyone who asks the same within a moment. Pages of people may be mixed whatever their age,
//! because each carries the position at which it was read; the log then tells what happened since.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::Options;
use crate::domain::{At, Epoch, Partition, PersonId, Position};
use crate::store::{Page, Since, Store, StoreError, StoreSlot};

/// How long a reading is shared.
const SHARED_FOR: Duration = Duration::from_secs(5);

/// Readings of pages and of the log.
pub(super) struct Log {
    store: StoreSlot,
    options: Options,
    pages: Cache<(Partition, Option<PersonId>), Arc<Page>>,
    stretches: Cache<At, Arc<Since>>,
}

impl Log {
    pub(super) fn new(store: StoreSlot, options: Options) -> Self {
        let (bytes, half) = (options.shared_bytes.get() as u64, options.shared_bytes.get() as u64 / 2);
        let pages = Cache::builder()
            .max_capacity(bytes - half)
            .time_to_live(SHARED_FOR)
            .weigher(|_, page: &Arc<Page>| weight(page));
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

    /// A page of people, read now or a moment ago, but in this epoch if it is still the store's.
    pub(super) async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        epoch: Option<Epoch>,
    ) -> Result<Arc<Page>, Arc<StoreError>> {
        let (store, key) = (self.store.get()?, (partition, after));
        let read = async || store.page(partition, after, self.options.page_people).await.map(Arc::new);
        let page = self.pages.try_get_with(key, read()).await?;
        if epoch.is_none_or(|epoch| epoch == page.head.epoch) {
            return Ok(page);
        }
        self.pages.invalidate(&key).await;
        self.pages.try_get_with(key, read()).await
    }

    /// Forgets the pages: the log does not reach them any more.
    pub(super) fn forget_pages(&self) {
        self.pages.invalidate_all();
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
    let bytes: usize = page.people.iter().map(|person| size_of_val(person) + person.fields.as_str().len()).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn length(since: &Since) -> u32 {
    let Since::Continues { changes, .. } = since else { return 1 };
    let images = changes.iter().flat_map(|change| [&change.before, &change.after]).flatten();
    let bytes = size_of_val(&changes[..]) + images.map(|image| image.as_str().len()).sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
