//! Evaluates a stretch of changes for one session.
//!
//! A change is sent only where it continues the session's own history, tag by tag.

use std::sync::Arc;

use bytes::Bytes;

use super::compose::{self, BATCH_BYTES};
use crate::domain::{Change, Cursor, Succession};
use crate::filter::offload::{offload, within_budget};
use crate::filter::{Kinds, Verdict, VerdictCounts};
use crate::history::{Checkpoint, Event};
use crate::session::shared::{Metrics, ReplaySource};
use crate::session::subscription::Subscription;
use crate::store::{Discontinuity, StoreError};

/// Entries evaluated in one step; with fewer than that to go, the dispatcher takes over.
pub(super) const STEP_ENTRIES: usize = 64;
/// Bytes of frames after which a step ends: they wait for the socket of a peer that may not read.
const STEP_BYTES: usize = 64 * 1024;

/// One step of a replay.
pub(super) struct ReplayStep {
    pub(super) frames: Vec<Bytes>,
    /// The checkpoint after it.
    pub(super) checkpoint: Checkpoint,
    /// Whether the client knows its position from the frames.
    pub(super) announces: bool,
    /// The session ends with it.
    pub(super) ends: bool,
    /// Changes that were evaluated.
    pub(super) evaluated: u64,
    /// What the frames hold.
    verdicts: VerdictCounts,
    /// The store's history broke meanwhile, and the format cannot say so.
    broken: Option<Discontinuity>,
}

/// Why a session cannot go on, now or ever.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatchUpError {
    /// Its checkpoint cannot be continued.
    #[error("the log cannot be continued there: {}", .0.name())]
    Broken(Discontinuity),
    /// The log continues from its checkpoint, but this gateway's history is another one: the
    /// gateway has yet to learn of the break.
    #[error("this gateway has not come to the log's history yet")]
    Parted,
    /// It waited too long for this gateway to come to its checkpoint.
    #[error("this gateway did not come to the log's history in time")]
    WaitedTooLong,
    /// The log could not be asked.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

/// How changes are evaluated for a session that is catching up.
pub(super) struct Evaluator<'a> {
    pub(super) subscription: &'a Subscription,
    /// Whether the client got `live`: only then do frames name their position, if the format can.
    pub(super) is_live: bool,
    /// Whether a stretch may become one batch, if the format can.
    pub(super) may_compose: bool,
    /// Changes to skip: a page includes their effect. An error if a page was read in another
    /// history than the change's.
    pub(super) covered: &'a (dyn Fn(&Change) -> Result<bool, CatchUpError> + Send + Sync),
}

impl From<StoreError> for CatchUpError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// How many of these events continue the histories that lead to a cursor, or were passed by them.
fn continue_from(cursor: &Cursor, events: &[(u64, &Event)]) -> usize {
    let mut positions = cursor.positions().to_vec();
    let contradicts = |(_, event): &(u64, &Event)| {
        let at = event.at();
        let position = &mut positions[at.partition.index()];
        let succession = match event {
            Event::Change(change) => change.follows(*position),
            Event::Reset(..) => Succession::Next,
        };
        if succession == Succession::Next {
            *position = at.position;
        }
        succession == Succession::Apart
    };
    events.iter().position(contradicts).unwrap_or(events.len())
}

impl ReplayStep {
    /// A step without effect.
    pub(super) fn nothing(checkpoint: Checkpoint) -> Self {
        let verdicts = VerdictCounts::default();
        Self {
            frames: Vec::new(),
            checkpoint,
            announces: false,
            ends: false,
            evaluated: 0,
            verdicts,
            broken: None,
        }
    }

    fn note(&mut self, verdict: Verdict) {
        self.verdicts.add(verdict, 1);
    }

    pub(super) fn count(&self, metrics: &Metrics, source: ReplaySource) {
        metrics.catch_up_changes.at(source).inc_by(self.evaluated);
        self.verdicts.add_to(&metrics.catch_up_deliveries);
        if let Some(reason) = self.broken {
            metrics.session_new_heads.at(reason).inc();
        }
    }
}

