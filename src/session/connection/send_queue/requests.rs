//! What a client asked for, until it is answered in the order of its stream.

use std::collections::VecDeque;

use crate::filter::Kinds;
use crate::protocol::request::{Refused, Request};

/// Requests that may wait for a peer that goes on asking without taking the answers, and their
/// bytes; one may wait whatever its size. It is more than a client may say at once by default, but
/// for filters of more than a hundred bytes.
const REQUESTS_MAX: usize = 1024;
const BYTES_MAX: usize = 64 * 1024;

/// What a client said that its own stream answers, in its order.
#[derive(Clone, Debug)]
pub enum ClientRequest {
    /// Other kinds; the filter stays. A word of the text format.
    Kinds(Kinds),
    /// A message of a JSON format.
    Message(Request),
    /// One that could not be understood.
    Refused(Refused),
}

/// More was asked than the peer takes answers.
#[derive(Debug)]
pub struct TooManyRequests;

/// Requests that wait, in order.
#[derive(Debug, Default)]
pub(super) struct RequestQueue {
    requests: VecDeque<ClientRequest>,
    bytes: usize,
}

impl ClientRequest {
    /// About how many bytes it keeps in memory.
    fn bytes(&self) -> usize {
        let text = match self {
            Self::Message(Request::Filter { filter_text, .. }) => filter_text.len(),
            Self::Kinds(_) | Self::Message(_) | Self::Refused(_) => 0,
        };
        size_of::<Self>() + text
    }
}

impl RequestQueue {
    /// Adds a request.
    pub(super) fn push(&mut self, request: ClientRequest) -> Result<(), TooManyRequests> {
        let bytes = self.bytes + request.bytes();
        if !self.is_empty() && (self.requests.len() == REQUESTS_MAX || bytes > BYTES_MAX) {
            return Err(TooManyRequests);
        }
        self.bytes = bytes;
        self.requests.push_back(request);
        Ok(())
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<ClientRequest> {
        let request = self.requests.pop_front()?;
        self.bytes -= request.bytes();
        Some(request)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_in_number_and_bytes_and_one_may_always_wait() {
        let filter = |length: usize| {
            let text = format!(r#"{{"type":"filter","where":"{}"}}"#, " ".repeat(length));
            ClientRequest::Message(Request::read(&text).expect("a request"))
        };
        let mut queue = RequestQueue::default();
        queue.push(filter(2 * BYTES_MAX)).expect("one may wait");
        queue
            .push(filter(1))
            .expect_err("no more than so many bytes");
        assert!(queue.pop().is_some() && queue.pop().is_none() && queue.is_empty());
        let mut queue = RequestQueue::default();
        let kinds = || ClientRequest::Kinds(Kinds::All);
        let mut count = 0;
        while queue.push(kinds()).is_ok() {
            count += 1;
        }
        assert!((100..=REQUESTS_MAX).contains(&count), "{count}");
        queue.pop();
        queue.push(kinds()).expect("there is room again");
    }
}
