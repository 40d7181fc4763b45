//! A verified token: what remains of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Rights;

/// What a verified token says of its holder. The token itself is not kept.
#[derive(Debug)]
pub struct Lease {
    /// The holder: the claim `sub`.
    pub subject: Box<str>,
    /// The claim `iss`.
    pub issuer: Option<Box<str>>,
    /// What the holder may do.
    pub rights: Arc<Rights>,
    /// When the token ends, with the leeway, since 1970: new requests are judged by this.
    pub ends: Duration,
    /// When the token expires. What runs already ends by the monotonic clock, so that no jump of
    /// the machine's clock ends it early or late.
    pub expires_at: Instant,
    /// When what runs under the token ends: later by the leeway.
    pub ends_at: Instant,
    /// The life of the key that verified the token; none where keys last as long as the gateway.
    pub key: Option<KeyLife>,
}

/// Whether a key is still one of its issuer's. Clones share it: the key has one, and so has each
/// token that the key verified.
#[derive(Clone, Debug, Default)]
pub struct KeyLife(Arc<AtomicBool>);

impl KeyLife {
    /// The issuer has taken the key back.
    pub fn withdraw(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the issuer has taken the key back.
    pub fn is_withdrawn(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Lease {
    /// Whether another token is of the same holder.
    pub fn is_of_holder_of(&self, other: &Self) -> bool {
        (&self.subject, &self.issuer) == (&other.subject, &other.issuer)
    }

    /// Whether the key that verified the token was withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        self.key.as_ref().is_some_and(KeyLife::is_withdrawn)
    }

    /// Whole seconds until the token expires.
    pub fn seconds_left(&self) -> u64 {
        let left = self.expires_at.saturating_duration_since(Instant::now());
        left.as_secs() + u64::from(left.subsec_millis() >= 500)
    }
}
