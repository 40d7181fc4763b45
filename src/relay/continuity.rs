//! Continuity of one partition's log, as a pure state machine: no clock, no socket.
//!
//! A frame is a hint, the log is the judge. A frame that continues the log exactly (next number,
//! chained by tag) is delivered. Any other frame only raises the question "what came after the last
//! one?", and only the log's answer makes a heal, a fork or an epoch change.

use std::collections::VecDeque;

use people_core::sabotage::{Sabotage, planted};

use crate::domain::{Change, Comparison, Partition, Position, Seq, Succession, Tag};
use crate::store::{Discontinuity, LogAnswer};

/// Delivered positions that are remembered to tell a repeated frame from a forked one.
const RECENT: usize = 1024;
/// Frames that wait for an answer of the log; beyond it they are dropped, and the log is asked once
/// more.
const PENDING: usize = 1024;

/// What the driver has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Pass the change on.
    Deliver(Change),
    /// History broke here; go on from this head.
    Reset(Partition, Discontinuity, Position),
    /// Ask the log what came after this position, and bring the answer.
    Ask(Partition, Position),
    /// Compare with the head soon: a frame older than memory came by.
    Probe,
    /// Count a frame that was known already.
    Repeated,
}

/// The state of one partition.
#[derive(Debug)]
pub(super) struct Continuity {
    partition: Partition,
    /// The last position that was passed on.
    last: Position,
    /// The positions up to `last`, oldest first, of this epoch and without a hole.
    recent: VecDeque<(Seq, Tag)>,
    question: Question,
    /// Frames that did not fit, waiting for the log's judgement.
    pending: VecDeque<PendingFrame>,
}

/// The state of the questions to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// No gap is suspected.
    None,
    /// An answer is on its way. `again`: a gap was suspected after the question, so the answer may
    /// not cover it.
    Asked { from: Position, again: bool },
    /// The log did not answer; it is asked again at the next occasion.
    Failed,
}

#[derive(Debug)]
struct PendingFrame {
    change: Change,
    /// The question was asked after this frame arrived. An entry is written before its frame is
    /// sent, so the answer covers it.
    covered: bool,
}

/// How a frame relates to what was passed on.
enum Fit {
    Next,
    Repeated,
    Ancient,
    Doubtful,
}

impl Continuity {
    /// Starts at `last`, which is the end of `recent` (oldest first) where there is any.
    pub(super) fn new(
        partition: Partition,
        last: Position,
        recent: impl IntoIterator<Item = Position>,
    ) -> Self {
        let mut this = Self {
            partition,
            last,
            recent: VecDeque::new(),
            question: Question::None,
            pending: VecDeque::new(),
        };
        for position in recent {
            this.remember(position);
        }
        this.last = last;
        this
    }

    /// A frame arrived.
    pub(super) fn frame(&mut self, change: Change, actions: &mut Vec<Action>) {
        match self.fit(&change) {
            Fit::Next => {
                self.deliver(change, actions);
                self.settle(actions);
            }
            Fit::Repeated => actions.push(Action::Repeated),
            Fit::Ancient => actions.push(Action::Probe),
            Fit::Doubtful if self.pending.len() == PENDING => self.suspect_gap(actions),
            Fit::Doubtful => {
                self.pending.push_back(PendingFrame {
                    change,
                    covered: false,
                });
                if !matches!(self.question, Question::Asked { .. }) {
                    self.ask(actions);
                }
            }
        }
    }

    /// Something may have been missed: a frame that could not be read or kept, a new subscription.
    pub(super) fn suspect_gap(&mut self, actions: &mut Vec<Action>) {
        match &mut self.question {
            Question::Asked { again, .. } => *again = true,
            Question::None | Question::Failed => self.ask(actions),
        }
    }

    /// The last position that was passed on.
    pub(super) const fn last(&self) -> Position {
        self.last
    }

    /// Whether the log has yet to answer.
    pub(super) const fn is_asked(&self) -> bool {
        matches!(self.question, Question::Asked { .. })
    }

