//! Groups of sessions with equal subscriptions: each is evaluated once.

mod group;
#[cfg(test)]
mod group_tests;

pub(super) use group::{Next, SubscriptionGroup};

use std::collections::HashMap;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;

use super::metrics::Metrics;
use crate::filter::{Images, Index};
use crate::session::{ServeHandle, Subscription};

/// The groups. A session is in at most one, in the slot that it remembers itself.
#[derive(Default)]
pub(super) struct Groups {
    slots: Vec<SubscriptionGroup>,
    /// Numbers of groups without members, to be given to new ones.
    free: Vec<usize>,
    by_subscription: HashMap<Arc<Subscription>, usize>,
    /// Which groups a change may concern.
    index: Index,
    /// The subscription of groups without members.
    of_nobody: Arc<Subscription>,
    /// How many members there are, and groups that have some.
    views: Gauge,
    in_use: Gauge,
}

impl Groups {
    /// No groups yet; members and groups are counted.
    pub(super) fn counted(metrics: &Metrics) -> Self {
        Self {
            views: metrics.views.clone(),
            in_use: metrics.subscription_groups.clone(),
            ..Self::default()
        }
    }

    /// How many groups there are, empty ones included; their numbers run from 0.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// A group by its number.
    pub(super) fn group(&self, number: usize) -> &SubscriptionGroup {
        &self.slots[number]
    }

    /// A group by its number, to change its stream.
    pub(super) fn group_mut(&mut self, number: usize) -> &mut SubscriptionGroup {
        &mut self.slots[number]
    }

    /// The number of members whose format has no reset.
    pub(super) fn members_without_reset(&self) -> u64 {
        let groups = self
            .slots
            .iter()
            .filter(|group| !group.subscription.format.has_reset());
        groups.map(|group| group.members().len() as u64).sum()
    }

    /// Puts the numbers of all groups that a change may concern in place of what is in `into`,
    /// ascending.
    pub(super) fn concerned(&self, images: &Images<'_>, into: &mut Vec<u32>) {
        self.index.candidates(images, into);
    }

    /// Adds a session by its subscription, and lets it share the group's copy of that.
    pub(super) fn add(&mut self, session: ServeHandle) {
        let subscription = session.subscription();
        let number = match self.by_subscription.get(&subscription) {
            Some(number) => *number,
            None => self.open(subscription),
        };
        self.slots[number].add(session, number);
        self.views.inc();
    }

    /// Takes a session out; returns whether it was in one.
    pub(super) fn remove(&mut self, session: &ServeHandle) -> bool {
        let Some(slot) = session.slot() else {
            return false;
        };
        let group = &mut self.slots[slot.group()];
        group.remove(slot);
        self.views.dec();
        if group.is_empty() {
            self.by_subscription.remove(&group.subscription);
            self.index.remove(index_number(slot.group()));
            // A free number keeps no filter in use.
            *group = SubscriptionGroup::new(Arc::clone(&self.of_nobody));
            self.free.push(slot.group());
            self.in_use.dec();
        }
        true
    }

    /// A group for a subscription that has none.
    fn open(&mut self, subscription: Arc<Subscription>) -> usize {
        let group = SubscriptionGroup::new(Arc::clone(&subscription));
        let number = if let Some(number) = self.free.pop() {
            self.slots[number] = group;
            number
        } else {
            self.slots.push(group);
            self.slots.len() - 1
        };
        self.index.add(index_number(number), &subscription.view);
        self.by_subscription.insert(subscription, number);
        self.in_use.inc();
        number
    }
}

/// A group's number as the index keeps it.
fn index_number(group: usize) -> u32 {
    u32::try_from(group)
        .expect("there are no more groups than sessions, and those have file descriptors")
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::domain::Operation;
    use crate::filter::{Kinds, View};
    use crate::session::{CatchUp, Connection};

    fn session(kinds: Kinds, close_on: Option<Operation>) -> ServeHandle {
        let socket = UnixStream::pair().expect("two file descriptors").0;
        let subscription = Subscription {
            view: View {
                kinds,
                ..View::default()
            },
            close_on,
            ..Subscription::default()
        };
        let catch_up = CatchUp::Snapshot { reset: None };
        let drain = Connection::open(socket.into(), subscription, catch_up, None);
        ServeHandle::of(drain.connection())
    }

    fn members(groups: &Groups) -> usize {
        let mut count = 0;
        for number in 0..groups.len() {
            let group = groups.group(number);
            for (slot, member) in group.members().enumerate() {
                let at = member.slot().unwrap();
                assert_eq!(
                    (at.group(), at.slot()),
                    (number, slot),
                    "each member knows its slot"
                );
                assert!(
                    Arc::ptr_eq(&member.subscription(), &group.subscription),
                    "a group shares one subscription"
                );
                count += 1;
            }
        }
        count
    }

    /// The metrics: members, and groups that have some.
    fn counted(groups: &Groups) -> (usize, usize) {
        let count = |gauge: &Gauge| usize::try_from(gauge.get()).unwrap();
        (count(&groups.views), count(&groups.in_use))
    }

    #[tokio::test]
    async fn a_session_is_in_the_group_of_its_subscription_while_others_come_and_go() {
        let mut groups = Groups::default();
        let mut sessions = Vec::new();
        for round in 0..60_usize {
            let kinds = [Kinds::All, Kinds::Saves, Kinds::Deletes][round % 3];
            let close_on = [None, Some(Operation::Save)][round / 3 % 2];
            let member = session(kinds, close_on);
            groups.add(member.clone());
            sessions.push(member);
            if round % 4 == 3 {
                let gone = sessions.swap_remove(round * 7 % sessions.len());
                assert!(groups.remove(&gone));
                assert!(!groups.remove(&gone), "a session leaves once");
            }
            assert_eq!(members(&groups), sessions.len());
            assert_eq!(
                counted(&groups),
                (sessions.len(), groups.by_subscription.len())
            );
        }
        for session in sessions.drain(..) {
            groups.remove(&session);
        }
        assert_eq!((members(&groups), counted(&groups)), (0, (0, 0)));
        let numbers = groups.len();
        groups.add(session(Kinds::All, None));
        assert_eq!(
            (groups.len(), members(&groups)),
            (numbers, 1),
            "an emptied group's number is used again"
        );
    }
}
