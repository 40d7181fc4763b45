//! Everyone in a view, and then what happened meanwhile, without a hole between them.
//!
//! A page of people carries the position at which it was read. The session sends it when that
//! position lies on the gateway's history; a page that was read ahead of the gateway waits for it,
//! and a page of another history is read again. After all pages the session replays the log from
//! the lowest of these positions; it skips a change that is not after the position of the page that
//! covers its person, whether or not the page has that person: the page includes the change's
//! effect. The replay crosses the position of every page: if it finds another entry of that number,
//! the snapshot is void.

use std::collections::HashMap;

use bytes::Bytes;
use people_core::sabotage::{Sabotage, planted};
use tokio::time::Instant;

use super::evaluator::{CatchUpError, Evaluator};
use super::replay;
use crate::domain::{
    Change, Comparison, Cursor, LogPosition, Partition, Person, PersonId, Position, Seq, Tag,
};
use crate::filter::offload;
use crate::history::{Checkpoint, Relation};
use crate::session::shared::Shared;
use crate::session::subscription::Subscription;
use crate::store::Discontinuity;

/// How far a snapshot has come.
pub(super) struct Snapshot {
    stage: SnapshotStage,
    /// One for each range of people that was read at one position, in order of partition and id.
    covers: Vec<Cover>,
    /// Whether a page was sent.
    has_shown: bool,
    /// When it was asked for, and the newest checkpoint then.
    asked: Instant,
    known: Checkpoint,
}

enum SnapshotStage {
    /// The next page: the people of this partition after this id.
    Pages(Partition, Option<PersonId>),
    /// Evaluation as far as this checkpoint.
    Replay {
        checkpoint: Checkpoint,
        goal: Cursor,
        crossings: Crossings,
    },
}

/// The positions of the pages, by number.
#[derive(Clone, Default)]
struct Crossings(HashMap<(Partition, Seq), Tag>);

/// People who were read at one position: those of a partition up to an id, after the range before
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) partition: Partition,
    /// None: to the end of the partition.
    pub(super) up_to: Option<PersonId>,
    pub(super) position: Position,
}

/// One step of a snapshot.
pub(super) enum SnapshotProgress {
    /// Frames to send, perhaps none.
    Frames(Vec<Bytes>),
    /// What was read is ahead of this gateway: the session has to wait until the hub's order goes
    /// on after this offset.
    Ahead(u64),
    /// The view is whole at this checkpoint.
    Whole(Checkpoint),
}

impl Snapshot {
    /// One that is asked for now; `known` is the newest checkpoint.
    pub(super) fn new(known: Checkpoint) -> Self {
        let stage = SnapshotStage::Pages(Partition::new(0), None);
        Self {
            stage,
            covers: Vec::new(),
            has_shown: false,
            asked: Instant::now(),
            known,
        }
    }

    /// Whether a page was sent.
    pub(super) const fn has_shown(&self) -> bool {
        self.has_shown
    }

    /// Has pages read anew: those that were read until now may be of a history that is lost.
    pub(super) fn read_anew(&mut self) {
        self.asked = Instant::now();
    }

    /// How far the replay has come.
    pub(super) const fn cursor(&self) -> Option<&Cursor> {
        match &self.stage {
            SnapshotStage::Pages(..) => None,
            SnapshotStage::Replay { checkpoint, .. } => Some(&checkpoint.cursor),
        }
    }

    /// Goes one step further.
    pub(super) async fn step(
        &mut self,
        shared: &Shared,
        subscription: &Subscription,
    ) -> Result<SnapshotProgress, CatchUpError> {
        if let Some(reason) = shared.history.broken_after(self.known.offset) {
            return Err(CatchUpError::Broken(reason));
        }
        match &mut self.stage {
            SnapshotStage::Pages(partition, after) => {
                let (partition, after) = (*partition, *after);
                self.page(shared, subscription, partition, after).await
            }
            SnapshotStage::Replay {
                checkpoint,
                goal,
                crossings,
            } => {
                if has_passed(&checkpoint.cursor, goal) && shared.history.holds(checkpoint) {
                    return Ok(SnapshotProgress::Whole(checkpoint.clone()));
                }
                let covered = |change: &Change| {
                    crossings.check(change.at)?;
                    Ok(covers(&self.covers, change))
                };
                let evaluator = Evaluator {
                    subscription,
                    is_live: false,
                    may_compose: false,
                    covered: &covered,
                };
                match replay::step(shared, checkpoint.clone(), &evaluator).await? {
                    None => Ok(SnapshotProgress::Ahead(checkpoint.offset)),
                    Some(step) => {
                        *checkpoint = step.checkpoint;
                        Ok(SnapshotProgress::Frames(step.frames))
                    }
                }
            }
        }
    }

