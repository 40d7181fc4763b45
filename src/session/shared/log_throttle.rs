//! A log line that many sessions may cause at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// When the line was written last.
#[derive(Default)]
pub(in crate::session) struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    /// Writes the line, unless it was written a moment ago.
    pub(in crate::session) fn log(&self, line: impl FnOnce()) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= PAUSE) {
            *last = Some(Instant::now());
            drop(last);
            line();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttle_writes_one_line_in_each_pause() {
        let throttle = LogThrottle::default();
        let mut lines = 0;
        for _ in 0..3 {
            for _ in 0..100 {
                throttle.log(|| lines += 1);
            }
            tokio::time::advance(PAUSE).await;
        }
        assert_eq!(lines, 3);
    }
}
