//! Opens the store. Without its embedded store the gateway does not start. Redis may answer later:
//! until then the gateway listens and is not ready.

use std::sync::Arc;

use people_core::Backoff;
use tokio::time::sleep;

use super::AppError;
use crate::config::{RedisUrl, Settings, StoreUrl};
use crate::domain::Timestamp;
use crate::store::audit::{AuditTally, FindingSink};
use crate::store::embedded::EmbeddedStore;
use crate::store::redis::{self, OpenError, RedisStore};
use crate::store::{Metrics, Store, StoreSlot};

/// Opens the store, puts it into `slot`, and returns it. Returns an error only where trying again
/// would not help.
pub(super) async fn open(
    settings: &Settings,
    slot: &StoreSlot,
    metrics: &Metrics,
) -> Result<Arc<dyn Store>, AppError> {
    let store: Arc<dyn Store> = match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, metrics.clone());
            blocking(move || EmbeddedStore::open(options)).await?
        }
        StoreUrl::Redis(url) => open_redis(settings, url, metrics).await?,
    };
    slot.fill(Arc::clone(&store));
    Ok(store)
}

/// Tries again with growing pauses as long as the server does not answer.
async fn open_redis(
    settings: &Settings,
    url: &RedisUrl,
    metrics: &Metrics,
) -> Result<Arc<dyn Store>, AppError> {
    let limits = &settings.store.subscription;
    let mut backoff = Backoff::new(limits.backoff_min, limits.backoff_max);
    loop {
        match RedisStore::open(settings.redis_options(url), metrics.clone()).await {
            Ok(store) => return Ok(store),
            Err(error @ OpenError::Fatal { .. }) => return Err(unusable(error)),
            Err(OpenError::Unreachable { sentence, .. }) => {
                tracing::warn!(store = %url, detail = sentence, "the store does not answer yet");
                sleep(backoff.next_wait()).await;
            }
        }
    }
}

/// Migrates the layout; returns a report for the terminal.
pub(super) async fn migrate(settings: &Settings) -> Result<String, AppError> {
    match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, Metrics::default());
            drop(blocking(move || EmbeddedStore::open(options)).await?);
            Ok(format!("{}: the layout is up to date", settings.store.url))
        }
        StoreUrl::Redis(url) => {
            let migrated = redis::migrate(settings.redis_options(url)).await;
            let report = migrated.map_err(unusable)?;
            let applied = if report.applied.is_empty() {
                "nothing".to_owned()
            } else {
                report.applied.join(", ")
            };
            let (version, partitions) = (report.version, report.partitions.get());
            Ok(format!(
                "{url}: layout {version} with {partitions} partition(s); applied {applied}"
            ))
        }
    }
}

/// Compares all records of the store. With a time, repairs the faults that can be repaired.
pub(super) async fn check(
    settings: &Settings,
    repair: Option<Timestamp>,
    sink: &mut FindingSink<'_>,
) -> Result<AuditTally, AppError> {
    let audited = match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, Metrics::default());
            blocking(move || EmbeddedStore::open_existing(options))
                .await?
                .audit(repair, sink)
                .await
        }
        StoreUrl::Redis(url) => {
            let options = redis::Options {
                migrate: false,
                ..settings.redis_options(url)
            };
            let opened = RedisStore::open(options, Metrics::default()).await;
            opened.map_err(unusable)?.audit(repair, sink).await
        }
    };
    audited.map_err(unusable)
}

async fn blocking<T, E>(open: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, AppError>
where
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let opened = tokio::task::spawn_blocking(open).await.map_err(unusable)?;
    opened.map_err(unusable)
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::Store(Box::new(error))
}
