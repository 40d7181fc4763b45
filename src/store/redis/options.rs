//! The options of the Redis store, and the form of its url for logs.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::domain::Partitions;
use crate::store::Retention;

/// The options of the Redis store: its url, and every limit.
#[derive(Clone)]
pub struct Options {
    /// `redis://` or `rediss://` with user, password and database. Never shown; see [`redacted`].
    pub url: String,
    /// The first part of all names. Prefix and database keep deployments apart.
    pub prefix: String,
    /// The number of logs; must equal that of the first migration.
    pub partitions: Partitions,
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
            partitions: Partitions::ONE,
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

/// The url with `***` in place of its password, for logs, errors and the effective configuration.
/// Query and fragment are left out. A text that does not parse is not shown at all: it may have a
/// secret anywhere.
pub fn redacted(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else {
        return "a text that is not a url".to_owned();
    };
    parsed.set_query(None);
    parsed.set_fragment(None);
    if parsed.password().is_none() {
        return parsed.to_string();
    }
    if parsed.set_password(Some("***")).is_err() {
        return format!("{}:***", parsed.scheme());
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = "rediss://ada:s3cret@db.example:6380/2?protocol=resp3#s3cret";
        assert_eq!(redacted(url), "rediss://ada:***@db.example:6380/2");
        assert_eq!(redacted("redis://:s3cret@db"), "redis://:***@db");
        assert_eq!(redacted("redis://db:6379/1"), "redis://db:6379/1");
        for malformed in ["redis://:s3cret@db:port", "s3cret", "redis://:s3cret@"] {
            assert!(!redacted(malformed).contains("s3cret"), "{malformed}");
        }
        let options = Options {
            url: url.to_owned(),
            ..Options::default()
        };
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
