//! The master is cut off from the sentinels and its replicas, and clients still reach it.

use super::Sentinels;
use super::settings::{REPLICA_RULES, REPLICA_USER, SENTINEL_RULES, SENTINEL_USER};
use crate::wait::eventually;

impl Sentinels {
    /// Cuts the master off from the sentinels and its replicas, and returns it. It opens no
    /// connections itself, so it is enough that theirs are refused.
    pub async fn split_master(&mut self) -> usize {
        assert_eq!(self.split, None, "one split at a time");
        let master = self.master().await;
        self.split = Some(master);
        for user in [SENTINEL_USER, REPLICA_USER] {
            self.command::<()>(master, &["ACL", "SETUSER", user, "-@all"])
                .await;
            self.command::<i64>(master, &["CLIENT", "KILL", "USER", user])
                .await;
        }
        eventually("the replicas are cut off", async || {
            let replication = self.server(master).replication().await;
            replication.is_ok_and(|replication| replication.replicas() == 0)
        })
        .await;
        master
    }

    /// Ends [`Sentinels::split_master`]. The sentinels make the old master a replica after some
    /// seconds, if they have another one.
    pub async fn heal(&mut self) {
        let master = self.split.take().expect("a master that is cut off");
        for (user, rules) in [
            (SENTINEL_USER, &SENTINEL_RULES[..]),
            (REPLICA_USER, &REPLICA_RULES[..]),
        ] {
            let words = [&["ACL", "SETUSER", user], rules].concat();
            self.command::<()>(master, &words).await;
        }
    }
}
