//! The sessions' commands to the dispatching thread.

use super::connection::{ClientRequest, ServeHandle};
use crate::protocol::close::Close;

/// Answered between two batches, so each takes hold at one checkpoint.
#[derive(Debug)]
pub enum SessionCommand {
    /// The session has caught up, and wants to be served from there.
    Join(ServeHandle),
    /// The client sent a request about its stream.
    Ask(ServeHandle, ClientRequest),
    /// Closes the session after the pending changes.
    Dismiss(ServeHandle, Close),
    /// The session ended.
    Leave(ServeHandle),
}

/// The dispatching thread is gone: nothing can be served any more.
#[derive(Debug, thiserror::Error)]
#[error("the dispatcher has ended")]
pub struct DispatcherEnded;
