//! Whose turn it is: classes in which a round is under way, a step of each after the other, and those that rest.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The numbers of classes that have something to be shown, or may soon have.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// In which a round is under way.
    rounds: VecDeque<usize>,
    /// Which rest, and until when. One whose rest was cut short is still in here.
    rests: Vec<(Instant, usize)>,
}

impl Turns {
    /// Whether a round is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Where a round is under way.
    pub(super) fn rounds(&self) -> impl Iterator<Item = usize> {
        self.rounds.iter().copied()
    }

    /// A round begins there; the others have their turn first.
    pub(super) fn begin(&mut self, number: usize) {
        self.rounds.push_back(number);
    }

    /// Whose turn it is.
    pub(super) fn current(&self) -> Option<usize> {
        self.rounds.front().copied()
    }

    /// The round whose turn it is has looked at everyone.
    pub(super) fn end(&mut self) {
        self.rounds.pop_front();
    }

    /// The others have their turn before the current one goes on.
    pub(super) fn pass(&mut self) {
        self.rounds.rotate_left(usize::from(self.is_busy()));
    }

    /// Nothing begins there before `until`.
    pub(super) fn rest(&mut self, number: usize, until: Instant) {
        self.rests.push((until, number));
    }

    /// When the next rest ends.
    pub(super) fn rest_ends(&self) -> Option<Instant> {
        self.rests.iter().map(|(until, _)| *until).min()
    }

    /// Takes out those whose rest has ended by now.
    pub(super) fn take_rested(&mut self, now: Instant) -> Vec<usize> {
        self.rests.extract_if(.., |(until, _)| *until <= now).map(|(_, number)| number).collect()
    }

    /// Takes out all that rest.
    pub(super) fn take_resting(&mut self) -> Vec<usize> {
        self.rests.drain(..).map(|(_, number)| number).collect()
    }
}
