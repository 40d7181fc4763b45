//! Opens the store. The embedded one is there or the gateway does not start; Redis may answer
//! later, so the gateway listens meanwhile and says that it is not ready.

use std::sync::Arc;

use people_core::Backoff;
use tokio::time::sleep;

use super::AppError;
use crate::config::{RedisUrl, Settings, StoreUrl};
use crate::domain::Timestamp;
use crate::store::audit::{Sink, Tally};
use crate::store::embedded::EmbeddedStore;
use crate::store::redis::{self, OpenError, RedisStore};
use crate::store::{Store, StoreSlot, TracedStore};
use crate::telemetry::{Metrics, Traces};

/// Puts the store into `slot` once it is open, and gives it back. Comes back with an error only
/// where trying again would not help.
pub(super) async fn open(
    settings: &Settings,
    slot: &StoreSlot,
    metrics: &Metrics,
    traces: &Traces,
) -> Result<Arc<dyn Store>, AppError> {
    let mut store: Arc<dyn Store> = match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, metrics.clone());
            blocking(move || EmbeddedStore::open(options)).await?
        }
        StoreUrl::Redis(url) => open_redis(settings, url, metrics).await?,
    };
    if traces.are_on() {
        store = TracedStore::new(store, traces.clone());
    }
    slot.fill(Arc::clone(&store));
    Ok(store)
}

/// Tries for ever, with growing pauses, as long as the server merely does not answer.
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
            Err(OpenError::Fatal(detail)) => return Err(AppError::Store(detail)),
            Err(OpenError::Unreachable(detail)) => {
                tracing::warn!(store = %url, detail, "the store does not answer yet");
                sleep(backoff.next_wait()).await;
            }
        }
    }
}

/// What bringing the layout up to date took, in words for the terminal.
pub(super) async fn migrate(settings: &Settings) -> Result<String, AppError> {
    match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, Metrics::default());
            drop(blocking(move || EmbeddedStore::open(options)).await?);
            Ok(format!("{}: the layout is up to date", settings.store.url))
        }
        StoreUrl::Redis(url) => {
            let migrated = redis::migrate(settings.redis_options(url)).await;
            let report = migrated.map_err(|error| AppError::Store(error.to_string()))?;
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

/// Compares all that the store keeps; with the clock's time, mends what can be.
pub(super) async fn check(
    settings: &Settings,
    mend: Option<Timestamp>,
    sink: &mut Sink<'_>,
) -> Result<Tally, AppError> {
    let told = match &settings.store.url {
        StoreUrl::Embedded(directory) => {
            let options = settings.embedded_options(directory, Metrics::default());
            blocking(move || EmbeddedStore::open_existing(options))
                .await?
                .audit(mend, sink)
                .await
        }
        StoreUrl::Redis(url) => {
            let options = redis::Options {
                migrate: false,
                ..settings.redis_options(url)
            };
            let opened = RedisStore::open(options, Metrics::default()).await;
            opened
                .map_err(|error| AppError::Store(error.to_string()))?
                .audit(mend, sink)
                .await
        }
    };
    told.map_err(|error| AppError::Store(error.to_string()))
}

async fn blocking<T, E>(open: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, AppError>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    let opened = tokio::task::spawn_blocking(open)
        .await
        .map_err(|panic| AppError::Store(panic.to_string()))?;
    opened.map_err(|error| AppError::Store(error.to_string()))
}
