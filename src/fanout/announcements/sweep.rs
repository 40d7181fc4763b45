//! A walk over all shards of the roster, one at a time, at a pace.

use std::time::Duration;

use tokio::time::Instant;

use crate::session::Sessions;

const SHARDS: usize = Sessions::SHARDS;

/// Which shards are still to be visited, and when the next one is due.
#[derive(Debug)]
pub(super) struct Sweep {
    /// The next shard.
    shard: usize,
    /// Shards that are left; 0 while there is nothing to announce.
    left: usize,
    due: Instant,
}

impl Sweep {
    /// A sweep with nothing to announce.
    pub(super) fn resting() -> Self {
        Self {
            shard: 0,
            left: 0,
            due: Instant::now(),
        }
    }

    /// Visits every shard once from here on. The next one is due after `pause`, or when it was if a
    /// sweep is under way.
    pub(super) fn extend(&mut self, pause: Duration) {
        if self.left == 0 {
            self.due = Instant::now() + pause;
        }
        self.left = SHARDS;
    }

    /// Visits every shard once from here on, the first one now.
    pub(super) fn restart(&mut self) {
        (self.left, self.due) = (SHARDS, Instant::now());
    }

    /// When the next shard is due; none while there is nothing to announce.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.left > 0).then_some(self.due)
    }

    /// Whether a shard is still to be visited.
    pub(super) fn will_visit(&self, shard: usize) -> bool {
        (shard + SHARDS - self.shard) % SHARDS < self.left
    }

    /// The next shard, if it is due.
    pub(super) fn next_shard(&mut self, now: Instant) -> Option<usize> {
        if self.left == 0 || self.due > now {
            return None;
        }
        let shard = self.shard;
        self.shard = (shard + 1) % SHARDS;
        self.left -= 1;
        Some(shard)
    }

    /// The shard after the one that was just visited is due so much later than that one was. A
    /// sweep that is further behind than `most` makes up for no more than that.
    pub(super) fn pause(&mut self, now: Instant, pause: Duration, most: Duration) {
        let earliest = now.checked_sub(most).unwrap_or(self.due);
        self.due = (self.due + pause).max(earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(2);
    const MOST: Duration = Duration::from_secs(1);

    /// The shards that the sweep visits within this time, asked every `step`.
    fn visited(sweep: &mut Sweep, time: Duration, step: Duration) -> Vec<usize> {
        let (start, mut shards) = (Instant::now(), Vec::new());
        let mut at = Duration::ZERO;
        while at <= time {
            while let Some(shard) = sweep.next_shard(start + at) {
                shards.push(shard);
                sweep.pause(start + at, PAUSE, MOST);
            }
            at += step;
        }
        shards
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_visits_each_shard_once_at_its_time_then_rests() {
        let mut sweep = Sweep::resting();
        assert_eq!(sweep.due(), None);
        sweep.extend(PAUSE);
        assert_eq!(sweep.due(), Some(Instant::now() + PAUSE));
        assert_eq!(
            visited(&mut sweep, PAUSE * 10, PAUSE),
            (0..10).collect::<Vec<_>>()
        );
        assert!((0..SHARDS).all(|shard| sweep.will_visit(shard) == (shard >= 10)));
        tokio::time::advance(PAUSE * 10).await;
        let rest = visited(&mut sweep, PAUSE * 5_000, PAUSE);
        assert_eq!(rest, (10..SHARDS).collect::<Vec<_>>());
        assert_eq!(sweep.due(), None);
        assert!(!(0..SHARDS).any(|shard| sweep.will_visit(shard)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_extended_sweep_visits_every_shard_again_at_the_same_pace() {
        let mut sweep = Sweep::resting();
        sweep.extend(PAUSE);
        assert_eq!(visited(&mut sweep, PAUSE * 100, PAUSE).len(), 100);
        let due = sweep.due();
        sweep.extend(PAUSE);
        assert_eq!(sweep.due(), due);
        tokio::time::advance(PAUSE * 100).await;
        let rest = visited(&mut sweep, PAUSE * 5_000, PAUSE);
        assert_eq!(rest, (100..SHARDS).chain(0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_sweep_catches_up_within_a_bound() {
        let mut sweep = Sweep::resting();
        sweep.extend(PAUSE);
        tokio::time::advance(PAUSE * 100).await;
        assert_eq!(visited(&mut sweep, Duration::ZERO, PAUSE).len(), 100);
        sweep.extend(PAUSE);
        // After a stop of an hour the sweep does not visit all shards at once.
        tokio::time::advance(Duration::from_secs(3600)).await;
        let at_once = visited(&mut sweep, Duration::ZERO, PAUSE).len();
        assert!((500..=502).contains(&at_once), "{at_once}");
    }
}
