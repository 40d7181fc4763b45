//! When keys are fetched, and how long they hold: no clock, no socket.

use std::time::Duration;

use tokio::time::Instant;

use super::options::FetchOptions;

/// The times of the fetches so far.
#[derive(Debug)]
pub(super) struct Schedule {
    refresh: Duration,
    retry: Duration,
    stale: Duration,
    /// When the last fetch began.
    began: Option<Instant>,
    /// When the last successful one ended.
    succeeded: Option<Instant>,
    is_under_way: bool,
}

/// What a caller that lacks a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    /// Let a fetch begin, and wait for it.
    Begin,
    /// Wait for the fetch that is under way.
    Wait,
    /// Nothing: the last fetch was a moment ago.
    Nothing,
}

impl Schedule {
    pub(super) fn new(options: &FetchOptions) -> Self {
        Self {
            refresh: options.refresh,
            retry: options.retry,
            stale: options.stale,
            began: None,
            succeeded: None,
            is_under_way: false,
        }
    }

    /// A fetch begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
        self.is_under_way = true;
    }

    /// The fetch ends.
    pub(super) fn end(&mut self, now: Instant, is_success: bool) {
        self.is_under_way = false;
        if is_success {
            self.succeeded = Some(now);
        }
    }

    /// Whether the keys of the last successful fetch hold.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.succeeded.is_some_and(|at| now < at + self.stale)
    }

    /// When the last successful fetch was.
    pub(super) const fn succeeded(&self) -> Option<Instant> {
        self.succeeded
    }

    /// What a caller that lacks a key can do.
    pub(super) fn prospect(&self, now: Instant) -> Prospect {
        match self.began {
            _ if self.is_under_way => Prospect::Wait,
            Some(began) if now < began + self.retry => Prospect::Nothing,
            _ => Prospect::Begin,
        }
    }

    /// When the next fetch begins that no caller causes. `random` is between 0 and 1: gateways that
    /// were started together should not ask the issuer together.
    pub(super) fn due(&self, now: Instant, random: f64) -> Instant {
        let Some(began) = self.began else { return now };
        let pause = if self.holds(now) {
            self.refresh.mul_f64(0.9 + 0.2 * random)
        } else {
            self.retry.mul_f64(1.0 + 0.2 * random)
        };
        began + pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule() -> Schedule {
        Schedule::new(&FetchOptions {
            url: "https://issuer.example/".parse().expect("a URL"),
            refresh: 300 * SECOND,
            retry: 10 * SECOND,
            stale: 86_400 * SECOND,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_fetched_at_once_and_then_at_intervals_that_vary() {
        let (mut schedule, start) = (schedule(), Instant::now());
        assert_eq!(schedule.due(start, 0.5), start);
        schedule.begin(start);
        schedule.end(start + SECOND, true);
        let due = |random| schedule.due(start + SECOND, random) - start;
        assert_eq!(due(0.0), 270 * SECOND);
        assert!(due(1.0) > 329 * SECOND && due(1.0) <= 330 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn without_keys_that_hold_they_are_fetched_more_often() {
        let (mut schedule, start) = (schedule(), Instant::now());
        schedule.begin(start);
        schedule.end(start + 5 * SECOND, false);
        assert!(!schedule.holds(start + 5 * SECOND));
        assert_eq!(schedule.due(start + 5 * SECOND, 0.0), start + 10 * SECOND);
        schedule.begin(start + 10 * SECOND);
        schedule.end(start + 10 * SECOND, true);
        let last = start + 86_409 * SECOND;
        schedule.begin(last);
        schedule.end(last, false);
        assert!(schedule.holds(last), "a failure changes nothing");
        assert_eq!(schedule.due(last, 0.0), last + 270 * SECOND);
        assert!(!schedule.holds(last + SECOND), "a day has passed");
        assert_eq!(schedule.due(last + SECOND, 0.0), last + 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_causes_a_fetch_only_if_the_last_one_is_a_while_ago() {
        let (mut schedule, start) = (schedule(), Instant::now());
        assert_eq!(schedule.prospect(start), Prospect::Begin);
        schedule.begin(start);
        assert_eq!(schedule.prospect(start + 60 * SECOND), Prospect::Wait);
        schedule.end(start + SECOND, true);
        assert_eq!(schedule.prospect(start + 9 * SECOND), Prospect::Nothing);
        assert_eq!(schedule.prospect(start + 10 * SECOND), Prospect::Begin);
    }
}
