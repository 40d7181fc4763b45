//! The feeds that are open now: what is committed goes into each of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::store::{FeedEvent, FeedQueue};

/// Held weakly: a feed that was dropped is forgotten at the next publication.
#[derive(Default)]
pub(super) struct Feeds(Mutex<Vec<Weak<FeedQueue>>>);

impl Feeds {
    /// Adds a feed and tells it that it is connected: everything committed from here on reaches it.
    pub(super) fn open(&self, queue: &Arc<FeedQueue>) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(FeedEvent::Connected);
        feeds.push(Arc::downgrade(queue));
    }

    /// Gives the events, in order, to every feed.
    pub(super) fn publish(&self, events: &[FeedEvent]) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|feed| {
            feed.upgrade()
                .is_some_and(|queue| events.iter().all(|event| queue.push(event.clone())))
        });
    }
}
