//! The open feeds. Every committed change goes to each of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::store::{FeedEvent, FeedQueue};

/// The open feeds. A dropped feed is removed at the next publication.
#[derive(Default)]
pub(super) struct Feeds(Mutex<Vec<Weak<FeedQueue>>>);

impl Feeds {
    /// Adds a feed, which receives everything that is committed from here on.
    pub(super) fn open(&self, queue: &Arc<FeedQueue>) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(FeedEvent::Connected);
        feeds.push(Arc::downgrade(queue));
    }

    /// Pushes the events, in order, to every feed.
    pub(super) fn publish(&self, events: &[FeedEvent]) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|feed| {
            feed.upgrade()
                .is_some_and(|queue| events.iter().all(|event| queue.push(event.clone())))
        });
    }
}