    /// The head, read after the position `asked` had been passed on. Returns whether it proves that
    /// nothing is missing.
    pub(super) fn head(
        &mut self,
        head: Position,
        asked: Position,
        actions: &mut Vec<Action>,
    ) -> bool {
        // What came while it was read makes the head older than what was passed on. What had come
        // before makes the log shorter than what was passed on: the store went back.
        let went_back = self.remembers(asked) && head.compare(asked) == Comparison::Lower;
        let known = head == self.last || (self.remembers(head) && !went_back);
        let known = known || planted(Sabotage::HeadsNotCompared);
        match self.question {
            Question::None if known => true,
            Question::Asked { .. } => false,
            Question::None | Question::Failed => {
                self.ask(actions);
                false
            }
        }
    }

    /// The log answered the question that was asked last, or could not be reached (`None`).
    pub(super) fn answer(&mut self, answer: Option<LogAnswer>, actions: &mut Vec<Action>) {
        let Question::Asked { from, mut again } =
            std::mem::replace(&mut self.question, Question::None)
        else {
            return;
        };
        match answer {
            None | Some(LogAnswer::Broken { head: None, .. }) => {
                self.pending.clear();
                self.question = Question::Failed;
                return;
            }
            // Frames have gone on since: the answer is about an older position.
            Some(LogAnswer::Broken { .. }) if self.last != from => again = true,
            Some(LogAnswer::Broken {
                reason: Discontinuity::Forked,
                head: Some(head),
            }) if planted(Sabotage::ForkUntold) => self.remember(head),
            Some(LogAnswer::Broken {
                reason,
                head: Some(head),
            }) => {
                actions.push(Action::Reset(self.partition, reason, head));
                self.recent.clear();
                self.remember(head);
            }
            Some(LogAnswer::Continues { head, changes }) => {
                let before = self.last;
                for change in changes {
                    match self.fit(&change) {
                        Fit::Next if planted(Sabotage::GapSkipped) => {
                            self.remember(change.at.position);
                        }
                        Fit::Next => self.deliver(change, actions),
                        Fit::Repeated | Fit::Ancient => {}
                        // Frames that continued meanwhile are not of the log's history.
                        Fit::Doubtful => again |= before != from,
                    }
                }
                // A full page: there is more. Without progress asking at once would not help; the
                // next head asks.
                again |= self.last != before && self.last.seq < head.seq;
            }
        }
        self.settle(actions);
        // What the log was asked about and still does not fit was never in it.
        self.pending.retain(|pending| !pending.covered);
        if again || !self.pending.is_empty() {
            self.ask(actions);
        }
    }

    /// Delivers what waits and has come to fit; drops what is known by now.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        for PendingFrame { change, covered } in std::mem::take(&mut self.pending) {
            match self.fit(&change) {
                Fit::Next => self.deliver(change, actions),
                Fit::Repeated if planted(Sabotage::RepeatDelivered) => {
                    self.deliver(change, actions);
                }
                Fit::Repeated | Fit::Ancient => {}
                Fit::Doubtful => self.pending.push_back(PendingFrame { change, covered }),
            }
        }
    }

    fn ask(&mut self, actions: &mut Vec<Action>) {
        for pending in &mut self.pending {
            pending.covered = true;
        }
        self.question = Question::Asked {
            from: self.last,
            again: false,
        };
        actions.push(Action::Ask(self.partition, self.last));
    }

    fn fit(&self, change: &Change) -> Fit {
        let position = change.at.position;
        if change.follows(self.last) == Succession::Next {
            Fit::Next
        } else if matches!(
            position.compare(self.last),
            Comparison::Higher | Comparison::Apart
        ) {
            Fit::Doubtful
        } else if self.remembers(position) {
            Fit::Repeated
        } else if self
            .recent
            .front()
            .is_none_or(|(oldest, _)| position.seq < *oldest)
        {
            Fit::Ancient
        } else {
            Fit::Doubtful
        }
    }

    fn remembers(&self, position: Position) -> bool {
        if position.epoch != self.last.epoch {
            return false;
        }
        let Some((oldest, _)) = self.recent.front() else {
            return false;
        };
        let Some(index) = position.seq.get().checked_sub(oldest.get()) else {
            return false;
        };
        usize::try_from(index)
            .ok()
            .and_then(|index| self.recent.get(index))
            == Some(&(position.seq, position.tag))
    }

    fn deliver(&mut self, change: Change, actions: &mut Vec<Action>) {
        self.remember(change.at.position);
        actions.push(Action::Deliver(change));
    }

    fn remember(&mut self, position: Position) {
        self.last = position;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((position.seq, position.tag));
    }
}
