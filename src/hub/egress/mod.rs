//! How bytes get from the hub into sockets: one non-blocking write for each session, many sessions at a time.

mod calls;

use super::outbox::Sending;

pub(super) use calls::Calls;

/// Writes to many sockets, one after the other or all at once. None is ever waited for: what a socket does not take at
/// once is the session's to keep.
pub(super) trait Egress: Send {
    /// Writes what each is to be sent, and notes how much its socket took.
    fn write(&mut self, sendings: &mut [Sending<'_>]);
}
