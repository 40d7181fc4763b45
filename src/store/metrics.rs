//! What the stores count.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::damage::KnownDamage;
use super::error::StoreErrorKind;
use crate::telemetry::{Histogram, Label, StaticFamily, metrics};

metrics! {
    /// Metrics of both stores. Those of Redis stay at zero in an embedded store.
    pub struct Metrics {
        /// Writes carried out
        store_writes: Counter,
        /// Pipelines of calls (Redis) or commits (embedded)
        store_batches: Counter,
        /// Store calls that failed, by reason
        store_errors: StaticFamily<StoreErrorKind, Counter>,
        /// What the store is known to hold that cannot be served, by kind; at most 256 in all are
        /// remembered
        store_damage: KnownDamage,
        /// Time from a pipeline's sending to its last answer, once for each of its commands, by
        /// command
        redis_command_duration_seconds: StaticFamily<RedisCommand, Histogram>,
        /// Commands without an answer of use, each attempt of its own, by kind
        redis_errors: StaticFamily<RedisErrorKind, Counter>,
        /// Masters that own partitions
        store_masters: Gauge,
        /// Times that partitions got another master
        store_topology_changes: Counter,
        /// Questions for the map of masters, by outcome
        store_topology_refreshes: StaticFamily<RefreshOutcome, Counter>,
        /// Commands that a server sent away, by kind
        store_redirects: StaticFamily<RedirectKind, Counter>,
        /// Times that the subscription to a partition went to another connection
        store_subscription_moves: Counter,
        /// Writes that fewer replicas confirmed in time than store.durability wants
        store_unconfirmed_writes: Counter,
    }
}

/// A command to Redis; a script of ours by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisCommand {
    /// The script that saves a person.
    Save,
    /// The script that deletes a person.
    Delete,
    /// The script that reads a page of people.
    Page,
    /// The script that reads the log after a position.
    Since,
    /// The script that reads the end of the log.
    Tail,
    /// HGET: one person, or the layout at a probe.
    Hget,
    /// HMGET: the head of the log, or an idempotency record.
    Hmget,
    /// INFO: whether the server still is a master.
    Info,
    /// PUBLISH: a probe through the channel.
    Publish,
    /// Commands of a start, or after a wipe.
    Other,
}

/// Why a command to Redis has no answer of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisErrorKind {
    /// No connection was available in time.
    Connection,
    /// The command was sent, and no answer came in time.
    Lost,
    /// The server cannot run it now: it loads, is a replica, or runs another script.
    NotNow,
    /// Fewer replicas than wanted confirmed the write in time.
    Unconfirmed,
    /// The server had forgotten the scripts.
    NoScript,
    /// No memory or disk is left.
    Full,
    /// The server refused it for good: no permission, or a key of another type.
    Refused,
}

/// What became of a question for the map of masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// The map is as new as the newest, or newer.
    Believed,
    /// A newer map is known.
    Outdated,
    /// Nobody gave a map in time.
    Failed,
}

/// Why a server sent a command away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// The slot belongs to another server.
    Moved,
    /// The slot is being moved, and its keys are there already.
    Ask,
    /// The slot is being moved, and only some keys are here.
    TryAgain,
    /// The cluster does not serve the slot.
    Down,
    /// The server has become a replica.
    ReadOnly,
}

impl Label for RefreshOutcome {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Believed, Self::Outdated, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Believed => "believed",
            Self::Outdated => "outdated",
            Self::Failed => "failed",
        }
    }
}

impl Label for RedirectKind {
    const KEY: &'static str = "kind";
    const ALL: &'static [Self] = &[
        Self::Moved,
        Self::Ask,
        Self::TryAgain,
        Self::Down,
        Self::ReadOnly,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Ask => "ask",
            Self::TryAgain => "tryagain",
            Self::Down => "down",
            Self::ReadOnly => "readonly",
        }
    }
}

impl Label for RedisCommand {
    const KEY: &'static str = "command";
    const ALL: &'static [Self] = &[
        Self::Save,
        Self::Delete,
        Self::Page,
        Self::Since,
        Self::Tail,
        Self::Hget,
        Self::Hmget,
        Self::Info,
        Self::Publish,
        Self::Other,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Delete => "delete",
            Self::Page => "page",
            Self::Since => "since",
            Self::Tail => "tail",
            Self::Hget => "hget",
            Self::Hmget => "hmget",
            Self::Info => "info",
            Self::Publish => "publish",
            Self::Other => "other",
        }
    }
}

impl Label for RedisErrorKind {
    const KEY: &'static str = "kind";
    const ALL: &'static [Self] = &[
        Self::Connection,
        Self::Lost,
        Self::NotNow,
        Self::Unconfirmed,
        Self::NoScript,
        Self::Full,
        Self::Refused,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Lost => "lost",
            Self::NotNow => "not_now",
            Self::Unconfirmed => "unconfirmed",
            Self::NoScript => "no_script",
            Self::Full => "full",
            Self::Refused => "refused",
        }
    }
}
