//! A store that fails or waits on demand before the real one answers.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use people_gateway::domain::{Partition, Partitions, Person, PersonId, Position};
use people_gateway::store::{
    Feed, FeedLimits, Heads, IdempotencyRecord, LogAnswer, PageLimits, PartitionPage, RequestKey,
    Store, StoreError, Tail, Write, WriteOutcome,
};

use people_testing::http::{Setup, StoreAccess};

/// Runs before a write; its result replaces that of the real store.
type BeforeApply = Box<
    dyn Fn(Write) -> BoxFuture<'static, Option<Result<WriteOutcome, StoreError>>> + Send + Sync,
>;
type BeforePage = Box<dyn Fn() -> Option<StoreError> + Send + Sync>;

/// Wraps the real store; without hooks it changes nothing.
pub(super) struct FaultyStore {
    inner: Arc<dyn Store>,
    before_apply: Mutex<Option<Arc<BeforeApply>>>,
    /// Writes for which `before_apply` still runs.
    armed: AtomicUsize,
    before_page: Mutex<Option<BeforePage>>,
}

impl FaultyStore {
    /// A setup whose gateway has this store; the cell holds it once the gateway runs.
    pub(super) fn setup() -> (Setup, Arc<OnceLock<Arc<Self>>>) {
        let cell = Arc::new(OnceLock::new());
        let put = Arc::clone(&cell);
        let wrap = move |inner| {
            let faulty = Arc::new(Self {
                inner,
                before_apply: Mutex::default(),
                armed: AtomicUsize::new(0),
                before_page: Mutex::default(),
            });
            assert!(put.set(Arc::clone(&faulty)).is_ok(), "wrapped once");
            faulty as Arc<dyn Store>
        };
        (
            Setup {
                store_access: StoreAccess::Wrapped(Box::new(wrap)),
                ..Setup::default()
            },
            cell,
        )
    }

    /// Runs `what` before each of the next `times` writes.
    pub(super) fn before_apply<F>(&self, times: usize, what: F)
    where
        F: Fn(Write) -> BoxFuture<'static, Option<Result<WriteOutcome, StoreError>>>
            + Send
            + Sync
            + 'static,
    {
        let what: BeforeApply = Box::new(what);
        *self
            .before_apply
            .lock()
            .expect("no test panics while it holds this") = Some(Arc::new(what));
        self.arm(times);
    }

    /// Runs the hook for the next `times` writes.
    pub(super) fn arm(&self, times: usize) {
        self.armed.store(times, Ordering::SeqCst);
    }

    /// The real store.
    pub(super) fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    /// Fails the pages for which `what` returns an error.
    pub(super) fn before_page(
        &self,
        what: impl Fn() -> Option<StoreError> + Send + Sync + 'static,
    ) {
        *self
            .before_page
            .lock()
            .expect("no test panics while it holds this") = Some(Box::new(what));
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn apply(&self, write: Write) -> Result<WriteOutcome, StoreError> {
        let less = |armed: usize| armed.checked_sub(1);
        if self
            .armed
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            let what = self
                .before_apply
                .lock()
                .expect("no test panics while it holds this")
                .clone();
            if let Some(what) = what
                && let Some(answer) = what(write.clone()).await
            {
                return answer;
            }
        }
        self.inner.apply(write).await
    }

    async fn recorded(
        &self,
        partition: Partition,
        key: &RequestKey,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.inner.recorded(partition, key).await
    }

    async fn get(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        self.inner.get(id).await
    }

    async fn page(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        most: PageLimits,
    ) -> Result<PartitionPage, StoreError> {
        let error = self
            .before_page
            .lock()
            .expect("no test panics while it holds this")
            .as_ref()
            .and_then(|what| what());
        match error {
            Some(error) => Err(error),
            None => self.inner.page(partition, after, most).await,
        }
    }

    async fn ids(
        &self,
        partition: Partition,
        after: Option<PersonId>,
        count: NonZeroUsize,
    ) -> Result<Vec<PersonId>, StoreError> {
        self.inner.ids(partition, after, count).await
    }

    async fn since(
        &self,
        partition: Partition,
        from: Position,
        count: NonZeroUsize,
    ) -> Result<LogAnswer, StoreError> {
        self.inner.since(partition, from, count).await
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        self.inner.tail(partition, count).await
    }

    fn probe(&self, partitions: &[Partition]) -> BoxStream<'_, Heads> {
        self.inner.probe(partitions)
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        self.inner.feed(limits)
    }
}
