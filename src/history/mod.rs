//! What happened, in the order of this gateway: a bounded ring of recent entries, and whether that
//! order is known to be the store's.
//!
//! Fan-out records what the relay passes on; sessions read it to catch up. Nothing here knows a
//! session.

mod event;
mod lookup;
mod proof;
mod ring;

pub use event::{Checkpoint, Entry, Event, with_checkpoints};
pub use lookup::{CursorLocation, Relation};
pub use ring::HistoryId;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::domain::{Cursor, LogPosition};
use crate::store::Discontinuity;
use proof::Proof;
use ring::Ring;

/// An unanswered request for a proof is repeated after this time.
const REQUEST_AGAIN: Duration = Duration::from_millis(200);

/// The limit of what is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Memory for recent changes, in bytes.
    pub ring_bytes: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: NonZeroUsize::new(32 * 1024 * 1024).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The recent history. One thread writes it, any may read.
pub struct History {
    options: Options,
    /// None until the relay has found its position in every log.
    ring: Mutex<Option<Ring>>,
    proof: Proof,
    /// Notified of every record, and of every proof.
    moved: Notify,
}

impl History {
    /// A history that was not opened yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ring: Mutex::new(None),
            proof: Proof::default(),
            moved: Notify::new(),
        }
    }

    /// Begins at `start`, with events that came after it.
    pub fn open(&self, start: Cursor, events: impl IntoIterator<Item = Event>) {
        let mut ring = Ring::new(start, self.options.ring_bytes.get());
        for event in events {
            ring.push(event);
        }
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(ring);
    }

    /// Appends events; returns the checkpoint before them, and the entries. None before it was
    /// opened.
    pub fn record(&self, events: Vec<Event>) -> Option<(Checkpoint, Vec<Arc<Entry>>)> {
        let recorded = self.with_ring(|ring| {
            let before = ring.end().clone();
            let entries = events.into_iter().map(|event| ring.push(event)).collect();
            (before, entries)
        });
        self.moved.notify_waiters();
        recorded
    }

    /// The newest checkpoint; none until the relay has found its position in every log.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.with_ring(|ring| ring.end().clone())
    }

    /// Up to `max` entries after an offset; none when they are no longer all in memory.
    pub fn after(&self, offset: u64, max: usize) -> Option<Vec<Arc<Entry>>> {
        self.with_ring(|ring| ring.after(offset, max)).flatten()
    }

    /// Which history this is; none until the relay has found its position.
    pub fn id(&self) -> Option<HistoryId> {
        self.with_ring(|ring| ring.history_id())
    }

    /// The last break of the store's history after the checkpoint with this offset.
    pub fn broken_after(&self, offset: u64) -> Option<Discontinuity> {
        self.with_ring(|ring| ring.broken_after(offset)).flatten()
    }

    /// How a position relates to the history in memory since its last break.
    pub fn relation(&self, at: LogPosition) -> Option<Relation> {
        self.with_ring(|ring| ring.relation(at))
    }

    /// Where a cursor leads in the history in memory since its last break.
    pub fn locate(&self, cursor: &Cursor) -> Option<CursorLocation> {
        self.with_ring(|ring| ring.locate(cursor))
    }

    /// Whether a checkpoint is in memory, and nothing broke since.
    pub fn holds(&self, checkpoint: &Checkpoint) -> bool {
        self.with_ring(|ring| ring.holds(checkpoint))
            .unwrap_or(false)
    }

    /// Waits until the order goes on after an offset. Cancel safe.
    pub async fn wait_past(&self, offset: u64) {
        let moved = self.moved.notified();
        tokio::pin!(moved);
        // Listens first, so that nothing falls between the look and the wait.
        moved.as_mut().enable();
        if self
            .checkpoint()
            .is_none_or(|newest| newest.offset <= offset)
        {
            moved.await;
        }
    }

    /// Asks the relay to compare its position with the store's heads soon: a session knows of a
    /// history that this gateway does not have. Sessions repeat it as long as they wait.
    pub fn suspect_gap(&self) {
        self.proof.request();
    }

    /// Waits until a session suspects a gap. Cancel safe.
    pub async fn gap_suspected(&self) {
        self.proof.requested().await;
    }

    /// Notes that the store's heads, all of them asked for at this moment or later, are this
    /// gateway's position.
    pub fn prove(&self, asked: Instant) {
        if self.proof.record(asked) {
            self.moved.notify_waiters();
        }
    }

    /// Asks the relay for a proof, and waits for one that was asked for after this moment, for no
    /// longer than `limit`. Cancel safe.
    pub async fn prove_since(&self, moment: Instant, limit: Duration) {
        let proof = async {
            self.suspect_gap();
            // A question that was asked a moment earlier may have taken the place of ours.
            while timeout(REQUEST_AGAIN, self.proved_since(moment))
                .await
                .is_err()
            {
                self.suspect_gap();
            }
        };
        // Without proof the store is not there.
        let _ = timeout(limit, proof).await;
    }

    async fn proved_since(&self, moment: Instant) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.proof.is_newer_than(moment) {
                return;
            }
            moved.await;
        }
    }

    fn with_ring<T>(&self, look: impl FnOnce(&mut Ring) -> T) -> Option<T> {
        self.ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .map(look)
    }
}
