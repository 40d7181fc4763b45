//! A system call for each write.

use super::Egress;
use crate::hub::outbox::Sending;

/// `send()`, one after the other.
#[derive(Debug, Default)]
pub(in crate::hub) struct Calls;

impl Egress for Calls {
    fn write(&mut self, sendings: &mut [Sending<'_>]) {
        for sending in sendings {
            let sent = sending.socket().send(sending.bytes());
            sending.note_sent(sent);
        }
    }
}
