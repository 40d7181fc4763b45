//! Who is served: classes of sessions with equal subscriptions, each judged once.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;

use super::class::Class;
use super::{Entry, Event, Outbox};
use crate::domain::Operation;
use crate::filter::{Images, Index, View};
use crate::protocol::dress::Dress;
use crate::telemetry::Metrics;

/// What a session wants to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Its filter.
    pub view: View,
    /// The form of the stream.
    pub dress: Dress,
    /// The operation after which the session is closed, the first time that one is shown.
    pub close_on: Option<Operation>,
}

impl Subscription {
    /// Steps that its patterns take at worst to judge these entries.
    pub fn steps<'a>(&self, entries: impl IntoIterator<Item = &'a Arc<Entry>>) -> u64 {
        entries.into_iter().map(|entry| self.steps_of(&entry.event)).fold(0, u64::saturating_add)
    }

    /// The same of one event.
    pub fn steps_of(&self, event: &Event) -> u64 {
        match event {
            Event::Change(change) => self.view.steps(&Images::of(change)),
            Event::Reset(..) => 0,
        }
    }
}

/// The classes. A session sits in at most one, at the seat that it remembers itself.
#[derive(Default)]
pub(super) struct Registry {
    classes: Vec<Class>,
    /// Numbers of classes without members, to be given to new ones.
    free: Vec<usize>,
    by_subscription: HashMap<Arc<Subscription>, usize>,
    /// Which classes a change may concern.
    index: Index,
    /// The subscription of classes without members.
    nobodys: Arc<Subscription>,
    /// How many members there are, and classes that have some.
    views: Gauge,
    in_use: Gauge,
}

impl Registry {
    /// Nobody yet; who comes and goes is counted.
    pub(super) fn counted(metrics: &Metrics) -> Self {
        Self { views: metrics.views.clone(), in_use: metrics.classes.clone(), ..Self::default() }
    }

    /// How many classes there are, empty ones included; their numbers run from 0.
    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    /// A class by its number.
    pub(super) fn class(&self, number: usize) -> &Class {
        &self.classes[number]
    }

    /// The same, to go on with what its members are shown.
    pub(super) fn class_mut(&mut self, number: usize) -> &mut Class {
        &mut self.classes[number]
    }

    /// How many members' clients hold no cursor.
    pub(super) fn members_without_cursor(&self) -> u64 {
        let classes = self.classes.iter().filter(|class| !class.subscription.dress.has_cursor());
        classes.map(|class| class.members().len() as u64).sum()
    }

    /// Puts the numbers of all classes that a change may concern in place of what is in `into`, ascending.
    pub(super) fn concerned(&self, images: &Images<'_>, into: &mut Vec<u32>) {
        self.index.candidates(images, into);
    }

    /// Seats a session by its subscription, and lets it share the class's copy of that.
    pub(super) fn add(&mut self, outbox: Arc<Outbox>) {
        let subscription = outbox.subscription();
        let number = match self.by_subscription.get(&subscription) {
            Some(number) => *number,
            None => self.open(subscription),
        };
        self.classes[number].add(outbox, number);
        self.views.inc();
    }

    /// Takes a session out; returns whether it was seated.
    pub(super) fn remove(&mut self, outbox: &Outbox) -> bool {
        let Some(seat) = outbox.seat() else { return false };
        let class = &mut self.classes[seat.class()];
        class.remove(seat);
        self.views.dec();
        if class.is_empty() {
            self.by_subscription.remove(&class.subscription);
            self.index.remove(index_number(seat.class()));
            // A free number keeps no filter in use.
            *class = Class::new(Arc::clone(&self.nobodys));
            self.free.push(seat.class());
            self.in_use.dec();
        }
        true
    }

    /// A class for a subscription that has none.
    fn open(&mut self, subscription: Arc<Subscription>) -> usize {
        let class = Class::new(Arc::clone(&subscription));
        let number = if let Some(number) = self.free.pop() {
            self.classes[number] = class;
            number
        } else {
            self.classes.push(class);
            self.classes.len() - 1
        };
        self.index.add(index_number(number), &subscription.view);
        self.by_subscription.insert(subscription, number);
        self.in_use.inc();
        number
    }
}

/// A class's number as the index keeps it.
fn index_number(class: usize) -> u32 {
    u32::try_from(class).expect("there are no more classes than sessions, and those have file descriptors")
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::domain::{Epoch, Position};
    use crate::filter::Kinds;
    use crate::hub::{Course, Place};
    use crate::protocol::cursor::Cursor;

    async fn outbox(listener: &TcpListener, kinds: Kinds, close_on: Option<Operation>) -> Arc<Outbox> {
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let place = Place { offset: 0, cursor: Cursor::new([Position::start_of(Epoch::new(1))]) };
        let subscription = Subscription { view: View { kinds, ..View::default() }, dress: Dress::Text, close_on };
        Outbox::new(socket.into(), subscription, Course::Missed { from: place, owes_live: None }, None)
    }

    fn seated(registry: &Registry) -> usize {
        let mut count = 0;
        for number in 0..registry.len() {
            let class = registry.class(number);
            for (slot, member) in class.members().enumerate() {
                let seat = member.seat().unwrap();
                assert_eq!((seat.class(), seat.slot()), (number, slot), "everyone knows their seat");
                assert!(Arc::ptr_eq(&member.subscription(), &class.subscription), "a class shares one subscription");
                count += 1;
            }
        }
        count
    }

    /// What the metrics say: members, and classes that have some.
    fn counted(registry: &Registry) -> (usize, usize) {
        let count = |gauge: &Gauge| usize::try_from(gauge.get()).unwrap();
        (count(&registry.views), count(&registry.in_use))
    }

    #[tokio::test]
    async fn everyone_sits_in_the_class_of_their_subscription_whoever_comes_and_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut registry = Registry::default();
        let mut sessions = Vec::new();
        for round in 0..60_usize {
            let kinds = [Kinds::All, Kinds::Saves, Kinds::Deletes][round % 3];
            let close_on = [None, Some(Operation::Save)][round / 3 % 2];
            let session = outbox(&listener, kinds, close_on).await;
            registry.add(Arc::clone(&session));
            sessions.push(session);
            if round % 4 == 3 {
                let gone = sessions.swap_remove(round * 7 % sessions.len());
                assert!(registry.remove(&gone));
                assert!(!registry.remove(&gone), "nobody leaves twice");
            }
            assert_eq!(seated(&registry), sessions.len());
            assert_eq!(counted(&registry), (sessions.len(), registry.by_subscription.len()));
        }
        for session in sessions.drain(..) {
            registry.remove(&session);
        }
        assert_eq!((seated(&registry), counted(&registry)), (0, (0, 0)));
        let classes = registry.len();
        registry.add(outbox(&listener, Kinds::All, None).await);
        assert_eq!((registry.len(), seated(&registry)), (classes, 1), "an emptied class's number is used again");
    }
}
