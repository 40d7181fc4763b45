//! The gateway as a whole: what is started, in which order, what it is connected to, and how it
//! ends.

#[cfg(test)]
mod branches_tests;
mod error;
mod listeners;
mod live;
mod open_files;
mod signals;
pub(crate) mod stop;
mod store;
mod traces;
mod welcome;

pub use error::AppError;

use std::io::Write;
use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout};

use crate::config::{Settings, StoreUrl};
use crate::http::{self, system_clock};
use crate::store::StoreSlot;
use crate::telemetry::{self, Readiness};
use listeners::Listeners;
use live::Live;
use signals::Signals;
use traces::Traced;
use welcome::Addresses;

/// Serves until a signal ends it. Addresses and a line to try are written to `out` as soon as both
/// listeners are open; an embedded store is open by then, Redis may follow.
pub async fn serve(settings: Settings, out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    let mut signals = Signals::catch().map_err(|source| AppError::System {
        what: "catch signals",
        source,
    })?;
    let readiness = Readiness::new(settings.live.ready_limit);
    let (registry, metrics) = telemetry::registry(readiness.clone());
    let slot = StoreSlot::new();

    let listeners = Listeners::bind(&settings, &metrics)?;
    let traced = Traced::start(&settings, &metrics)?;
    let mut live = Live::new(&settings, &slot, &metrics, &traced.traces);
    let mut opening = Box::pin(store::open(&settings, &slot, &metrics, &traced.traces));
    let mut opened = match settings.store.url {
        StoreUrl::Embedded(_) => Some(live.follow(opening.as_mut().await?, &readiness)?),
        StoreUrl::Redis(_) => None,
    };
    let (listen, admin) = (
        Addresses::joined(&listeners.addresses.public),
        Addresses::joined(&listeners.addresses.admin),
    );
    // Nobody may be reading, which is no reason not to serve.
    if let Err(error) = welcome::write(out, &listeners.addresses, &settings) {
        tracing::warn!(%error, "the addresses could not be written to standard output");
    }

    let state = http::State {
        store: slot.clone(),
        sessions: live.sessions.clone(),
        options: Arc::new(http::Options {
            admin: listeners.addresses.to_be_told(&settings),
            ..settings.http_options()
        }),
        metrics: Arc::new(metrics.clone()),
        clock: system_clock,
        readiness: readiness.clone(),
        traces: traced.traces.clone(),
    };
    let damages = metrics.store_damage.clone();
    let operators = http::admin_router(
        settings.admin_options(),
        readiness.clone(),
        damages,
        Arc::new(registry),
    );
    let running = listeners.serve(http::router(state), operators);
    tracing::info!(listen, admin, store = %settings.store.url, "serving");

    loop {
        tokio::select! {
            // Cancel safe: a signal that was not returned is not taken.
            _ = signals.next() => break,
            () = live.failed() => return Err(AppError::Relay),
            // Not dropped by the other branch: it is polled again until it is done.
            store = opening.as_mut(), if opened.is_none() => {
                opened = Some(live.follow(store?, &readiness)?);
                tracing::info!(store = %settings.store.url, "the store is open");
            }
        }
    }

    signals.end_at_next();
    leave(&settings, &readiness, &live).await?;
    let deadline = Instant::now() + settings.shutdown_grace;
    let grace = traced.leave(settings.shutdown_grace);
    if tokio::join!(timeout(grace, running.drain()), live.close(grace))
        .0
        .is_err()
    {
        tracing::warn!("the grace period is over: connections are cut");
    }
    traced.close(deadline).await;
    Ok(())
}

/// Says that this gateway is about to go, and serves on for as long as balancers need to learn it.
async fn leave(settings: &Settings, readiness: &Readiness, live: &Live) -> Result<(), AppError> {
    if !settings.shutdown_notice.is_zero() {
        tracing::info!(
            notice_ms = settings.shutdown_notice.as_millis(),
            "stopping soon: not ready, still serving"
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

/// Brings the store's layout up to date, and tells `out` what that took.
pub async fn migrate(settings: Settings, out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    let told = store::migrate(&settings).await?;
    writeln!(out, "{told}").map_err(|source| AppError::System {
        what: "write to standard output",
        source,
    })
}

/// Compares all that the store keeps, and tells `out` what is wrong, a line each. With `repair`,
/// mends what can be. Returns how much is wrong after that.
pub async fn check(
    settings: Settings,
    repair: bool,
    out: &mut (dyn Write + Send),
) -> Result<u64, AppError> {
    let mut written = Ok(());
    let mut tell = |line: &dyn std::fmt::Display| {
        if written.is_ok() {
            written = writeln!(out, "{line}");
        }
    };
    let tally = store::check(&settings, repair.then(system_clock), &mut |fault| {
        tell(&fault);
    })
    .await?;
    tell(&tally);
    written.map_err(|source| AppError::System {
        what: "write to standard output",
        source,
    })?;
    Ok(tally.faults - tally.mended)
}
