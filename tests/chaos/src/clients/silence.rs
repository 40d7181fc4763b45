//! The longest time without a frame of one partition, at a client that receives every change.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use people_gateway::domain::Partition;

/// The frames of each partition, from its first one on.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    last: BTreeMap<Partition, Instant>,
    longest: Duration,
    is_ignored: bool,
}

impl Silence {
    /// Notes a frame of this partition.
    pub fn note(&mut self, partition: Partition) {
        if self.is_ignored {
            return;
        }
        let now = Instant::now();
        if let Some(last) = self.last.insert(partition, now) {
            self.longest = self.longest.max(now - last);
        }
    }

    /// Ends or begins the counting.
    pub fn count(&mut self, is_counted: bool) {
        self.last.clear();
        self.is_ignored = !is_counted;
    }

    /// The longest silence of any partition up to now.
    pub fn longest(&self) -> Duration {
        let ongoing = self.last.values().map(Instant::elapsed).max();
        self.longest.max(ongoing.unwrap_or_default())
    }

    /// Whether a frame of each of so many partitions came after this moment.
    pub fn ended_since(&self, since: Instant, partitions: usize) -> bool {
        self.last.values().filter(|last| **last > since).count() == partitions
    }
}
