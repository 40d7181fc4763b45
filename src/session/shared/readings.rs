//! The store as sessions read it: shared, so that a thousand of them on the same stretch cost one
//! reading.
//!
//! A page is good for all that asked before it was read, and for all others as long as the
//! gateway knows of nothing after it. So pages of one snapshot may be of different age; each
//! carries the position at which it was read. After a break of the store's history no session gets
//! an earlier reading.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::time::Instant;

use crate::domain::{Comparison, FieldsJson, LogPosition, Partition, PersonId, Position};
use crate::history::HistoryId;
use crate::session::options::Options;
use crate::store::{LogAnswer, PageLimits, PartitionPage, Store, StoreError, StoreSlot};

/// How long a reading is shared.
const SHARED_FOR: Duration = Duration::from_secs(5);

/// Records that one page of a snapshot holds, in bytes: its frames wait for the socket of a peer
/// that may not read.
const PAGE_BYTES: usize = 128 * 1024;

/// Readings of pages and of the log.
pub(in crate::session) struct Readings {
    store: StoreSlot,
    options: Options,
    pages: Cache<(HistoryId, Partition, Option<PersonId>), SharedReading<PartitionPage>>,
    stretches: Cache<(HistoryId, LogPosition), SharedReading<LogAnswer>>,
}

/// What was read, and when its reading began.
struct SharedReading<T> {
    at: Instant,
    value: Arc<T>,
}

impl<T> Clone for SharedReading<T> {
    fn clone(&self) -> Self {
        Self {
            at: self.at,
            value: Arc::clone(&self.value),
        }
    }
}

impl Readings {
    pub(in crate::session) fn new(store: StoreSlot, options: Options) -> Self {
        let (bytes, half) = (
            options.shared_bytes.get() as u64,
            options.shared_bytes.get() as u64 / 2,
        );
        Self {
            store,
            options,
            pages: cache(bytes - half, weight),
            stretches: cache(half, length),
        }
    }

    /// The store, once it was reached.
    pub(in crate::session) fn store(&self) -> Result<&Arc<dyn Store>, StoreError> {
        self.store.get()
    }

    /// A page of people for a session that asked at `asked`: read after that, or before it at a
    /// head that is good enough.
    pub(in crate::session) async fn page(
        &self,
        history: HistoryId,
        (partition, after): (Partition, Option<PersonId>),
        asked: Instant,
        is_good: impl Fn(Position) -> bool + Send + Sync,
    ) -> Result<Arc<PartitionPage>, Arc<StoreError>> {
        let store = self.store.get()?;
        let most = PageLimits {
            people: self.options.page_people,
            bytes: PAGE_BYTES,
        };
        let is_good = |shared: &SharedReading<PartitionPage>| {
            shared.at >= asked || is_good(shared.value.head)
        };
        shared(&self.pages, (history, partition, after), is_good, || {
            store.page(partition, after, most)
        })
        .await
    }

    /// The changes after a position in the log, at least up to `goal`: read now or a moment ago.
    pub(in crate::session) async fn since(
        &self,
        history: HistoryId,
        from: LogPosition,
        goal: Position,
    ) -> Result<Arc<LogAnswer>, Arc<StoreError>> {
        let (asked, page) = (Instant::now(), self.options.log_page.get());
        let is_good = |shared: &SharedReading<LogAnswer>| {
            shared.at >= asked
                || match &*shared.value {
                    LogAnswer::Continues { changes, .. } if changes.len() == page => true,
                    LogAnswer::Continues { head, .. } => {
                        matches!(head.compare(goal), Comparison::Same | Comparison::Higher)
                    }
                    LogAnswer::Broken { .. } => true,
                }
        };
        self.stretch(history, from, is_good).await
    }

    /// The log's answer about a position, no older than `age`.
    pub(in crate::session) async fn judge(
        &self,
        history: HistoryId,
        from: LogPosition,
        age: Duration,
    ) -> Result<Arc<LogAnswer>, Arc<StoreError>> {
        let asked = Instant::now();
        self.stretch(history, from, |shared| shared.at + age >= asked)
            .await
    }

    async fn stretch(
        &self,
        history: HistoryId,
        from: LogPosition,
        is_good: impl Fn(&SharedReading<LogAnswer>) -> bool + Send,
    ) -> Result<Arc<LogAnswer>, Arc<StoreError>> {
        let store = self.store.get()?;
        let count = self.options.log_page;
        shared(&self.stretches, (history, from), is_good, || {
            store.since(from.partition, from.position, count)
        })
        .await
    }
}

fn cache<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static>(
    bytes: u64,
    weight: fn(&T) -> u32,
) -> Cache<K, SharedReading<T>> {
    let weigher = move |_: &K, shared: &SharedReading<T>| weight(&shared.value);
    Cache::builder()
        .max_capacity(bytes)
        .time_to_live(SHARED_FOR)
        .weigher(weigher)
        .build()
}

/// What the cache has under a key, if it is good; else it is read again, once for all callers that
/// wait. What was read after the call must be good.
async fn shared<K, T, F>(
    cache: &Cache<K, SharedReading<T>>,
    key: K,
    is_good: impl Fn(&SharedReading<T>) -> bool + Send,
    read: impl Fn() -> F + Send,
) -> Result<Arc<T>, Arc<StoreError>>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, StoreError>> + Send,
{
    loop {
        let reading = read();
        let read = async {
            let at = Instant::now();
            Ok::<_, StoreError>(SharedReading {
                at,
                value: Arc::new(reading.await?),
            })
        };
        let shared = cache.try_get_with(key, read).await?;
        if is_good(&shared) {
            return Ok(shared.value);
        }
        // Unless another caller has replaced it: one reading is enough for all that wait.
        let is_old = |entry: Option<moka::Entry<K, SharedReading<T>>>| async move {
            let same = entry.is_some_and(|entry| entry.into_value().at == shared.at);
            if same { Op::Remove } else { Op::Nop }
        };
        cache.entry(key).and_compute_with(is_old).await;
    }
}

fn weight(page: &PartitionPage) -> u32 {
    let bytes: usize = page
        .people
        .iter()
        .map(|person| size_of_val(person) + person.fields.memory())
        .sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn length(since: &LogAnswer) -> u32 {
    let LogAnswer::Continues { changes, .. } = since else {
        return 1;
    };
    let images = changes
        .iter()
        .flat_map(|change| [&change.before, &change.after])
        .flatten();
    let bytes = size_of_val(&changes[..]) + images.map(FieldsJson::memory).sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
