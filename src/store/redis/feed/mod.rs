//! The feed: one subscription to each master, supervised as long as the feed is held.
//!
//! A subscription is made for a server and the partitions that it owns. When the owners change, the
//! subscriptions that are no longer right are ended, all of them before the first new one begins:
//! no partition is ever subscribed twice. Nothing tries to be lossless here: after each new
//! subscription the relay asks the log.

mod subscription;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::subscription::{FeedLinks, MasterSubscription};
use super::commands::KeyNames;
use super::connection::{Address, Endpoint};
use super::options::Options;
use super::topology::{Assignment, Owner, Owners};
use crate::domain::Partition;
use crate::store::{FeedQueue, Metrics, PartitionSet};

/// Keeps the subscriptions to all masters.
pub(super) struct Supervisor {
    assignment: watch::Receiver<Arc<Assignment>>,
    running: HashMap<Address, Running>,
    links: FeedLinks,
}

/// A subscription that runs.
struct Running {
    partitions: PartitionSet,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Supervisor {
    /// A supervisor that fills `queue`.
    pub(super) fn new(
        endpoint: &Arc<Endpoint>,
        owners: &Owners,
        keys: &Arc<KeyNames>,
        queue: Arc<FeedQueue>,
        options: &Options,
        metrics: &Metrics,
    ) -> Self {
        Self {
            assignment: owners.follow(),
            running: HashMap::new(),
            links: FeedLinks {
                endpoint: Arc::clone(endpoint),
                keys: Arc::clone(keys),
                queue,
                hints: owners.hints(),
                options: options.clone(),
                metrics: metrics.clone(),
            },
        }
    }

    /// Runs until the feed is dropped, or the store.
    pub(super) async fn run(mut self) {
        let mut is_first = true;
        loop {
            let mut owners = self.assignment.borrow_and_update().owners();
            owners.retain(|owner| !owner.partitions.is_empty());
            self.end_all_but(&owners).await;
            for owner in owners {
                let count = owner.partitions.len() as u64;
                if self.begin(owner) && !is_first {
                    self.links.metrics.store_subscription_moves.inc_by(count);
                }
            }
            is_first = false;
            if self.assignment.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends the subscriptions that are not to these owners with just these partitions.
    async fn end_all_but(&mut self, owners: &[Owner]) {
        let is_right = |address: &Address, partitions: &[Partition]| {
            let owner = owners.iter().find(|owner| owner.server.address == *address);
            owner.is_some_and(|owner| owner.partitions == partitions)
        };
        let ended = self
            .running
            .extract_if(|address, running| !is_right(address, &running.partitions));
        let ended: Vec<Running> = ended.map(|(_, running)| running).collect();
        for running in &ended {
            running.stop.cancel();
        }
        for running in ended {
            // It fails only where the runtime ends.
            let _ = running.task.await;
        }
    }

    /// Begins the subscription to this owner, if there is none; returns whether it did.
    fn begin(&mut self, owner: Owner) -> bool {
        let address = owner.server.address.clone();
        if self.running.contains_key(&address) {
            return false;
        }
        let partitions: PartitionSet = owner.partitions.into();
        let stop = CancellationToken::new();
        let subscription =
            MasterSubscription::new(self.links.clone(), &owner.server, Arc::clone(&partitions));
        let task = tokio::spawn(subscription.run(stop.clone()));
        let running = Running {
            partitions,
            stop,
            task: AbortOnDropHandle::new(task),
        };
        self.running.insert(address, running);
        true
    }
}
