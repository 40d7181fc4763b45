//! The settings of the store as typed values.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::store_url::StoreUrl;
use crate::store::redis::{PubSub, REDACTED};

/// The store of people.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The kind of store, and its address.
    pub url: StoreUrl,
    /// The file that the address was read from; none where a setting holds it.
    pub url_file: Option<PathBuf>,
    /// The first word of every key and channel in Redis.
    pub prefix: String,
    /// The file that has the password in place of the address.
    pub password_file: Option<PathBuf>,
    /// How sentinels are connected to.
    pub sentinel: SentinelSettings,
    /// The number of logs, which the first migration fixes; none: the number that it has.
    pub partitions: Option<NonZeroU16>,
    /// The replicas that confirm a write before it is answered; none: none.
    pub durable_replicas: Option<NonZeroU32>,
    /// How long they may take.
    pub durability_timeout: Duration,
    /// How often a cluster is asked for its map.
    pub topology_interval: Duration,
    /// Limit of each step of a question for a map.
    pub topology_timeout: Duration,
    /// How changes are published.
    pub pubsub: PubSub,
    /// Whether a server may evict keys that expire.
    pub volatile_eviction: bool,
    /// Changes that a log keeps.
    pub log_max: NonZeroUsize,
    /// Whether the gateway migrates the layout at start.
    pub migrate: Migration,
    /// How long an idempotency key is kept.
    pub idempotency_ttl: Duration,
    /// Limit of a connection attempt.
    pub connect_timeout: Duration,
    /// Limit of the wait for the answer to a command.
    pub command_timeout: Duration,
    /// Pooled connections.
    pub pool_size: NonZeroUsize,
    /// Limit of the wait for a pooled connection.
    pub pool_wait: Duration,
    /// Pipelines in flight at once.
    pub lanes: NonZeroUsize,
    /// Commands in one pipeline.
    pub batch: NonZeroUsize,
    /// Calls that may wait.
    pub queue: NonZeroUsize,
    /// Limit of one call with its repeats.
    pub retry_limit: Duration,
    /// Limit of the wait for another gateway's migration.
    pub migration_wait: Duration,
    /// Memory for the pages of the embedded file.
    pub cache_bytes: NonZeroUsize,
    /// Writes in one commit.
    pub commit_batch: NonZeroUsize,
    /// The connection that receives what is published.
    pub subscription: SubscriptionSettings,
}

/// How sentinels are connected to; the account of the servers is never used for them.
#[derive(Clone, Debug)]
pub struct SentinelSettings {
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// Whether they speak TLS; none: as the servers do.
    pub tls: Option<bool>,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret text.
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text: for its use only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// When the layout of the store is migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// At the start of `serve`.
    AtStart,
    /// By `people-gateway migrate`; `serve` only checks the layout.
    ByHand,
}

/// Supervision of the subscription.
#[derive(Clone, Debug)]
pub struct SubscriptionSettings {
    /// Time between two pings.
    pub ping_interval: Duration,
    /// Limit of the wait for a pong.
    pub ping_timeout: Duration,
    /// The shortest pause before a reconnect.
    pub backoff_min: Duration,
    /// The longest pause before a reconnect.
    pub backoff_max: Duration,
}
