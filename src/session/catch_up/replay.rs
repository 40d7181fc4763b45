//! Replays what a session missed: from the ring where that reaches, else from the log.
//!
//! A session never takes this gateway's history for its own because the numbers fit: where the two
//! contradict each other, the log is asked. What the log does not continue is lost; for what it
//! continues, the session waits until this gateway comes to it.

use std::time::Duration;

use super::evaluator::{CatchUpError, Evaluator, ReplayStep, STEP_ENTRIES};
use crate::domain::{Change, Cursor, LogPosition};
use crate::filter::offload::INLINE_STEPS_MAX;
use crate::history::{Checkpoint, CursorLocation, Event, History, Relation};
use crate::session::shared::{ReplaySource, Shared};
use crate::session::subscription::Subscription;
use crate::store::LogAnswer;

/// Entries that one batch is composed of at most.
const BATCH_ENTRIES: usize = 1024;
/// How old the log's answer may be if a session and this gateway contradict each other: all
/// waiting sessions share it.
const JUDGED_FOR: Duration = Duration::from_millis(200);

/// Whether hardly anything comes after a checkpoint, and the dispatcher can take over from there.
pub(super) fn is_caught_up(
    history: &History,
    checkpoint: &Checkpoint,
    subscription: &Subscription,
) -> bool {
    let is_little = |entries: &Vec<_>| {
        entries.len() < STEP_ENTRIES && subscription.steps(entries) <= INLINE_STEPS_MAX
    };
    history
        .after(checkpoint.offset, STEP_ENTRIES)
        .as_ref()
        .is_some_and(is_little)
        && history.holds(checkpoint)
}

/// Evaluates what comes next after a checkpoint; none where this gateway knows of nothing more.
pub(super) async fn step(
    shared: &Shared,
    checkpoint: Checkpoint,
    evaluator: &Evaluator<'_>,
) -> Result<Option<ReplayStep>, CatchUpError> {
    let most = if evaluator.composes() {
        BATCH_ENTRIES
    } else {
        STEP_ENTRIES
    };
    let Some(entries) = shared.history.after(checkpoint.offset, most) else {
        return from_log(shared, checkpoint, evaluator).await;
    };
    let Some(last) = entries.last() else {
        return Ok(None);
    };
    if !evaluator.is_live && entries.iter().any(|entry| entry.event.broken().is_some()) {
        // What broke need not have led here: the session may be of the history that won.
        confirm(shared, &checkpoint.cursor).await?;
        return Ok(Some(ReplayStep::nothing(Checkpoint::unlocated(
            checkpoint.cursor,
        ))));
    }
    let events: Vec<_> = entries
        .iter()
        .map(|entry| (entry.checkpoint.offset, &entry.event))
        .collect();
    let step = evaluator
        .evaluate(checkpoint, &events, last.checkpoint.offset)
        .await?;
    step.count(&shared.metrics, ReplaySource::Memory);
    Ok(Some(step))
}

/// A page of the first partition in which the session is before the beginning of the ring. Once it
/// is there in all of them, it goes on in the ring.
async fn from_log(
    shared: &Shared,
    checkpoint: Checkpoint,
    evaluator: &Evaluator<'_>,
) -> Result<Option<ReplayStep>, CatchUpError> {
    if let Some(reason) = shared.history.broken_after(checkpoint.offset) {
        return Err(CatchUpError::Broken(reason));
    }
    let (Some(id), Some(location)) = (
        shared.history.id(),
        shared.history.locate(&checkpoint.cursor),
    ) else {
        return Ok(None);
    };
    let goal = match location {
        CursorLocation::At(found) => {
            return Ok(Some(ReplayStep::nothing(Checkpoint {
                offset: found.offset,
                cursor: checkpoint.cursor,
            })));
        }
        CursorLocation::Before(goal) => goal,
        CursorLocation::Apart(_) => {
            confirm(shared, &checkpoint.cursor).await?;
            return Err(CatchUpError::Parted);
        }
    };
    let from = LogPosition::new(goal.partition, checkpoint.cursor.position(goal.partition));
    shared.metrics.session_log_reads.inc();
    let since = shared.readings.since(id, from, goal.position).await?;
    let changes = match &*since {
        LogAnswer::Continues { changes, .. } => changes.as_slice(),
        LogAnswer::Broken { reason, .. } => return Err(CatchUpError::Broken(*reason)),
    };
    let is_missed = |change: &&Change| change.at.position.seq <= goal.position.seq;
    let missed: Vec<_> = changes
        .iter()
        .take_while(is_missed)
        .cloned()
        .map(Event::Change)
        .collect();
    if missed.is_empty() {
        // The log is shorter than what this gateway took for its history.
        return Err(CatchUpError::Parted);
    }
    let offset = checkpoint.offset;
    let events: Vec<_> = missed.iter().map(|event| (offset, event)).collect();
    let step = evaluator.evaluate(checkpoint, &events, offset).await?;
    if step.evaluated == 0 {
        return Err(CatchUpError::Parted);
    }
    step.count(&shared.metrics, ReplaySource::Log);
    Ok(Some(step))
}

/// Asks the log about each position of a cursor that does not lie on this gateway's history.
pub(super) async fn confirm(shared: &Shared, cursor: &Cursor) -> Result<(), CatchUpError> {
    let Some(id) = shared.history.id() else {
        return Ok(());
    };
    for at in cursor
        .log_positions()
        .filter(|at| shared.history.relation(*at) != Some(Relation::On))
    {
        if let LogAnswer::Broken { reason, .. } =
            &*shared.readings.judge(id, at, JUDGED_FOR).await?
        {
            return Err(CatchUpError::Broken(*reason));
        }
    }
    Ok(())
}
