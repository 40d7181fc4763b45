//! Where a session begins: decided while its handshake is answered, so that nothing accepted after
//! it is missed.

use std::sync::Arc;

use bytes::Bytes;
use people_core::sabotage::{Sabotage, planted};

use super::connection::CatchUp;
use super::connection::ResetCause;
use super::shared::Shared;
use super::subscription::Subscription;
use crate::domain::{Cursor, Partitions};
use crate::history::{Checkpoint, Relation};
use crate::protocol::format::WireFormat;
use crate::protocol::message::Message;
use crate::rights::Lease;
use crate::store::{Cause, Discontinuity, LogAnswer, StoreError};

/// Where a client wants its view to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// What is accepted from now on.
    Now,
    /// Everyone in the view, then what happens.
    Snapshot,
    /// What came after a cursor.
    Cursor(Cursor),
    /// What came after the last event of an event source. An event source sends back any id that it
    /// has, also one of another server, and gives up after a refusal. So an id that is not a cursor
    /// (`None`) begins with `reset`.
    LastEvent(Option<Cursor>),
}

/// A session that is ready to be served.
#[derive(Debug)]
pub struct Opening {
    pub(super) subscription: Subscription,
    pub(super) catch_up: CatchUp,
    pub(super) greeting: Option<Bytes>,
    pub(super) token: Option<Arc<Lease>>,
}

impl Opening {
    /// The same for a client that holds this token.
    #[must_use]
    pub fn with_token(mut self, token: Option<Arc<Lease>>) -> Self {
        self.token = token;
        self
    }
}

/// Why a session cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The relay has not found its position in the log yet.
    #[error("the store has not been reached yet")]
    NotReady,
    /// The cursor cannot be continued, and the format has no reset.
    #[error("the cursor cannot be continued: {}", .0.name())]
    Gone(ResetCause),
    /// The store could not be asked whether the cursor can be continued.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The partitions of a cursor; [`StartError::NotReady`] as long as no session can begin.
pub(super) fn partitions(shared: &Shared) -> Result<Partitions, StartError> {
    shared.history.checkpoint().ok_or(StartError::NotReady)?;
    Ok(shared.readings.store()?.partitions())
}

/// Decides where a session begins.
pub(super) async fn start(
    shared: &Shared,
    subscription: Subscription,
    start: Start,
) -> Result<Opening, StartError> {
    let newest = shared.history.checkpoint().ok_or(StartError::NotReady)?;
    let format = subscription.format;
    let (catch_up, word) = match start {
        Start::Now => {
            let live = subscription.message(&Message::Live(&newest.cursor));
            (CatchUp::replay(newest), live)
        }
        Start::Snapshot => (CatchUp::Snapshot { reset: None }, None),
        Start::Cursor(cursor) | Start::LastEvent(Some(cursor)) => {
            let catch_up = if cursor.rights() == subscription.scope.fingerprint() {
                resume(shared, format, cursor.without_rights(), &newest).await?
            } else {
                begin_anew(format, ResetCause::Rights)?
            };
            (catch_up, None)
        }
        Start::LastEvent(None) => (begin_anew(format, Discontinuity::Unknown.into())?, None),
    };
    let greeting = match format.prelude() {
        Some(prelude) => Some(joined(prelude, word)),
        None => word,
    };
    Ok(Opening {
        subscription,
        catch_up,
        greeting,
        token: None,
    })
}

/// Continues from a cursor if every partition's position lies on this gateway's history, or the
/// log still continues from there. The client is live when this gateway's history has led to its
/// newest position, and the client has got all up to `goal`.
async fn resume(
    shared: &Shared,
    format: WireFormat,
    cursor: Cursor,
    goal: &Checkpoint,
) -> Result<CatchUp, StartError> {
    let id = shared.history.id().ok_or(StartError::NotReady)?;
    for at in cursor.log_positions() {
        if shared.history.relation(at) == Some(Relation::On) {
            continue;
        }
        let since = shared.readings.since(id, at, at.position).await;
        let since = since.map_err(|error| StoreError::Unavailable(Cause::of(error)))?;
        match &*since {
            LogAnswer::Continues { .. } => {}
            LogAnswer::Broken { reason, .. } => return begin_anew(format, (*reason).into()),
        }
    }
    Ok(CatchUp::Replay {
        from: Checkpoint::unlocated(cursor),
        owes_live: Some(goal.offset),
    })
}

/// A view that drops what the client has, if its format can say so.
fn begin_anew(format: WireFormat, reason: ResetCause) -> Result<CatchUp, StartError> {
    if !format.has_reset() {
        return Err(StartError::Gone(reason));
    }
    Ok(CatchUp::Snapshot {
        reset: Some(reason).filter(|_| !planted(Sabotage::ResetUntold)),
    })
}

fn joined(first: Bytes, second: Option<Bytes>) -> Bytes {
    match second {
        None => first,
        Some(second) => [first, second].concat().into(),
    }
}
