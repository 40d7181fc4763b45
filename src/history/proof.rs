//! Whether this gateway's position was compared with the store's heads, and requests to compare it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The least time between two comparisons of heads that sessions ask for.
const SUSPICION_PAUSE: Duration = Duration::from_millis(100);

/// The last proof, and the requests for another.
#[derive(Default)]
pub(super) struct Proof {
    requests: Notify,
    requested: Mutex<Option<Instant>>,
    /// When the heads were asked for that last proved this gateway's position.
    proved: Mutex<Option<Instant>>,
}

impl Proof {
    /// Asks for a comparison; within `SUSPICION_PAUSE` that counts once.
    pub(super) fn request(&self) {
        let mut requested = self
            .requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if requested.is_none_or(|requested| requested.elapsed() >= SUSPICION_PAUSE) {
            *requested = Some(Instant::now());
            self.requests.notify_one();
        }
    }

    /// Waits for a request. Cancel safe.
    pub(super) async fn requested(&self) {
        self.requests.notified().await;
    }

    /// Notes that heads that were asked for at this moment are where this gateway is; returns
    /// whether that is news.
    pub(super) fn record(&self, asked: Instant) -> bool {
        let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
        proved.replace(asked) != Some(asked)
    }

    /// Whether heads that were asked for after this moment proved it.
    pub(super) fn is_newer_than(&self, moment: Instant) -> bool {
        self.proved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|proved| proved >= moment)
    }
}
