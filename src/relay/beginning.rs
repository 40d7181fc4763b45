//! Finds every log's end when the gateway starts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::continuity::Continuity;
use super::driver::{BURST_MAX, Relay};
use crate::domain::{Change, Cursor};
use crate::history::Event;
use crate::store::{Cause, Feed, FeedEvent, Store, StoreError, Tail};

/// Pause between two attempts to find the logs' ends.
const RETRY: Duration = Duration::from_millis(200);

/// Where the order begins, and the events that came before the dispatcher listened.
pub struct Beginning {
    /// Where it begins.
    pub cursor: Cursor,
    /// What came since.
    pub events: Vec<Event>,
}

impl Relay {
    /// Waits for the subscription to every partition, then finds every log's end: all later changes
    /// arrive by the feed. Tries forever; the gateway is not ready before.
    pub async fn start(&mut self, feed: &mut Feed) -> Beginning {
        let partitions: Vec<_> = self.links.store.partitions().iter().collect();
        let (mut events, mut missing) = (Vec::new(), BTreeSet::from_iter(partitions.clone()));
        while !missing.is_empty() {
            feed.receive(&mut events, BURST_MAX).await;
            for event in events.drain(..) {
                match event {
                    FeedEvent::Connected(found) => missing.retain(|one| !found.contains(one)),
                    FeedEvent::Disconnected(lost) => missing.extend(&*lost),
                    FeedEvent::Frame(..) | FeedEvent::Probe(_) | FeedEvent::Gap => {}
                }
            }
        }
        let tails = loop {
            let tails = self.tails().await;
            self.log_outage.tell(&partitions, &tails);
            match tails {
                Ok(tails) => break tails,
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        };
        let before = |tail: &Tail| {
            let first = tail.changes.first();
            first.and_then(Change::predecessor).unwrap_or(tail.head)
        };
        let cursor = Cursor::new(tails.iter().map(before));
        for (partition, tail) in self.links.store.partitions().iter().zip(&tails) {
            let recent = tail.changes.iter().map(|change| change.at.position);
            self.logs
                .push(Continuity::new(partition, tail.head, recent));
        }
        // What else came meanwhile is in the logs' ends already, which were read after it.
        tracing::info!(partitions = self.logs.len(), "the relay follows the log");
        let changes = tails.into_iter().flat_map(|tail| tail.changes);
        Beginning {
            cursor,
            events: changes.map(Event::Change).collect(),
        }
    }

    async fn tails(&self) -> Result<Vec<Tail>, StoreError> {
        // A wiped store gets its beginning back from the probe.
        self.on_workers(|store| async move { store.heads().await })
            .await?;
        let mut tails = Vec::new();
        for partition in self.links.store.partitions().iter() {
            let count = self.options.tail;
            tails.push(
                self.on_workers(move |store| async move { store.tail(partition, count).await })
                    .await?,
            );
        }
        Ok(tails)
    }

    async fn on_workers<
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    >(
        &self,
        call: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<T, StoreError> {
        let joined = self
            .workers
            .spawn(call(Arc::clone(&self.links.store)))
            .await;
        joined.unwrap_or_else(|error| Err(StoreError::Unavailable(Cause::of(error))))
    }
}
