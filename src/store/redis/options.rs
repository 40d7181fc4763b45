//! The options of the Redis store, and the form of its url for logs.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::url::redacted;
use crate::domain::Partitions;
use crate::store::Retention;

/// The options of the Redis store: its url, and every limit.
#[derive(Clone)]
pub struct Options {
    /// `redis://`, `redis-sentinel://` or `redis-cluster://`, or with TLS `rediss…`, with user,
    /// password and database. Never shown; see [`redacted`].
    pub url: String,
    /// The file that has the password in place of the url.
    pub password_file: Option<PathBuf>,
    /// How sentinels are connected to.
    pub sentinel: SentinelOptions,
    /// The first part of all names. Prefix and database keep deployments apart.
    pub prefix: String,
    /// The number of logs; must equal that of the first migration. None: whatever it was, and at
    /// the first one 12 in a cluster and else 1.
    pub partitions: Option<Partitions>,
    /// What replicas have to confirm before a write is answered; none asks none.
    pub durability: Option<Durability>,
    /// How often a cluster is asked for its map.
    pub topology_interval: Duration,
    /// Time limit of each step of a question for a map.
    pub topology_timeout: Duration,
    /// How changes are published.
    pub pubsub: PubSub,
    /// Whether a server may evict keys that expire: those are idempotency records only.
    pub volatile_eviction: bool,
    /// How long log and idempotency records last.
    pub retention: Retention,
    /// Whether to bring an older layout up to date; otherwise it is refused.
    pub migrate: bool,
    /// Time limit from the first packet to the end of the handshake.
    pub connect_timeout: Duration,
    /// Time limit from a pipeline's sending to its last answer.
    pub command_timeout: Duration,
    /// Connections for commands; each feed has one more.
    pub pool_size: NonZeroUsize,
    /// Time limit for a connection from the pool, its check or a new connect included.
    pub pool_wait: Duration,
    /// Pipelines of writes and single reads at the same time.
    pub lanes: NonZeroUsize,
    /// Commands of one such pipeline.
    pub batch: NonZeroUsize,
    /// Commands that may wait for a pipeline; further ones are refused as overload.
    pub queue: NonZeroUsize,
    /// Time limit of one call, repeats included.
    pub retry_limit: Duration,
    /// Time limit for another gateway's migration to end.
    pub migration_wait: Duration,
    /// Pause between two pings of the subscription.
    pub ping_interval: Duration,
    /// Time limit for an answer to a ping; any message counts.
    pub ping_timeout: Duration,
    /// The first pause before a new attempt to connect; doubled each time, half of it random.
    pub backoff_min: Duration,
    /// The longest such pause.
    pub backoff_max: Duration,
}

const fn at_least_one(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("the defaults below are not zero")
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379/0".to_owned(),
            prefix: "people".to_owned(),
            password_file: None,
            sentinel: SentinelOptions::default(),
            partitions: None,
            durability: None,
            topology_interval: Duration::from_secs(10),
            topology_timeout: Duration::from_millis(500),
            pubsub: PubSub::Auto,
            volatile_eviction: false,
            retention: Retention {
                log_max: at_least_one(100_000),
                idempotency_ttl: Duration::from_secs(24 * 60 * 60),
            },
            migrate: true,
            connect_timeout: Duration::from_secs(1),
            command_timeout: Duration::from_secs(2),
            pool_size: at_least_one(16),
            pool_wait: Duration::from_secs(2),
            lanes: at_least_one(2),
            batch: at_least_one(16),
            queue: at_least_one(10_000),
            retry_limit: Duration::from_secs(5),
            migration_wait: Duration::from_secs(15),
            ping_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(2),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(2),
        }
    }
}

/// How sentinels are connected to. The account of the servers is never used for them.
#[derive(Clone, Default)]
pub struct SentinelOptions {
    /// The user; none is the default user.
    pub username: Option<String>,
    /// The password; none does not sign in.
    pub password: Option<String>,
    /// Whether they speak TLS; none: as the servers do.
    pub tls: Option<bool>,
}

/// Writes are answered once replicas have them in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durability {
    /// The replicas of a master that have to have a write.
    pub replicas: NonZeroU32,
    /// How long they may take.
    pub timeout: Duration,
}

/// How changes are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PubSub {
    /// [`PubSub::Sharded`] in a cluster, else [`PubSub::Classic`].
    Auto,
    /// `PUBLISH`: a cluster sends each change to every node.
    Classic,
    /// `SPUBLISH`: only the master of the partition and its replicas have the change.
    Sharded,
}

impl Options {
    /// Time limit from a pipeline's sending to its last answer.
    pub(super) fn answer_limit(&self) -> Duration {
        let confirmation = self.durability.map(|durability| durability.timeout);
        self.command_timeout + confirmation.unwrap_or_default()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url,
            prefix,
            partitions,
            retention,
            migrate,
            pool_size,
            lanes,
            batch,
            queue,
            ..
        } = self;
        f.debug_struct("Options")
            .field("url", &redacted(url))
            .field("prefix", prefix)
            .field("partitions", partitions)
            .field("retention", retention)
            .field("migrate", migrate)
            .field("pool_size", pool_size)
            .field("lanes", lanes)
            .field("batch", batch)
            .field("queue", queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let options = Options {
            url: "rediss://ada:s3cret@db.example:6380/2?protocol=resp3#s3cret".to_owned(),
            ..Options::default()
        };
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
