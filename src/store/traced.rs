//! A store whose writes are told as spans. It stands before the real one only where traces are on.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Applied, Feed, FeedLimits, IdempotencyKey, Page, PageLimits, Recorded, Since, Store,
    StoreError, Tail, Write,
};
use crate::domain::{Operation, Partition, Partitions, Person, PersonId, Position, TraceContext};
use crate::telemetry::traces::PublishSpan;
use crate::telemetry::{Label as _, Traces};

/// Begins a span for each write that belongs to a recorded request, and has the change carry that
/// span's context.
pub struct TracedStore {
    inner: Arc<dyn Store>,
    traces: Traces,
}

impl TracedStore {
    /// Stands before `inner`.
    pub fn new(inner: Arc<dyn Store>, traces: Traces) -> Arc<Self> {
        Arc::new(Self { inner, traces })
    }
}

#[async_trait]
impl Store for TracedStore {
    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn apply(&self, mut write: Write) -> Result<Applied, StoreError> {
        let operation = if write.save.is_some() {
            Operation::Save
        } else {
            Operation::Delete
        };
        let request = write.trace.take().filter(|request| request.is_sampled());
        let span = request.and_then(|request| self.traces.publish(operation, request));
        write.trace = span
            .as_ref()
            .and_then(PublishSpan::context)
            .filter(|context: &TraceContext| context.is_sampled());
        let applied = self.inner.apply(write).await;
        if let Some(span) = span {
            settle(span, &applied);
        }
        applied
    }

    async fn recorded(
        &self,
        partition: Partition,
        key: &IdempotencyKey,
    ) -> Result<Option<Recorded>, StoreError> {
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
    ) -> Result<Page, StoreError> {
        self.inner.page(partition, after, most).await
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
    ) -> Result<Since, StoreError> {
        self.inner.since(partition, from, count).await
    }

    async fn tail(&self, partition: Partition, count: NonZeroUsize) -> Result<Tail, StoreError> {
        self.inner.tail(partition, count).await
    }

    async fn probe(&self) -> Result<Vec<Position>, StoreError> {
        self.inner.probe().await
    }

    fn feed(&self, limits: FeedLimits) -> Feed {
        self.inner.feed(limits)
    }
}

/// Says what became of the write.
fn settle(span: PublishSpan, applied: &Result<Applied, StoreError>) {
    match applied {
        Ok(Applied::Done { at, .. }) => span.published(*at),
        Ok(Applied::Replayed(_)) => span.answered("replayed"),
        Ok(Applied::KeyReused) => span.answered("key_reused"),
        Ok(Applied::Conflict { .. }) => span.answered("conflict"),
        Ok(Applied::NotFound) => span.answered("not_found"),
        Err(error) => span.failed(error.label().word()),
    }
}
