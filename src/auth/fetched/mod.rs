//! Keys from a URL (RFC 7517, section 5): fetched at the start, at intervals, and when a token
//! comes that no known key fits.
//!
//! One task fetches ([`FetchedKeys::run`]), so that there is one fetch at a time. `schedule`
//! decides when, `http` asks the server, `known` has the keys and what became of each, `report`
//! tells operators. Callers read the known keys; one that lacks a key may wait for the next fetch.

mod http;
mod known;
mod options;
mod report;
mod schedule;
mod url;

pub use options::FetchOptions;
pub use url::{InvalidKeyUrl, KeyUrl};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::keys::{FetchedSet, KeySet};
use super::metrics::Metrics;
use crate::telemetry::{AuditLog, Readiness};
use http::FetchError;
use known::KnownKeys;
use report::FetchReport;
use schedule::{Prospect, Schedule};

/// How long a caller waits for a fetch.
const WAIT_LIMIT: Duration = Duration::from_secs(2);
/// Callers that may wait; to the others only the known keys count.
const WAITERS_MAX: usize = 256;
/// Time between two updates of the keys' age.
const AGE_INTERVAL: Duration = Duration::from_secs(5);

/// Keys from a URL.
#[derive(Debug)]
pub struct FetchedKeys {
    url: KeyUrl,
    retry: Duration,
    state: Mutex<FetchState>,
    readiness: Readiness,
    /// A caller lacks a key.
    asked: Notify,
    /// Fetches that have ended.
    ended: watch::Sender<u64>,
    waiters: Semaphore,
}

#[derive(Debug)]
struct FetchState {
    schedule: Schedule,
    known: KnownKeys,
    report: FetchReport,
}

impl FetchedKeys {
    /// No keys yet: the gateway is not ready until the first fetch has brought some.
    pub fn new(
        options: &FetchOptions,
        metrics: Metrics,
        readiness: Readiness,
        audit: Arc<AuditLog>,
    ) -> Self {
        readiness.await_keys();
        let url = options.url.clone();
        Self {
            retry: options.retry,
            state: Mutex::new(FetchState {
                schedule: Schedule::new(options),
                known: KnownKeys::default(),
                report: FetchReport::new(url.clone(), metrics, audit),
            }),
            url,
            readiness,
            asked: Notify::new(),
            ended: watch::Sender::new(0),
            waiters: Semaphore::new(WAITERS_MAX),
        }
    }

    /// The keys that hold now.
    pub(super) fn known(&self) -> Option<Arc<KeySet>> {
        let state = self.lock();
        let set = state.known.set()?;
        state
            .schedule
            .holds(Instant::now())
            .then(|| Arc::clone(set))
    }

    /// Waits for a fetch that may bring a key that a caller lacks: for the one that is under way,
    /// or for a new one where the last is long enough ago. Returns at once where there is none to
    /// wait for, or enough callers wait.
    pub(super) async fn await_fetch(&self) {
        let mut ended = self.ended.subscribe();
        let prospect = self.lock().schedule.prospect(Instant::now());
        if prospect == Prospect::Nothing {
            return;
        }
        let Ok(_waiter) = self.waiters.try_acquire() else {
            return;
        };
        if prospect == Prospect::Begin {
            self.asked.notify_one();
        }
        // Without an answer in time the known keys count.
        let _ = timeout(WAIT_LIMIT, ended.changed()).await;
    }

    /// When a caller that found no keys may try again.
    pub(super) const fn retry(&self) -> Duration {
        self.retry
    }

    /// Fetches for ever. Calls `withdrawn` after each fetch whose set lacks a key of the one
    /// before.
    pub(super) async fn run(&self, withdrawn: impl Fn()) {
        let mut clock = interval(AGE_INTERVAL);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now();
        loop {
            // Cancel safe: nothing is lost of a wait.
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.asked.notified() => {
                    // The callers that asked may have seen a fetch since.
                    if self.lock().schedule.prospect(Instant::now()) != Prospect::Begin {
                        continue;
                    }
                }
                _ = clock.tick() => {
                    self.lock().show_age();
                    continue;
                }
            }
            self.lock().schedule.begin(Instant::now());
            let fetched = http::fetch(&self.url).await;
            let has_withdrawn = self.take(fetched);
            due = self.lock().schedule.due(Instant::now(), rand::random());
            if has_withdrawn {
                withdrawn();
            }
            self.ended.send_modify(|ended| *ended += 1);
        }
    }

    /// Takes the outcome of a fetch; returns whether a key was withdrawn.
    fn take(&self, fetched: Result<FetchedSet, FetchError>) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        state.schedule.end(now, fetched.is_ok());
        let has_withdrawn = match fetched {
            Ok(set) => state.replace(set),
            Err(error) => {
                let holds = state.schedule.holds(now);
                state.report.failed(&error, holds);
                false
            }
        };
        state.show_age();
        if state.known.set().is_some() {
            self.readiness.keys_arrived();
        }
        has_withdrawn
    }

    fn lock(&self) -> MutexGuard<'_, FetchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FetchState {
    fn replace(&mut self, fetched: FetchedSet) -> bool {
        let change = self.known.replace(fetched.keys);
        if let Some(set) = self.known.set() {
            self.report.fetched(set, change, fetched.faults);
        }
        change.withdrawn > 0
    }

    fn show_age(&self) {
        self.report.show_age(self.schedule.succeeded());
    }
}

#[cfg(test)]
mod tests;
