//! Collects the breaks of several logs: a store that lost history mostly lost it in several logs at
//! once. Each log finds its break by a question of its own; clients get one reset for all of them.

use std::time::Duration;

use tokio::time::Instant;

use crate::history::Event;

/// How long events are held while logs are asked.
const HELD_FOR: Duration = Duration::from_secs(1);
/// Events that are held; with more of them the relay does not wait for the other logs.
const HELD_MAX: usize = 1024;

/// The events since the first break, in their order, until every log has answered.
#[derive(Default)]
pub(super) struct Breaks {
    events: Vec<Event>,
    until: Option<Instant>,
}

impl Breaks {
    /// A log's history broke. Returns whether it is the first: then all others are to be asked.
    pub(super) fn found(&mut self, now: Instant) -> bool {
        let first = self.until.is_none();
        self.until.get_or_insert(now + HELD_FOR);
        first
    }

    /// When events are held no longer.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Takes the next events; returns the events to pass on now. `are_asked`: some log has yet to
    /// answer.
    pub(super) fn pass(&mut self, events: Vec<Event>, are_asked: bool, now: Instant) -> Vec<Event> {
        let Some(until) = self.until else {
            return events;
        };
        self.events.extend(events);
        if are_asked && now < until && self.events.len() < HELD_MAX {
            return Vec::new();
        }
        self.until = None;
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Epoch, Partition, Position};
    use crate::store::Discontinuity;

    fn reset(partition: u16) -> Event {
        Event::Reset(
            Partition::new(partition),
            Discontinuity::Forked,
            Position::start_of(Epoch::new(1)),
        )
    }

    fn partitions(events: &[Event]) -> Vec<u16> {
        events
            .iter()
            .map(|event| event.at().partition.get())
            .collect()
    }

    #[test]
    fn the_breaks_of_several_logs_are_passed_on_together() {
        let (mut breaks, now) = (Breaks::default(), Instant::now());
        assert_eq!(
            partitions(&breaks.pass(vec![reset(7)], true, now)),
            [7],
            "nothing is held without a break"
        );
        assert!(breaks.found(now));
        assert!(breaks.pass(vec![reset(0)], true, now).is_empty());
        assert!(!breaks.found(now), "the others are asked already");
        assert!(breaks.pass(vec![reset(1)], true, now).is_empty());
        assert_eq!(partitions(&breaks.pass(Vec::new(), false, now)), [0, 1]);
        assert_eq!(breaks.until(), None);
    }

    #[test]
    fn a_silent_log_delays_the_breaks_up_to_a_limit() {
        let (mut breaks, now) = (Breaks::default(), Instant::now());
        breaks.found(now);
        assert!(breaks.pass(vec![reset(0)], true, now).is_empty());
        let until = breaks.until().expect("something is held");
        assert_eq!(partitions(&breaks.pass(Vec::new(), true, until)), [0]);
        breaks.found(now);
        let many = (0..HELD_MAX).map(|_| reset(0)).collect();
        assert_eq!(breaks.pass(many, true, now).len(), HELD_MAX);
    }
}
