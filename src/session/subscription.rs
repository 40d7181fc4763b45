//! What a client wants to be sent.

use bytes::Bytes;

use crate::domain::Operation;
use crate::filter::{Images, View};
use crate::history::{Entry, Event};
use crate::protocol::format::WireFormat;
use crate::protocol::message::Message;
use crate::rights::Scope;

/// A view in a wire format. Sessions with equal subscriptions are served as one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// The filter and the kinds.
    pub view: View,
    /// What the client sees.
    pub scope: Scope,
    /// The form of the stream.
    pub format: WireFormat,
    /// The session closes after the first change of this operation.
    pub close_on: Option<Operation>,
}

impl Subscription {
    /// A message in the form of the stream.
    pub fn message(&self, message: &Message<'_>) -> Option<Bytes> {
        self.format.message(message, &self.scope)
    }

    /// The most steps that its patterns take to evaluate these entries.
    pub fn steps<'a>(&self, entries: impl IntoIterator<Item = &'a std::sync::Arc<Entry>>) -> u64 {
        entries
            .into_iter()
            .map(|entry| self.steps_of(&entry.event))
            .fold(0, u64::saturating_add)
    }

    /// The most steps that its patterns take to evaluate one event.
    pub fn steps_of(&self, event: &Event) -> u64 {
        match event {
            Event::Change(change) => self.view.steps(&Images::of(change)),
            Event::Reset(..) => 0,
        }
    }
}
