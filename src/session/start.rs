//! Where a session begins: decided while its handshake is answered, so that nothing accepted after it is missed.

use bytes::Bytes;

use super::Sessions;
use crate::hub::{Course, Place, Relation, Subscription};
use crate::protocol::cursor::{Cursor, InvalidCursor};
use crate::protocol::dress::Dress;
use crate::protocol::message::Message;
use crate::protocol::sse;
use crate::store::{Break, Since, StoreError};

/// From where a client wants to be shown its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// What is accepted from now on.
    Now,
    /// Everyone in the view, then what happens.
    Snapshot,
    /// What came after a cursor, as the client wrote it.
    Cursor(String),
    /// The same after the last event of an event source. It sends back whatever id it had, also another server's, and
    /// never comes back from a refusal: what is no cursor of ours begins with `reset`.
    LastEvent(String),
}

/// A session that is ready to be served.
#[derive(Debug)]
pub struct Started {
    pub(super) subscription: Subscription,
    pub(super) course: Course,
    pub(super) greeting: Option<Bytes>,
}

/// Why a session cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The relay has not found its place in the log yet.
    #[error("the store has not been reached yet")]
    NotReady,
    /// The cursor is none.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The cursor cannot be continued, and the dress has no word to say so later.
    #[error("the cursor cannot be continued: {}", .0.name())]
    Gone(Break),
    /// The store could not be asked whether the cursor can be continued.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Sessions {
    /// Decides where a session begins.
    pub async fn start(&self, subscription: Subscription, start: Start) -> Result<Started, NotStarted> {
        let place = self.hub.place().ok_or(NotStarted::NotReady)?;
        let dress = subscription.dress;
        let (course, word) = match start {
            Start::Now => {
                let live = dress.message(&Message::Live(&place.cursor));
                (Course::Missed { from: place, owes_live: None }, live)
            }
            Start::Snapshot => (Course::Snapshot { reset: None }, None),
            Start::Cursor(text) => {
                let cursor = Cursor::read(&text, self.log.store()?.partitions())?;
                (self.resume(dress, cursor, &place).await?, None)
            }
            Start::LastEvent(text) => match Cursor::read(&text, self.log.store()?.partitions()) {
                Ok(cursor) => (self.resume(dress, cursor, &place).await?, None),
                Err(_) => (Course::Snapshot { reset: Some(Break::Unknown) }, None),
            },
        };
        let greeting = if dress == Dress::Sse { Some(joined(sse::prelude(), word)) } else { word };
        Ok(Started { subscription, course, greeting })
    }

    /// What became of a cursor: every partition's position lies on the hub's history, or the log still continues from
    /// there. The client is live when the hub's history has led to its place, and it was shown all up to `goal`.
    async fn resume(&self, dress: Dress, cursor: Cursor, goal: &Place) -> Result<Course, NotStarted> {
        let history = self.hub.history().ok_or(NotStarted::NotReady)?;
        for at in cursor.places() {
            if self.hub.relation(at) == Some(Relation::On) {
                continue;
            }
            let since = self.log.since(history, at, at.position).await;
            let since = since.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            match &*since {
                Since::Continues { .. } => {}
                Since::Broken { reason, .. } if dress.has_cursor() => {
                    return Ok(Course::Snapshot { reset: Some(*reason) });
                }
                Since::Broken { reason, .. } => return Err(NotStarted::Gone(*reason)),
            }
        }
        Ok(Course::Missed { from: Place::unlocated(cursor), owes_live: Some(goal.offset) })
    }
}

fn joined(first: Bytes, second: Option<Bytes>) -> Bytes {
    match second {
        None => first,
        Some(second) => [first, second].concat().into(),
    }
}
