//! A change as one group of sessions is sent it, and what one write brings to a session.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::domain::Timestamp;
use crate::filter::Verdict;
use crate::history::Checkpoint;
use crate::telemetry::traces::RelaySpan;

/// A change, encoded once for all sessions with one subscription.
#[derive(Clone, Debug)]
pub struct Notification {
    /// A whole frame, header included.
    pub frame: Bytes,
    /// What it means to their view.
    pub verdict: Verdict,
    /// When it was made, by its writer's clock.
    pub time: Timestamp,
    /// The checkpoint before it.
    pub before: Checkpoint,
    /// The checkpoint after it.
    pub after: Checkpoint,
    /// Whether it is what the subscription's `close_on` waits for: nothing is sent after it.
    pub ends: bool,
    /// The change's way through this gateway, where that is recorded: it ends with the last that
    /// holds it.
    pub span: Option<Arc<RelaySpan>>,
}

/// What one write brings to a session, shared by all that are sent the same.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Changes.
    Changes(WriteBatch),
    /// The position, for clients that do not know it.
    Position {
        /// The frame.
        frame: Bytes,
        /// The position that it names.
        checkpoint: Checkpoint,
    },
}

/// Changes that one write hands to a session, in order, one at least.
#[derive(Clone, Debug)]
pub struct WriteBatch {
    notifications: Box<[Notification]>,
    /// All frames in one piece.
    bytes: Bytes,
}

impl Payload {
    /// Its frames in one piece.
    pub(super) fn bytes(&self) -> &Bytes {
        match self {
            Self::Changes(batch) => batch.bytes(),
            Self::Position { frame, .. } => frame,
        }
    }
}

impl WriteBatch {
    /// The changes up to the first that ends the stream; none where there is nothing.
    pub fn new(notifications: &[Notification]) -> Option<Self> {
        let count = notifications
            .iter()
            .position(|notification| notification.ends)
            .map_or(notifications.len(), |last| last + 1);
        let notifications: Box<[Notification]> = notifications[..count].into();
        let bytes = match &*notifications {
            [] => return None,
            [only] => only.frame.clone(),
            many => {
                let length = many.iter().map(|one| one.frame.len()).sum();
                let mut all = BytesMut::with_capacity(length);
                for notification in many {
                    all.extend_from_slice(&notification.frame);
                }
                all.freeze()
            }
        };
        Some(Self {
            notifications,
            bytes,
        })
    }

    /// Its changes, in order, one at least.
    pub fn notifications(&self) -> &[Notification] {
        &self.notifications
    }

    /// All its frames in one piece.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The checkpoint before it.
    pub fn before(&self) -> &Checkpoint {
        &self.notifications[0].before
    }

    /// The checkpoint after it.
    pub fn after(&self) -> &Checkpoint {
        &self.notifications[self.notifications.len() - 1].after
    }

    /// Whether the stream ends with it.
    pub fn ends(&self) -> bool {
        self.notifications[self.notifications.len() - 1].ends
    }
}

#[cfg(test)]
impl Notification {
    /// One whose verdict and time do not matter.
    pub(crate) fn framed(frame: Bytes, before: Checkpoint, after: Checkpoint, ends: bool) -> Self {
        Self {
            frame,
            verdict: Verdict::Update,
            time: Timestamp::from_millis(0),
            before,
            after,
            ends,
            span: None,
        }
    }
}
