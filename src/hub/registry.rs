//! Who is served: classes of sessions with equal subscriptions, each judged once.

use std::collections::HashMap;
use std::sync::Arc;

use super::Outbox;
use super::standing::Seat;
use crate::domain::Operation;
use crate::filter::View;
use crate::protocol::dress::Dress;

/// What a session wants to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Its filter.
    pub view: View,
    /// The form of the stream.
    pub dress: Dress,
    /// The operation after which the session is closed, the first time that one is shown.
    pub close_on: Option<Operation>,
}

/// Sessions with one subscription.
pub(super) struct Class {
    pub(super) subscription: Arc<Subscription>,
    members: Vec<Arc<Outbox>>,
}

/// The classes. A session sits in at most one, at the seat that it remembers itself.
#[derive(Default)]
pub(super) struct Registry {
    classes: Vec<Class>,
    /// Numbers of classes without members, to be given to new ones.
    free: Vec<usize>,
    by_subscription: HashMap<Arc<Subscription>, usize>,
}

impl Registry {
    /// How many classes there are, empty ones included; their numbers run from 0.
    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    /// A class by its number.
    pub(super) fn class(&self, number: usize) -> &Class {
        &self.classes[number]
    }

    /// Seats a session by its subscription, and lets it share the class's copy of that.
    pub(super) fn add(&mut self, outbox: Arc<Outbox>) {
        let subscription = outbox.subscription();
        let number = match self.by_subscription.get(&subscription) {
            Some(number) => *number,
            None => self.open(subscription),
        };
        let class = &mut self.classes[number];
        outbox.share(&class.subscription);
        outbox.take_seat(Some(Seat::new(number, class.members.len())));
        class.members.push(outbox);
    }

    /// Takes a session out; returns whether it was seated. The last member of its class takes its seat.
    pub(super) fn remove(&mut self, outbox: &Outbox) -> bool {
        let Some(seat) = outbox.seat() else { return false };
        outbox.take_seat(None);
        let class = &mut self.classes[seat.class()];
        class.members.swap_remove(seat.slot());
        if let Some(moved) = class.members.get(seat.slot()) {
            moved.take_seat(Some(seat));
        }
        if class.members.is_empty() {
            class.members = Vec::new();
            self.by_subscription.remove(&class.subscription);
            self.free.push(seat.class());
        }
        true
    }

    /// A class for a subscription that has none.
    fn open(&mut self, subscription: Arc<Subscription>) -> usize {
        let class = Class { subscription: Arc::clone(&subscription), members: Vec::new() };
        let number = if let Some(number) = self.free.pop() {
            self.classes[number] = class;
            number
        } else {
            self.classes.push(class);
            self.classes.len() - 1
        };
        self.by_subscription.insert(subscription, number);
        number
    }
}

impl Class {
    /// The sessions, in no particular order.
    pub(super) fn members(&self) -> &[Arc<Outbox>] {
        &self.members
    }
}
