//! The gateway as a whole: starts its parts in order, connects them, and ends them.

#[cfg(test)]
mod branches_tests;
mod error;
mod listeners;
mod live;
mod metrics;
pub(crate) mod process;
mod store;
mod tokens;
mod traces;
mod welcome;

pub use error::AppError;

use std::io::Write;
use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout};

use crate::config::{Settings, StoreUrl};
use crate::http::{self, system_clock};
use crate::limits::Limits;
use crate::store::StoreSlot;
use crate::telemetry::{AuditLog, Readiness};
use listeners::{ActiveListeners, BoundListeners};
use live::LiveUpdates;
use metrics::GatewayMetrics;
use process::signals::{self, StopSignals};
use tokens::TokenChecks;
use traces::TraceExport;
use welcome::Addresses;

/// Serves until a signal. Writes the addresses and a command to try to `out` as soon as both
/// listeners are bound. An embedded store is open by then; Redis may answer later.
pub async fn serve(settings: Settings, out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    let mut signals = catch_signals()?;
    let readiness = Readiness::new(settings.live.ready_limit);
    let (registry, metrics) = GatewayMetrics::registered(readiness.clone());
    let slot = StoreSlot::new();
    let audit = Arc::new(AuditLog::new());

    let listeners = BoundListeners::bind(&settings, &metrics.http)?;
    let export = TraceExport::start(&settings, &metrics.traces)?;
    let mut opening = Box::pin(store::open(&settings, &slot, &metrics.store));
    let embedded = match settings.store.url {
        StoreUrl::Embedded(_) => Some(opening.as_mut().await?),
        StoreUrl::Redis(_) => None,
    };
    let checks = TokenChecks::start(&settings, &metrics.auth, &readiness, &audit)?;
    let mut live = LiveUpdates::new(&settings, &slot, checks.verify(), &metrics, &export.traces);
    let mut opened = embedded
        .map(|store| live.follow(store, &readiness))
        .transpose()?;
    let (listen, admin) = (
        Addresses::joined(&listeners.addresses.public),
        Addresses::joined(&listeners.addresses.admin),
    );
    // The gateway serves also where standard output is closed.
    if let Err(error) = welcome::write(out, &listeners.addresses, &settings) {
        tracing::warn!(%error, "the addresses cannot be written to standard output");
    }

    let limits = limits(&settings, &metrics, &audit);
    let state = http::HttpState {
        limits: Arc::clone(&limits),
        audit: Arc::clone(&audit),
        store: slot.clone(),
        sessions: live.sessions.clone(),
        authentication: checks.authentication,
        options: Arc::new(http::Options {
            admin: listeners.addresses.public_admin(&settings),
            ..settings.http_options()
        }),
        metrics: Arc::new(metrics.http.clone()),
        clock: system_clock,
        readiness: readiness.clone(),
        traces: export.traces.clone(),
    };
    let admin_router = http::admin_router(
        settings.admin_options(),
        readiness.clone(),
        metrics.store.store_damage.clone(),
        Arc::new(registry),
    );
    // Keeps the keys current until the gateway ends.
    let _keeper = checks.keeper;
    let running = listeners.serve(http::router(state), admin_router, limits);
    tracing::info!(listen, admin, store = %settings.store.url, "serving");

    loop {
        tokio::select! {
            // Cancel safe: a signal that was not returned stays pending.
            _ = signals.next() => break,
            () = live.failed() => return Err(AppError::Relay),
            // The other branches do not drop it: it is polled again until it is done.
            store = opening.as_mut(), if opened.is_none() => {
                opened = Some(live.follow(store?, &readiness)?);
                tracing::info!(store = %settings.store.url, "the store is open");
            }
        }
    }

    signals.end_at_next();
    give_notice(&settings, &readiness, &live).await?;
    drain(&settings, &running, &live, export).await;
    audit.close();
    Ok(())
}

fn catch_signals() -> Result<StopSignals, AppError> {
    let caught = signals::survive_file_size_limit().and_then(|()| StopSignals::catch());
    caught.map_err(|source| AppError::System {
        what: "catch signals",
        source,
    })
}

/// The limits on callers.
fn limits(settings: &Settings, metrics: &GatewayMetrics, audit: &Arc<AuditLog>) -> Arc<Limits> {
    let (options, metrics) = (settings.limit_options(), metrics.limits.clone());
    Arc::new(Limits::new(options, metrics, Arc::clone(audit)))
}

/// Lets requests and sessions end within the grace period, and exports the last spans.
async fn drain(
    settings: &Settings,
    running: &ActiveListeners,
    live: &LiveUpdates,
    export: TraceExport,
) {
    let deadline = Instant::now() + settings.shutdown_grace;
    let grace = export.grace_before(settings.shutdown_grace);
    if tokio::join!(timeout(grace, running.drain()), live.close(grace))
        .0
        .is_err()
    {
        tracing::warn!("the grace period is over: open connections are cut");
    }
    export.close(deadline).await;
}

/// Turns readiness red, and serves on until balancers have noticed it.
async fn give_notice(
    settings: &Settings,
    readiness: &Readiness,
    live: &LiveUpdates,
) -> Result<(), AppError> {
    if !settings.shutdown_notice.is_zero() {
        tracing::info!(
            notice_ms = settings.shutdown_notice.as_millis(),
            "stopping soon: not ready, but still serving"
        );
        readiness.leave();
        tokio::select! {
            () = sleep(settings.shutdown_notice) => {}
            () = live.failed() => return Err(AppError::Relay),
        }
    }
    tracing::info!(grace_ms = settings.shutdown_grace.as_millis(), "stopping");
    readiness.drain();
    Ok(())
}

/// Migrates the store's layout, and writes a report to `out`.
pub async fn migrate(settings: Settings, out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    let report = store::migrate(&settings).await?;
    writeln!(out, "{report}").map_err(|source| AppError::System {
        what: "write to standard output",
        source,
    })
}

/// Compares all records of the store, and writes each fault to `out`, one a line. `repair` repairs
/// the faults that can be repaired. Returns the number of remaining faults.
pub async fn check(
    settings: Settings,
    repair: bool,
    out: &mut (dyn Write + Send),
) -> Result<u64, AppError> {
    let mut written = Ok(());
    let mut print = |line: &dyn std::fmt::Display| {
        if written.is_ok() {
            written = writeln!(out, "{line}");
        }
    };
    let tally = store::check(&settings, repair.then(system_clock), &mut |fault| {
        print(&fault);
    })
    .await?;
    print(&tally);
    written.map_err(|source| AppError::System {
        what: "write to standard output",
        source,
    })?;
    Ok(tally.faults - tally.mended)
}
