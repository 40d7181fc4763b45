//! The order in which groups are served: those in which a round is under way, a step of each after
//! the other, and those in a cooldown.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The numbers of groups that have changes to send, or may soon have.
#[derive(Debug, Default)]
pub(super) struct RunQueue {
    /// Groups with a round under way.
    rounds: VecDeque<usize>,
    /// Groups in a cooldown, and its end. A group whose cooldown was cut short stays in here.
    cooldowns: Vec<(Instant, usize)>,
}

impl RunQueue {
    /// Whether a round is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// The groups with a round under way.
    pub(super) fn rounds(&self) -> impl Iterator<Item = usize> {
        self.rounds.iter().copied()
    }

    /// Begins a round of a group; the others have their turn first.
    pub(super) fn begin(&mut self, number: usize) {
        self.rounds.push_back(number);
    }

    /// The group that is served next.
    pub(super) fn current(&self) -> Option<usize> {
        self.rounds.front().copied()
    }

    /// Ends the current round, which has visited every member.
    pub(super) fn end(&mut self) {
        self.rounds.pop_front();
    }

    /// The others have their turn before the current one goes on.
    pub(super) fn pass(&mut self) {
        self.rounds.rotate_left(usize::from(self.is_busy()));
    }

    /// Begins a cooldown of a group that lasts until `until`.
    pub(super) fn cool_down(&mut self, number: usize, until: Instant) {
        self.cooldowns.push((until, number));
    }

    /// When the next cooldown ends.
    pub(super) fn cooldown_ends(&self) -> Option<Instant> {
        self.cooldowns.iter().map(|(until, _)| *until).min()
    }

    /// Takes out the groups whose cooldown has ended by now.
    pub(super) fn take_cooled(&mut self, now: Instant) -> Vec<usize> {
        self.cooldowns
            .extract_if(.., |(until, _)| *until <= now)
            .map(|(_, number)| number)
            .collect()
    }

    /// Takes out all groups in a cooldown.
    pub(super) fn take_cooling(&mut self) -> Vec<usize> {
        self.cooldowns.drain(..).map(|(_, number)| number).collect()
    }
}
