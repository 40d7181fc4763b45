//! The bounded stream between whatever publishes and the one that reads: nobody waits for the
//! reader, and what did not fit is told as a gap.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::FeedLimits;
use crate::domain::Partition;

/// What a subscription reports, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// Subscribed and confirmed: what is published from here on arrives, until the next
    /// `Disconnected` or `Gap`.
    Connected,
    /// The subscription is gone; the feed is trying again.
    Disconnected,
    /// One published frame, not yet parsed.
    Frame(Partition, Bytes),
    /// A probe of this store object came back.
    Probe,
    /// Events were dropped here because the queue was full.
    Gap,
}

/// The reading end. Dropping it ends the subscription.
pub struct Feed {
    queue: Arc<FeedQueue>,
    /// Aborts the supervising task, where the store has one.
    _supervisor: Option<AbortOnDrop>,
}

/// The writing end, shared with what publishes.
pub struct FeedQueue {
    limits: FeedLimits,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<FeedEvent>,
    bytes: usize,
    closed: bool,
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Feed {
    /// A feed whose publisher writes into `queue` by itself.
    pub fn new(queue: Arc<FeedQueue>) -> Self {
        Self {
            queue,
            _supervisor: None,
        }
    }

    /// A feed that a task fills; the task is aborted with the feed.
    pub fn supervised(queue: Arc<FeedQueue>, supervisor: tokio::task::AbortHandle) -> Self {
        Self {
            queue,
            _supervisor: Some(AbortOnDrop(supervisor)),
        }
    }

    /// Waits until there is something, and moves up to `most` events to the end of `into`. Cancel
    /// safe: nothing is taken before it returns.
    pub async fn receive(&mut self, into: &mut Vec<FeedEvent>, most: usize) {
        loop {
            if self.take(into, most) > 0 {
                return;
            }
            self.queue.arrived.notified().await;
        }
    }

    /// Moves what waits, at most `most` events, without waiting; how many there were.
    pub fn take(&mut self, into: &mut Vec<FeedEvent>, most: usize) -> usize {
        let mut waiting = self.queue.lock();
        let count = waiting.events.len().min(most);
        let first = into.len();
        into.extend(waiting.events.drain(..count));
        waiting.bytes -= into[first..].iter().map(size).sum::<usize>();
        count
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
    }
}

impl FeedQueue {
    /// An empty queue.
    pub fn new(limits: FeedLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            waiting: Mutex::default(),
            arrived: Notify::new(),
        })
    }

    /// Adds an event; when the queue is full, a single `Gap` stands for it and for all that is
    /// dropped after it until the reader has made room. That covers every kind of event: after a
    /// gap the reader asks the log, as it does after a reconnect. Returns false once the reader is
    /// gone.
    pub fn push(&self, event: FeedEvent) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        let size = size(&event);
        let full = waiting.events.len() >= self.limits.events.get()
            || waiting.bytes + size > self.limits.bytes.get();
        if !full {
            waiting.bytes += size;
            waiting.events.push_back(event);
        } else if waiting.events.back() != Some(&FeedEvent::Gap) {
            waiting.events.push_back(FeedEvent::Gap);
        }
        drop(waiting);
        self.arrived.notify_one();
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(event: &FeedEvent) -> usize {
    match event {
        FeedEvent::Frame(_, bytes) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn frame(bytes: usize) -> FeedEvent {
        FeedEvent::Frame(Partition::new(0), vec![0; bytes].into())
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_as_one_gap() {
        let limits = FeedLimits {
            events: NonZeroUsize::new(3).unwrap(),
            bytes: NonZeroUsize::new(10).unwrap(),
        };
        let queue = FeedQueue::new(limits);
        let mut feed = Feed::new(Arc::clone(&queue));
        for bytes in [4, 4, 4, 1] {
            queue.push(frame(bytes));
        }
        let mut events = Vec::new();
        feed.receive(&mut events, 10).await;
        assert_eq!(events, [frame(4), frame(4), FeedEvent::Gap]);
        queue.push(frame(10));
        events.clear();
        feed.receive(&mut events, 10).await;
        assert_eq!(
            events,
            [frame(10)],
            "room is counted again once the reader took what waited"
        );
    }

    #[test]
    fn a_publisher_learns_that_the_reader_is_gone() {
        let limits = FeedLimits {
            events: NonZeroUsize::MIN,
            bytes: NonZeroUsize::MIN,
        };
        let queue = FeedQueue::new(limits);
        drop(Feed::new(Arc::clone(&queue)));
        assert!(!queue.push(FeedEvent::Probe));
    }
}
