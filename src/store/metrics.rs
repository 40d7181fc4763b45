//! What the stores count.

use prometheus_client::metrics::counter::Counter;

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
    /// The server had forgotten the scripts.
    NoScript,
    /// No memory or disk is left.
    Full,
    /// The server refused it for good: no permission, or a key of another type.
    Refused,
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
        Self::NoScript,
        Self::Full,
        Self::Refused,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Lost => "lost",
            Self::NotNow => "not_now",
            Self::NoScript => "no_script",
            Self::Full => "full",
            Self::Refused => "refused",
        }
    }
}
