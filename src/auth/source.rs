//! Where the keys of tokens come from: given once, or fetched again and again.

use std::sync::Arc;
use std::time::Duration;

use super::fetched::FetchedKeys;
use super::keys::KeySet;

/// Where the keys of tokens come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The same keys as long as the gateway runs.
    Fixed(Arc<KeySet>),
    /// Those of a URL.
    Fetched(Arc<FetchedKeys>),
}

impl KeySource {
    /// The keys that hold now.
    pub(super) fn known(&self) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(keys) => Some(Arc::clone(keys)),
            Self::Fetched(fetched) => fetched.known(),
        }
    }

    /// Waits, with a limit, where a fetch may bring other keys.
    pub(super) async fn await_fetch(&self) {
        if let Self::Fetched(fetched) = self {
            fetched.await_fetch().await;
        }
    }

    /// When a caller that found no keys may try again.
    pub(super) fn retry(&self) -> Duration {
        match self {
            Self::Fixed(_) => Duration::ZERO,
            Self::Fetched(fetched) => fetched.retry(),
        }
    }

    /// Keeps the keys current. Returns at once where they stay the same.
    pub(super) async fn run(&self, withdrawn: impl Fn()) {
        if let Self::Fetched(fetched) = self {
            fetched.run(withdrawn).await;
        }
    }
}
