//! The generic cell rate algorithm (GCRA, ITU-T I.371): how often, and how many at once.
//!
//! Its only state is the theoretical arrival time: when the next event would come if they came at
//! even intervals. An event may come before it by the tolerance, which is what comes at once. A
//! time that has passed says nothing, so its holder may forget it.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many events in a period, and so many of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Between two events at even intervals.
    interval: Duration,
    /// How far ahead of the clock a theoretical arrival time may be for one more event.
    tolerance: Duration,
}

impl Rate {
    pub(super) fn new(events: NonZeroU32, period: Duration, burst: NonZeroU32) -> Self {
        let interval = period / events.get();
        Self {
            interval,
            tolerance: interval * (burst.get() - 1),
        }
    }

    /// The next theoretical arrival time if an event may come now; otherwise the wait until one
    /// may.
    pub(super) fn admit(self, arrival: Duration, now: Duration) -> Result<Duration, Duration> {
        let (next, wait) = self.reserve(arrival, now);
        if wait.is_zero() { Ok(next) } else { Err(wait) }
    }

    /// The next theoretical arrival time after an event that comes as soon as it may, and the wait
    /// until then.
    pub(super) fn reserve(self, arrival: Duration, now: Duration) -> (Duration, Duration) {
        let wait = arrival.saturating_sub(now + self.tolerance);
        (arrival.max(now) + self.interval, wait)
    }
}
