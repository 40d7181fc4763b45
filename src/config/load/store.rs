//! The settings of the store.

use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::Value;

use super::reader::{
    BYTES_MAX, COUNT_MAX, FaultDetail, SettingReader, milliseconds, number, range, text, truth,
};
use crate::config::store_settings::{
    Migration, Secret, SentinelSettings, StoreSettings, SubscriptionSettings,
};
use crate::config::store_url::{RedisKind, StoreUrl};
use crate::store::redis::{PubSub, secret_line};

const PARTITIONS: RangeInclusive<u64> = 1..=1024;
/// The limit of one call, where the operator sets no other.
const RETRY_LIMIT: Duration = Duration::from_secs(5);
/// The same where another server may take over: a failover takes the node timeout and some seconds.
const FAILOVER_RETRY_LIMIT: Duration = Duration::from_secs(15);

pub(super) fn read(r: &mut SettingReader) -> StoreSettings {
    let (url, url_file) = store_url(r);
    let retry_limit = r.written("store.retry_limit_ms", milliseconds);
    let retry_limit = retry_limit.unwrap_or(match &url {
        StoreUrl::Redis(url) if url.kind() != RedisKind::Single => FAILOVER_RETRY_LIMIT,
        _ => RETRY_LIMIT,
    });
    StoreSettings {
        url,
        url_file,
        password_file: r.written("store.password_file", |value| {
            text(value).map(PathBuf::from)
        }),
        sentinel: SentinelSettings {
            username: r.written("store.sentinel.username", owned),
            password: r.written("store.sentinel.password", owned).map(Secret::new),
            tls: r.read("store.sentinel.tls", automatic_truth),
        },
        prefix: r.read("store.prefix", prefix),
        partitions: r.written("store.partitions", |value| {
            let number = number(value, &PARTITIONS)?;
            NonZeroU16::try_from(number).map_err(|_| range(&PARTITIONS))
        }),
        durable_replicas: r.read("store.durability", durable_replicas),
        durability_timeout: r.milliseconds("store.durability_timeout_ms"),
        topology_interval: r.milliseconds("store.topology_interval_ms"),
        topology_timeout: r.milliseconds("store.topology_timeout_ms"),
        pubsub: r.read("store.pubsub", pubsub),
        volatile_eviction: r.read("store.eviction", volatile_eviction),
        log_max: r.number("store.log_max", 1..=COUNT_MAX),
        migrate: r.read("store.migrate", |value| {
            truth(value).map(|at_start| {
                if at_start {
                    Migration::AtStart
                } else {
                    Migration::ByHand
                }
            })
        }),
        idempotency_ttl: r.milliseconds("store.idempotency_ttl_ms"),
        connect_timeout: r.milliseconds("store.connect_timeout_ms"),
        command_timeout: r.milliseconds("store.command_timeout_ms"),
        pool_size: r.number("store.pool_size", 1..=1024),
        pool_wait: r.milliseconds("store.pool_wait_ms"),
        lanes: r.number("store.lanes", 1..=256),
        batch: r.number("store.batch", 1..=10_000),
        queue: r.number("store.queue", 1..=COUNT_MAX),
        retry_limit,
        migration_wait: r.milliseconds("store.migration_wait_ms"),
        cache_bytes: r.number("store.cache_bytes", (1 << 20)..=BYTES_MAX),
        commit_batch: r.number("store.commit_batch", 1..=1_000_000),
        subscription: SubscriptionSettings {
            ping_interval: r.milliseconds("store.subscription.ping_interval_ms"),
            ping_timeout: r.milliseconds("store.subscription.ping_timeout_ms"),
            backoff_min: r.milliseconds("store.subscription.backoff_min_ms"),
            backoff_max: r.milliseconds("store.subscription.backoff_max_ms"),
        },
    }
}

/// `store.url`, or the address in the file of `store.url_file`. No fault repeats any part of the
/// file: all of it is a secret.
fn store_url(r: &mut SettingReader) -> (StoreUrl, Option<PathBuf>) {
    let url = r.parsed("store.url");
    let Some(file) = r.written("store.url_file", |value| text(value).map(PathBuf::from)) else {
        return (url, None);
    };
    if r.is_written("store.url") {
        r.fault(
            "store.url_file",
            "excludes store.url: set one of them".to_owned(),
        );
        return (url, Some(file));
    }
    match url_in(&file) {
        Ok(url) => (url, Some(file)),
        Err(detail) => {
            r.fault("store.url_file", detail);
            (url, Some(file))
        }
    }
}

fn url_in(file: &Path) -> Result<StoreUrl, FaultDetail> {
    let line = secret_line(file, "the address of the store")?;
    line.parse()
        .map_err(|error| format!("the content of {} {error}", file.display()))
}

/// Braces would change the hash tag of the keys; the other limits keep keys and channels readable.
fn prefix(value: &Value) -> Result<String, FaultDetail> {
    let text = text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("has to be 1 to 64 of the characters a-z A-Z 0-9 - _ . :".into())
    }
}

fn owned(value: &Value) -> Result<String, FaultDetail> {
    text(value).map(str::to_owned)
}

/// Yes, no, or as the servers do.
fn automatic_truth(value: &Value) -> Result<Option<bool>, FaultDetail> {
    match text(value) {
        Ok("auto") => Ok(None),
        _ => truth(value)
            .map(Some)
            .map_err(|_| "has to be \"auto\", true or false".to_owned()),
    }
}

fn durable_replicas(value: &Value) -> Result<Option<NonZeroU32>, FaultDetail> {
    let text = text(value)?;
    let replicas = text
        .strip_prefix("replicas:")
        .and_then(|count| count.parse().ok());
    match (text, replicas) {
        ("master", _) => Ok(None),
        (_, Some(replicas)) => Ok(Some(replicas)),
        _ => Err("has to be \"master\", or \"replicas:N\" with N from 1".to_owned()),
    }
}

fn pubsub(value: &Value) -> Result<PubSub, FaultDetail> {
    match text(value)? {
        "auto" => Ok(PubSub::Auto),
        "classic" => Ok(PubSub::Classic),
        "sharded" => Ok(PubSub::Sharded),
        _ => Err("has to be \"auto\", \"classic\" or \"sharded\"".to_owned()),
    }
}

fn volatile_eviction(value: &Value) -> Result<bool, FaultDetail> {
    match text(value)? {
        "strict" => Ok(false),
        "volatile-ok" => Ok(true),
        _ => Err("has to be \"strict\" or \"volatile-ok\"".to_owned()),
    }
}
