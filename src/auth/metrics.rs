//! The metrics of tokens and their keys.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::fault::TokenOutcome;
use crate::telemetry::{Label, StaticFamily, metrics};

metrics! {
    /// Metrics of tokens.
    pub struct Metrics {
        /// Tokens that callers sent, by outcome
        tokens: StaticFamily<TokenOutcome, Counter>,
        /// Different rights in use: roles, each with the claims that its rules name
        rights: Gauge,
        /// Keys that tokens are verified with
        keys: Gauge,
        /// Seconds since the keys were last fetched from their URL; 0 where they are not fetched
        keys_age_seconds: Gauge<f64, AtomicU64>,
        /// Fetches of the keys from their URL, by outcome
        key_fetches: StaticFamily<KeyFetchOutcome, Counter>,
    }
}

/// What became of a fetch of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFetchOutcome {
    /// It brought a key set.
    Ok,
    /// It brought none.
    Failed,
}

impl Label for KeyFetchOutcome {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Ok, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}