    async fn page(
        &mut self,
        shared: &Shared,
        subscription: &Subscription,
        partition: Partition,
        after: Option<PersonId>,
    ) -> Result<SnapshotProgress, CatchUpError> {
        let (Some(id), Some(end)) = (shared.history.id(), shared.history.checkpoint()) else {
            return Ok(SnapshotProgress::Ahead(0));
        };
        let known = self.known.cursor.position(partition);
        let relation = |head: Position| shared.history.relation(LogPosition::new(partition, head));
        let is_fresh = |head: Position| {
            relation(head) == Some(Relation::On)
                && matches!(head.compare(known), Comparison::Same | Comparison::Higher)
        };
        let page = shared
            .readings
            .page(id, (partition, after), self.asked, is_fresh)
            .await?;
        match relation(page.head) {
            // Before memory: the replay finds out whether it leads there.
            Some(Relation::On | Relation::Before) => {}
            Some(Relation::Ahead) | None => return Ok(SnapshotProgress::Ahead(end.offset)),
            Some(Relation::Apart) => {
                self.read_anew();
                return Err(CatchUpError::Parted);
            }
        }
        shared.metrics.snapshot_pages.inc();
        let up_to = page.next;
        let late = planted(Sabotage::PagePositionLate).then(|| shared.history.checkpoint());
        let late = late.flatten().map(|now| now.cursor.position(partition));
        self.cover(Cover {
            partition,
            up_to,
            position: late.unwrap_or(page.head),
        });
        let matching = offload::matching(&subscription.view.filter, &page.people).await;
        let matching: Vec<Person> = matching.into_iter().cloned().collect();
        let next = if up_to.is_some() {
            Some(SnapshotStage::Pages(partition, up_to))
        } else {
            let next = shared
                .readings
                .store()?
                .partitions()
                .iter()
                .nth(partition.index() + 1);
            next.map(|partition| SnapshotStage::Pages(partition, None))
        };
        let is_end = next.is_none();
        self.stage = match next {
            Some(stage) => stage,
            None => self.replay()?,
        };
        if matching.is_empty() && (self.has_shown || !is_end) {
            return Ok(SnapshotProgress::Frames(Vec::new()));
        }
        self.has_shown = true;
        Ok(SnapshotProgress::Frames(
            subscription.format.pages(&matching, &subscription.scope),
        ))
    }

    fn cover(&mut self, cover: Cover) {
        match self.covers.last_mut() {
            Some(last) if last.partition == cover.partition && last.position == cover.position => {
                last.up_to = cover.up_to;
            }
            _ => self.covers.push(cover),
        }
    }

    /// From the lowest position of each partition's pages to the highest. That is not before where
    /// the gateway stood when the snapshot was asked for: no page was, unless it was read after
    /// that.
    fn replay(&self) -> Result<SnapshotStage, CatchUpError> {
        let (mut lowest, mut highest) = (Vec::<Position>::new(), Vec::<Position>::new());
        let mut crossings = Crossings::default();
        for Cover {
            partition,
            position,
            ..
        } in &self.covers
        {
            let at = LogPosition::new(*partition, *position);
            crossings.check(at)?;
            crossings
                .0
                .insert((at.partition, position.seq), position.tag);
            let (Some(low), Some(high)) = (
                lowest.get_mut(partition.index()),
                highest.get_mut(partition.index()),
            ) else {
                lowest.push(*position);
                highest.push(*position);
                continue;
            };
            match (position.compare(*low), position.compare(*high)) {
                (Comparison::Lower, _) => *low = *position,
                (_, Comparison::Higher) => *high = *position,
                // Of one number there is one entry: what is left is another epoch.
                (Comparison::Apart, _) => return Err(CatchUpError::Broken(Discontinuity::Epoch)),
                (Comparison::Same | Comparison::Higher, _) => {}
            }
        }
        let checkpoint = Checkpoint::unlocated(Cursor::new(lowest));
        Ok(SnapshotStage::Replay {
            checkpoint,
            goal: Cursor::new(highest),
            crossings,
        })
    }
}

impl Crossings {
    /// An error where a page was read at another entry of this number.
    fn check(&self, at: LogPosition) -> Result<(), CatchUpError> {
        match self.0.get(&(at.partition, at.position.seq)) {
            Some(tag) if *tag != at.position.tag => {
                Err(CatchUpError::Broken(Discontinuity::Forked))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a cursor that goes through every position of the goal has come to all of them.
fn has_passed(cursor: &Cursor, goal: &Cursor) -> bool {
    let mut positions = cursor.positions().iter().zip(goal.positions());
    positions.all(|(position, goal)| {
        matches!(
            position.compare(*goal),
            Comparison::Same | Comparison::Higher
        )
    })
}

/// Whether the page that covers this person was read after the change.
pub(super) fn covers(covers: &[Cover], change: &Change) -> bool {
    let at = change.at;
    let index = covers.partition_point(|cover| {
        cover.partition < at.partition
            || (cover.partition == at.partition
                && cover.up_to.is_some_and(|up_to| up_to < change.id))
    });
    let is_after = |cover: &Cover| {
        matches!(
            cover.position.compare(at.position),
            Comparison::Same | Comparison::Higher
        )
    };
    covers
        .get(index)
        .is_some_and(|cover| cover.partition == at.partition && is_after(cover))
}
