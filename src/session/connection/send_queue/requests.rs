//! A client's requests that wait for their answer in the order of its stream.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::filter::Kinds;
use crate::protocol::problem::Problem;
use crate::protocol::request::{Refused, Request};
use crate::rights::Lease;

/// Requests that may wait for a peer that sends more without taking the answers, and their bytes; a
/// single request of any size may wait. The limit is above what a client may send at once by
/// default, except for filters of more than a hundred bytes.
const REQUESTS_MAX: usize = 1024;
const BYTES_MAX: usize = 64 * 1024;

/// A client's message that its own stream answers, in order.
#[derive(Clone, Debug)]
pub enum ClientRequest {
    /// Other kinds; the filter stays. A command of the text format.
    Kinds(Kinds),
    /// A message of a JSON format.
    Message(Request),
    /// A message that could not be understood.
    Refused(Refused),
    /// A new token, verified.
    Renew {
        /// The client's own name for its request.
        reference: Option<String>,
        /// The token, or why it is refused.
        verified: Result<Arc<Lease>, Problem>,
    },
}

/// The peer sends more requests than it takes answers.
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
            Self::Kinds(_) | Self::Message(_) | Self::Refused(_) | Self::Renew { .. } => 0,
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
    fn a_request_queue_is_bounded_in_number_and_bytes_and_takes_one_of_any_size() {
        let filter = |length: usize| {
            let text = format!(r#"{{"type":"filter","where":"{}"}}"#, " ".repeat(length));
            ClientRequest::Message(Request::read(&text).expect("a request"))
        };
        let mut queue = RequestQueue::default();
        queue
            .push(filter(2 * BYTES_MAX))
            .expect("one of any size may wait");
        queue.push(filter(1)).expect_err("too many bytes");
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
