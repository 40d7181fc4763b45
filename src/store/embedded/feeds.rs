//! The open feeds. Every committed change goes to each of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::domain::Partitions;
use crate::store::{FeedEvent, FeedQueue, PartitionSet};

/// The open feeds. A dropped feed is removed at the next publication.
pub(super) struct Feeds {
    open: Mutex<Vec<Weak<FeedQueue>>>,
    /// All partitions.
    partitions: PartitionSet,
}

impl Feeds {
    /// No feed yet.
    pub(super) fn new(partitions: Partitions) -> Self {
        Self {
            open: Mutex::default(),
            partitions: partitions.iter().collect(),
        }
    }

    /// Sends a probe to every feed.
    pub(super) fn probe(&self) {
        self.publish(&[FeedEvent::Probe(Arc::clone(&self.partitions))]);
    }

    /// Adds a feed, which receives everything that is committed from here on.
    pub(super) fn open(&self, queue: &Arc<FeedQueue>) {
        let mut feeds = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(FeedEvent::Connected(Arc::clone(&self.partitions)));
        feeds.push(Arc::downgrade(queue));
    }

    /// Pushes the events, in order, to every feed.
    pub(super) fn publish(&self, events: &[FeedEvent]) {
        let mut feeds = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|feed| {
            feed.upgrade()
                .is_some_and(|queue| events.iter().all(|event| queue.push(event.clone())))
        });
    }
}
