//! Failovers: one that is planned, and what makes one lose writes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Cluster;
use crate::wait::{DEADLINE, eventually};

/// A planned failover gives up after 5 s.
const PLANNED_FAILOVER: Duration = Duration::from_secs(6);
/// The commands of a replica at its master.
const REPLICATION: [&str; 3] = ["psync", "sync", "replconf"];

impl Cluster {
    /// Promotes a replica by `CLUSTER FAILOVER`, without loss, and waits until it is a master.
    pub async fn failover(&self, replica: usize) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            // It refuses while its link to the master is down.
            let _ = self.attempt::<()>(replica, &["CLUSTER", "FAILOVER"]).await;
            let again = Instant::now() + PLANNED_FAILOVER;
            while Instant::now() < again {
                let replication = self.server(replica).replication().await;
                if replication.is_ok_and(|replication| replication.is_master()) {
                    return;
                }
                sleep(Duration::from_millis(15)).await;
            }
        }
        panic!("node {replica} is not promoted");
    }

    /// Lets the replicas of a master fall behind for good: their links are cut, and they may not
    /// replicate again. The nodes still see each other, so only a killed master is replaced.
    pub async fn cut_replicas(&self, master: usize) {
        self.allow_replication(master, '-').await;
        self.attempt::<()>(master, &["CLIENT", "KILL", "TYPE", "replica"])
            .await
            .expect("the links can be cut");
        eventually("the replicas are cut off", async || {
            let replication = self.server(master).replication().await;
            replication.is_ok_and(|replication| replication.replicas() == 0)
        })
        .await;
    }

    /// Ends [`Cluster::cut_replicas`]. A restart ends it too.
    pub async fn rejoin_replicas(&self, master: usize) {
        self.allow_replication(master, '+').await;
    }

    async fn allow_replication(&self, master: usize, sign: char) {
        let rules = REPLICATION.map(|command| format!("{sign}{command}"));
        let mut words = vec!["ACL", "SETUSER", "default"];
        words.extend(rules.iter().map(String::as_str));
        self.command::<()>(master, &words).await;
    }
}
