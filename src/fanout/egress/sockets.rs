//! Writing to many sockets.

use crate::session::PendingWrite;

/// Writes to many sockets, one after the other or all at once. None is ever waited for: what a
/// socket does not take at once is the session's to keep.
pub(in crate::fanout) trait Egress: Send {
    /// Writes the bytes of each, and notes how much its socket took.
    fn write(&mut self, pending: &mut [PendingWrite<'_>]);
}
