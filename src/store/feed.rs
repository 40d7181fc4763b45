//! The bounded queue between a publisher and its reader. The publisher never waits: events that do
//! not fit are dropped, and reported as a gap.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::domain::Partition;

/// Bounds of a feed's queue. Events beyond them are dropped and reported as [`FeedEvent::Gap`].
#[derive(Clone, Copy, Debug)]
pub struct FeedLimits {
    /// Events that may wait.
    pub events: NonZeroUsize,
    /// Bytes of frames that may wait.
    pub bytes: NonZeroUsize,
}

/// The partitions that share a subscription, in order.
pub type PartitionSet = Arc<[Partition]>;

/// An event of a subscription. Events arrive in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// The subscription to these partitions is confirmed: every frame of theirs that is published
    /// from here on arrives, until they are `Disconnected` or the next `Gap`.
    Connected(PartitionSet),
    /// The subscription to these partitions is lost; the feed tries again.
    Disconnected(PartitionSet),
    /// One published frame, not yet parsed.
    Frame(Partition, Bytes),
    /// A probe of this store object came back through the subscription to these partitions.
    Probe(PartitionSet),
    /// Events were dropped here: the queue was full.
    Gap,
}

/// The reading end. Dropping it ends the subscription.
pub struct Feed {
    queue: Arc<FeedQueue>,
    /// Aborts the task that fills the queue, if the store has one.
    _supervisor: Option<AbortOnDrop>,
}

/// The writing end, shared with the publisher.
pub struct FeedQueue {
    limits: FeedLimits,
    buffer: Mutex<FeedBuffer>,
    arrived: Notify,
}

#[derive(Default)]
struct FeedBuffer {
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
    /// A feed whose publisher writes to `queue`.
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

    /// Waits for events, and moves up to `most` of them to the end of `into`. Cancel safe: no event
    /// is taken before it returns.
    pub async fn receive(&mut self, into: &mut Vec<FeedEvent>, most: usize) {
        loop {
            if self.take(into, most) > 0 {
                return;
            }
            self.queue.arrived.notified().await;
        }
    }

    /// Moves up to `most` events to the end of `into` without waiting, and returns their number.
    pub fn take(&mut self, into: &mut Vec<FeedEvent>, most: usize) -> usize {
        let mut buffer = self.queue.lock();
        let count = buffer.events.len().min(most);
        let first = into.len();
        into.extend(buffer.events.drain(..count));
        buffer.bytes -= into[first..].iter().map(size).sum::<usize>();
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
            buffer: Mutex::default(),
            arrived: Notify::new(),
        })
    }

    /// Adds an event. If the queue is full, one `Gap` replaces it and all further events until the
    /// reader makes room. The gap covers every kind of event: after it the reader asks the log, as
    /// it does after a reconnect. Returns false once the reader is gone.
    pub fn push(&self, event: FeedEvent) -> bool {
        let mut buffer = self.lock();
        if buffer.closed {
            return false;
        }
        let size = size(&event);
        let full = buffer.events.len() >= self.limits.events.get()
            || buffer.bytes + size > self.limits.bytes.get();
        if !full {
            buffer.bytes += size;
            buffer.events.push_back(event);
        } else if buffer.events.back() != Some(&FeedEvent::Gap) {
            buffer.events.push_back(FeedEvent::Gap);
        }
        drop(buffer);
        self.arrived.notify_one();
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, FeedBuffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
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
    use super::*;

    fn frame(bytes: usize) -> FeedEvent {
        FeedEvent::Frame(Partition::new(0), vec![0; bytes].into())
    }

    #[tokio::test]
    async fn events_that_do_not_fit_become_one_gap() {
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
        assert_eq!(events, [frame(10)], "the reader made room");
    }

    #[test]
    fn a_publisher_learns_that_the_reader_is_gone() {
        let limits = FeedLimits {
            events: NonZeroUsize::MIN,
            bytes: NonZeroUsize::MIN,
        };
        let queue = FeedQueue::new(limits);
        drop(Feed::new(Arc::clone(&queue)));
        assert!(!queue.push(FeedEvent::Gap));
    }
}
