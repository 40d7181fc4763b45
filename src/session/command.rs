//! What sessions ask of the dispatching thread.

use super::connection::{ClientRequest, ServeHandle};
use crate::protocol::close::Close;

/// Answered between two batches, so each takes hold at one checkpoint.
#[derive(Debug)]
pub enum SessionCommand {
    /// The session has caught up, and wants to be served from there.
    Join(ServeHandle),
    /// The session's client asks something of its stream.
    Ask(ServeHandle, ClientRequest),
    /// The session is to be closed, behind what this gateway has for it.
    Dismiss(ServeHandle, Close),
    /// The session ended.
    Leave(ServeHandle),
}

/// The dispatching thread is gone: nothing can be served any more.
#[derive(Debug, thiserror::Error)]
#[error("the dispatcher has ended")]
pub struct DispatcherEnded;
