//! What operators learn of fetches: metrics, and a log line where something changes.

use std::sync::Arc;

use tokio::time::Instant;

use super::http::FetchError;
use super::known::KeyChange;
use super::url::KeyUrl;
use crate::auth::keys::{KeyFault, KeySet};
use crate::auth::metrics::{KeyFetchOutcome, Metrics};
use crate::telemetry::{AuditLog, ChangedKeys, ErrorChain};

/// What was reported last.
#[derive(Debug)]
pub(super) struct FetchReport {
    url: KeyUrl,
    metrics: Metrics,
    audit: Arc<AuditLog>,
    /// The age of the keys counts from here until there are some.
    started: Instant,
    /// Where fetches fail: whether the known keys hold nevertheless.
    failing: Option<bool>,
    faults: Vec<KeyFault>,
}

impl FetchReport {
    pub(super) fn new(url: KeyUrl, metrics: Metrics, audit: Arc<AuditLog>) -> Self {
        Self {
            url,
            metrics,
            audit,
            started: Instant::now(),
            failing: None,
            faults: Vec::new(),
        }
    }

    /// A fetch brought these keys, and these faults of others.
    pub(super) fn fetched(&mut self, keys: &KeySet, change: KeyChange, faults: Vec<KeyFault>) {
        self.metrics.key_fetches.at(KeyFetchOutcome::Ok).inc();
        let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        self.metrics.keys.set(count);
        if self.failing.take().is_some() {
            tracing::info!(url = %self.url, "keys are fetched again");
        }
        let KeyChange { added, withdrawn } = change;
        if added + withdrawn > 0 {
            self.audit.keys_changed(&ChangedKeys {
                url: &self.url,
                keys: keys.len(),
                algorithms: &keys.algorithms(),
                added,
                withdrawn,
            });
        }
        if faults != self.faults {
            if !faults.is_empty() {
                let why: Vec<String> = faults.iter().map(KeyFault::to_string).collect();
                let (left_out, why) = (faults.len(), why.join("; "));
                tracing::warn!(url = %self.url, left_out, why, "keys of the set are left out");
            }
            self.faults = faults;
        }
    }

    /// A fetch brought nothing; the known keys, if there are any, go on to hold or do not.
    pub(super) fn failed(&mut self, error: &FetchError, holds: bool) {
        self.metrics.key_fetches.at(KeyFetchOutcome::Failed).inc();
        if self.failing.replace(holds) != Some(holds) {
            let why = ErrorChain(error).to_string();
            let keys = if holds {
                "the known ones hold for now"
            } else {
                "none hold, so no token can be verified"
            };
            tracing::warn!(url = %self.url, why, keys, "keys cannot be fetched");
        }
    }

    /// Shows how old the keys are.
    pub(super) fn show_age(&self, succeeded: Option<Instant>) {
        let age = succeeded.unwrap_or(self.started).elapsed();
        self.metrics.keys_age_seconds.set(age.as_secs_f64());
    }
}
