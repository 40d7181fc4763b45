//! Everyone in a view, and then what happened meanwhile, without a hole between them.
//!
//! A page of people carries the position at which it was read. When all pages were shown, the log is replayed from the
//! lowest of these positions; a change that is not after the position of the page that covers its person is skipped,
//! whether or not the page showed that person: what it led to was judged there.

use bytes::Bytes;
use tokio::time::Instant;

use super::catch_up::{self, Judge, Lost};
use super::log::Log;
use crate::domain::{Change, Partition, Person, PersonId, Position};
use crate::hub::{self, Hub, Place, Subscription};
use crate::protocol::cursor::Cursor;

/// How far a snapshot has come.
pub(super) struct Snapshot {
    stage: Stage,
    /// One for each range of people that was read at one position, in order of partition and id.
    covers: Vec<Cover>,
    /// Whether a page was shown.
    has_shown: bool,
    /// When it was asked for, and where the hub stood then.
    asked: Instant,
    known: Cursor,
}

enum Stage {
    /// The next page: the people of this partition after this id.
    Pages(Partition, Option<PersonId>),
    /// Judged as far as this place.
    Replay { place: Place, goal: Cursor },
}

/// People who were read at one position: those of a partition up to an id, after the range before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) partition: Partition,
    /// None: to the end of the partition.
    pub(super) up_to: Option<PersonId>,
    pub(super) position: Position,
}

/// One step of a snapshot.
pub(super) enum Progress {
    /// Frames to send, perhaps none.
    Shown(Vec<Bytes>),
    /// The session is ahead of this gateway: it has to wait until the hub's order goes on after this offset.
    Ahead(u64),
    /// The view is whole at this place.
    Whole(Place),
}

impl Snapshot {
    /// One that is asked for now, while the hub stands at `known`.
    pub(super) fn new(known: Cursor) -> Self {
        let stage = Stage::Pages(Partition::new(0), None);
        Self { stage, covers: Vec::new(), has_shown: false, asked: Instant::now(), known }
    }

    /// Goes one step further.
    pub(super) async fn step(&mut self, hub: &Hub, log: &Log, subscription: &Subscription) -> Result<Progress, Lost> {
        match &self.stage {
            Stage::Pages(partition, after) => self.page(hub, log, subscription, *partition, *after).await,
            Stage::Replay { place, goal } => {
                if place.cursor.reaches_all(goal) {
                    return Ok(Progress::Whole(place.clone()));
                }
                let (place, goal) = (place.clone(), goal.clone());
                let covered = |change: &Change| covers(&self.covers, change);
                let judge = Judge { subscription, is_live: false, may_compose: false, covered: &covered };
                let offset = place.offset;
                match catch_up::step(hub, log, place, &judge).await? {
                    None => Ok(Progress::Ahead(offset)),
                    Some(shown) => {
                        self.stage = Stage::Replay { place: shown.place, goal };
                        Ok(Progress::Shown(shown.frames))
                    }
                }
            }
        }
    }

    async fn page(
        &mut self,
        hub: &Hub,
        log: &Log,
        subscription: &Subscription,
        partition: Partition,
        after: Option<PersonId>,
    ) -> Result<Progress, Lost> {
        let known = self.known.position(partition);
        let page = log.page(partition, after, self.asked, known).await?;
        hub.metrics().snapshot_pages.inc();
        let is_last = page.people.len() < log.page_people();
        let up_to = page.people.last().map(|person| person.id).filter(|_| !is_last);
        self.cover(Cover { partition, up_to, position: page.head });
        let matching = hub::matching(&subscription.view.filter, &page.people).await;
        let matching: Vec<Person> = matching.into_iter().cloned().collect();
        let next = if up_to.is_some() {
            Some(Stage::Pages(partition, up_to))
        } else {
            let next = log.store()?.partitions().iter().nth(partition.index() + 1);
            next.map(|partition| Stage::Pages(partition, None))
        };
        let is_end = next.is_none();
        self.stage = next.unwrap_or_else(|| self.replay(hub));
        if matching.is_empty() && (self.has_shown || !is_end) {
            return Ok(Progress::Shown(Vec::new()));
        }
        self.has_shown = true;
        Ok(Progress::Shown(subscription.dress.pages(&matching)))
    }

    fn cover(&mut self, cover: Cover) {
        match self.covers.last_mut() {
            Some(last) if last.partition == cover.partition && last.position == cover.position => {
                last.up_to = cover.up_to;
            }
            _ => self.covers.push(cover),
        }
    }

    /// From the lowest position of each partition's pages to the highest. That is not before where the hub stood when the
    /// snapshot was asked for: no page was, unless it was read after that.
    fn replay(&self, hub: &Hub) -> Stage {
        let of_each = |replaces: fn(Position, Position) -> bool| {
            let mut positions: Vec<Position> = Vec::new();
            for cover in &self.covers {
                match positions.get_mut(cover.partition.index()) {
                    None => positions.push(cover.position),
                    Some(best) if replaces(cover.position, *best) => *best = cover.position,
                    Some(_) => {}
                }
            }
            Cursor::new(positions)
        };
        // Pages of several epochs have no order; the replay meets the break between them.
        let lowest = of_each(|position, best| best.reaches(position));
        let highest = of_each(|position, best| !best.reaches(position));
        Stage::Replay { place: hub.locate(lowest), goal: highest }
    }
}

/// Whether the page that covers this person was read after the change.
pub(super) fn covers(covers: &[Cover], change: &Change) -> bool {
    let at = change.at;
    let index = covers.partition_point(|cover| {
        cover.partition < at.partition
            || (cover.partition == at.partition && cover.up_to.is_some_and(|up_to| up_to < change.id))
    });
    covers.get(index).is_some_and(|cover| cover.partition == at.partition && cover.position.reaches(at.position))
}
