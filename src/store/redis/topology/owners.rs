//! The owners of all partitions, as they are now, and the way to tell their keeper what was met.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::domain::Partition;
use crate::store::redis::connection::{Address, Redirect, Server};

/// Where keys lie: with a partition, or with the directory of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Home {
    /// The keys of a partition.
    Partition(Partition),
    /// The directory of the layout.
    Directory,
}

/// The servers of all homes: those of the partitions in order, then that of the directory.
pub(in crate::store::redis) struct Assignment(Vec<Option<Arc<Server>>>);

/// A server, and what it owns.
pub(in crate::store::redis) struct Owner {
    pub(in crate::store::redis) server: Arc<Server>,
    pub(in crate::store::redis) partitions: Vec<Partition>,
    pub(in crate::store::redis) has_directory: bool,
}

/// What a command, a probe or a subscription met.
pub(in crate::store::redis) enum Hint {
    /// The server sent the command for this home away.
    Redirected(Home, Address, Redirect),
    /// The server does not answer.
    Silent(Address),
    /// The server no longer carries the channels of its partitions.
    Unsubscribed(Address),
    /// The server answered a probe as an owner.
    Answered(Address),
    /// The server says that it is a replica.
    Replica(Address),
}

/// The current assignment, and the way to the keeper of it.
pub(in crate::store::redis) struct Owners {
    pub(super) assignment: watch::Receiver<Arc<Assignment>>,
    pub(super) hints: mpsc::Sender<Hint>,
}

impl Owners {
    /// The owners now.
    pub(in crate::store::redis) fn now(&self) -> Arc<Assignment> {
        Arc::clone(&self.assignment.borrow())
    }

    /// The owner of a home; none while it is unknown.
    pub(in crate::store::redis) fn of(&self, home: Home) -> Option<Arc<Server>> {
        self.assignment.borrow().server(home).cloned()
    }

    /// Follows the owners.
    pub(in crate::store::redis) fn follow(&self) -> watch::Receiver<Arc<Assignment>> {
        self.assignment.clone()
    }

    /// The way for hints of others.
    pub(in crate::store::redis) fn hints(&self) -> mpsc::Sender<Hint> {
        self.hints.clone()
    }

    /// Tells the keeper. A hint that finds no room is dropped.
    pub(in crate::store::redis) fn hint(&self, hint: Hint) {
        let _ = self.hints.try_send(hint);
    }
}

impl Assignment {
    /// The servers, in the order of [`Assignment::index`].
    pub(super) fn new(servers: Vec<Option<Arc<Server>>>) -> Self {
        Self(servers)
    }

    /// The index of a home among all.
    pub(super) fn index(&self, home: Home) -> usize {
        match home {
            Home::Partition(partition) => partition.index(),
            Home::Directory => self.0.len() - 1,
        }
    }

    /// The server that owns a home; none while that is unknown.
    pub(in crate::store::redis) fn server(&self, home: Home) -> Option<&Arc<Server>> {
        self.0.get(self.index(home))?.as_ref()
    }

    /// The addresses of all homes' servers, in order.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Option<&Address>> {
        self.0.iter().map(|server| Some(&server.as_ref()?.address))
    }

    /// The known servers with what they own.
    pub(in crate::store::redis) fn owners(&self) -> Vec<Owner> {
        let mut owners: Vec<Owner> = Vec::new();
        for (index, server) in self.0.iter().enumerate() {
            let Some(server) = server else { continue };
            let known = owners
                .iter()
                .position(|owner| Arc::ptr_eq(&owner.server, server));
            let known = known.unwrap_or_else(|| {
                owners.push(Owner {
                    server: Arc::clone(server),
                    partitions: Vec::new(),
                    has_directory: false,
                });
                owners.len() - 1
            });
            if index + 1 == self.0.len() {
                owners[known].has_directory = true;
            } else if let Ok(number) = u16::try_from(index) {
                owners[known].partitions.push(Partition::new(number));
            }
        }
        owners
    }
}
