//! Where keys are fetched, and how often.

use std::time::Duration;

use super::url::KeyUrl;

/// Where keys are fetched, and how often.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The URL of the key set.
    pub url: KeyUrl,
    /// Time between two fetches while the known keys hold; it varies by a tenth.
    pub refresh: Duration,
    /// The least time from one fetch to another that a token causes, and the time between two while
    /// there are no keys that hold.
    pub retry: Duration,
    /// How long the keys of the last successful fetch hold.
    pub stale: Duration,
}
