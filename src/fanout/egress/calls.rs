//! A system call for each write.

use super::sockets::Egress;
use crate::session::PendingWrite;

/// `send()`, one after the other.
#[derive(Debug, Default)]
pub(in crate::fanout) struct Calls;

impl Egress for Calls {
    fn write(&mut self, pending: &mut [PendingWrite<'_>]) {
        for write in pending {
            let sent = write.socket().send(write.bytes());
            write.note_sent(sent);
        }
    }
}