impl Evaluator<'_> {
    /// Whether a stretch becomes one batch.
    pub(super) fn composes(&self) -> bool {
        let Subscription {
            view,
            format,
            close_on,
            ..
        } = self.subscription;
        self.may_compose && format.composes() && view.kinds == Kinds::All && close_on.is_none()
    }

    /// Judges events that follow each other after `checkpoint`, each with the offset after it;
    /// `offset` is the one after all. Where they take long it judges fewer, one at least.
    pub(super) async fn evaluate(
        &self,
        checkpoint: Checkpoint,
        events: &[(u64, &Event)],
        offset: u64,
    ) -> Result<ReplayStep, CatchUpError> {
        let (count, steps) = within_budget(events, |(_, event)| self.subscription.steps_of(event));
        let (events, offset) = match events.get(..count) {
            Some(fewer @ [.., (offset, _)]) if count < events.len() => (fewer, *offset),
            _ => (events, offset),
        };
        offload(steps, || self.evaluate_now(checkpoint, events, offset)).await
    }

    fn evaluate_now(
        &self,
        checkpoint: Checkpoint,
        events: &[(u64, &Event)],
        offset: u64,
    ) -> Result<ReplayStep, CatchUpError> {
        let broken = events.iter().find_map(|(_, event)| event.broken());
        if let Some(reason) = broken.filter(|_| self.subscription.format.has_reset()) {
            return Err(CatchUpError::Broken(reason));
        }
        let (events, offset) = match (continue_from(&checkpoint.cursor, events), events) {
            (count, events) if count == events.len() => (events, offset),
            // From here on the session is in another history: the caller finds out which.
            (0, _) => {
                return Ok(ReplayStep::nothing(Checkpoint::unlocated(
                    checkpoint.cursor,
                )));
            }
            (count, events) => (&events[..count], events[count - 1].0),
        };
        if self.composes() {
            return Ok(self.composed(checkpoint, events, offset));
        }
        self.one_by_one(checkpoint, events, offset)
    }

    fn one_by_one(
        &self,
        checkpoint: Checkpoint,
        events: &[(u64, &Event)],
        mut offset: u64,
    ) -> Result<ReplayStep, CatchUpError> {
        let (mut step, mut ends_shown, mut bytes) = (ReplayStep::nothing(checkpoint), false, 0);
        let Subscription {
            view,
            scope,
            format,
            close_on,
        } = self.subscription;
        for (event_offset, event) in events {
            let at = event.at();
            if let Event::Change(change) = event
                && change.follows(step.checkpoint.cursor.position(at.partition)) != Succession::Next
            {
                continue;
            }
            step.checkpoint.cursor = step.checkpoint.cursor.advanced(at);
            let Event::Change(change) = event else {
                step.broken = event.broken().or(step.broken);
                continue;
            };
            step.evaluated += 1;
            if (self.covered)(change)? {
                continue;
            }
            let cursor = Some(&step.checkpoint.cursor).filter(|_| self.is_live);
            let verdict = view.verdict_of(change);
            let frame = format.change(verdict, change, cursor, scope);
            ends_shown = frame.is_some();
            bytes += frame.as_ref().map_or(0, Bytes::len);
            step.frames.extend(frame);
            step.note(verdict);
            step.ends = ends_shown && *close_on == Some(change.operation());
            if step.ends || bytes >= STEP_BYTES {
                offset = *event_offset;
                break;
            }
        }
        step.checkpoint.offset = offset;
        step.announces = ends_shown && step.checkpoint.cursor.positions().len() == 1;
        Ok(step)
    }

    /// The longest stretch whose batch is not too long.
    fn composed(
        &self,
        checkpoint: Checkpoint,
        events: &[(u64, &Event)],
        offset: u64,
    ) -> ReplayStep {
        let view = &self.subscription.view;
        let (mut events, mut end) = (events, offset);
        loop {
            let is_new = |change: &&Change| {
                change.follows(checkpoint.cursor.position(change.at.partition))
                    != Succession::Passed
            };
            let new = events.iter().filter_map(|(_, event)| match event {
                Event::Change(change) => Some(change).filter(is_new),
                Event::Reset(..) => None,
            });
            let evaluated = new.clone().count() as u64;
            let cursor = new
                .clone()
                .fold(checkpoint.cursor.clone(), |cursor, change| {
                    cursor.advanced(change.at)
                });
            let changes = compose::compose(view, new);
            let frame = compose::batch(self.subscription, &changes, &cursor);
            if frame
                .as_ref()
                .is_none_or(|frame| frame.len() <= BATCH_BYTES)
                || events.len() == 1
            {
                let mut step = ReplayStep::nothing(Checkpoint {
                    offset: end,
                    cursor,
                });
                step.evaluated = evaluated;
                step.announces = frame.is_some();
                step.frames.extend(frame);
                for change in &changes {
                    step.note(change.verdict());
                }
                return step;
            }
            events = &events[..events.len() / 2];
            end = events
                .last()
                .map_or(checkpoint.offset, |(offset, _)| *offset);
        }
    }
}
