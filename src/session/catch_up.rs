//! What a session missed: from the ring where that reaches, else from the log, judged for this session alone.

use std::sync::Arc;

use bytes::Bytes;

use super::compose::{self, BATCH_BYTES};
use super::log::Log;
use crate::domain::{At, Change};
use crate::filter::Kinds;
use crate::hub::{Entry, Event, Hub, Place, Subscription};
use crate::store::{Break, Since, StoreError};

/// Entries judged in one step; with fewer than that to go, the dispatcher takes over.
const STEP_ENTRIES: usize = 64;
/// Entries that one batch is composed of at most.
const BATCH_ENTRIES: usize = 1024;

/// One step of catching up.
pub(super) enum Step {
    /// Hardly anything is missing: the dispatcher can take over from here.
    CaughtUp,
    /// The session is ahead of this gateway: it has to wait until the relay comes as far.
    Ahead,
    /// A stretch.
    Shown(Shown),
    /// The rest, up to where the hub stood: the session owes `live` behind it.
    Rest(Shown),
}

/// What a session is shown of a stretch.
pub(super) struct Shown {
    pub(super) frames: Vec<Bytes>,
    /// The place after the stretch.
    pub(super) place: Place,
    /// Whether the client knows this place from the frames.
    pub(super) tells: bool,
    /// The session ends with it.
    pub(super) ends: bool,
}

/// Why a session cannot go on, now or ever.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// Its place cannot be continued.
    #[error("the log cannot be continued there: {}", .0.name())]
    Broken(Break),
    /// The log could not be asked.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

/// How a session that is not live is shown changes.
pub(super) struct Judge<'a> {
    pub(super) subscription: &'a Subscription,
    /// Whether the client was told that it is live: only then do frames say where they stand, where the dress can.
    pub(super) is_live: bool,
    /// Whether a stretch may be shown as one batch, where the dress can.
    pub(super) may_compose: bool,
    /// Changes that the session must not be shown: a page showed what they led to.
    pub(super) covered: &'a (dyn Fn(&Change) -> bool + Send + Sync),
}

/// Something to judge.
enum Piece {
    Change(Change),
    Reset(At, Break),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Whether a position in a log lies after another; one of another history does.
pub(super) fn is_after(at: At, place: &Place) -> bool {
    let known = place.cursor.position(at.partition);
    at.position.epoch != known.epoch || at.position.seq > known.seq
}

/// Judges what comes next after `place`, or says that the dispatcher can go on from there.
pub(super) async fn step(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Step, Lost> {
    let near = hub.after(place.offset, STEP_ENTRIES).filter(|entries| entries.len() < STEP_ENTRIES);
    let Some(near) = near.filter(|_| is_on_course(hub, &place)) else {
        return replay(hub, log, place, judge).await;
    };
    match near.last() {
        Some(last) if !judge.is_live => {
            let end = last.place.offset;
            Ok(match judge.entries(place, &near)? {
                shown if shown.place.offset >= end && !shown.ends => Step::Rest(shown),
                shown => Step::Shown(shown),
            })
        }
        _ => Ok(Step::CaughtUp),
    }
}

/// Judges what comes next after `place`, to the very end of what the hub knows.
pub(super) async fn replay(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Step, Lost> {
    let most = if judge.composes() { BATCH_ENTRIES } else { STEP_ENTRIES };
    match hub.after(place.offset, most) {
        Some(entries) if entries.is_empty() => Ok(Step::Ahead),
        Some(entries) => judge.entries(place, &entries).map(Step::Shown),
        None => from_log(hub, log, place, judge).await,
    }
}

/// Whether the session stands where the hub's own order stood at this offset.
fn is_on_course(hub: &Hub, place: &Place) -> bool {
    hub.seek(&place.cursor).is_some_and(|known| known == *place) || hub.place().is_some_and(|end| end == *place)
}

/// A page of the first partition in which the session is before the beginning of the ring. Once it is there in all of
/// them, it goes on in the ring.
async fn from_log(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Step, Lost> {
    let Some(target) = hub.start() else { return Ok(Step::Ahead) };
    let behind = log
        .store()?
        .partitions()
        .iter()
        .find(|partition| is_after(At::new(*partition, target.cursor.position(*partition)), &place));
    let Some(partition) = behind else {
        let offset = hub.seek(&place.cursor).map_or(target.offset, |found| found.offset);
        let place = Place { offset, cursor: place.cursor };
        return Ok(Step::Shown(Shown { frames: Vec::new(), place, tells: false, ends: false }));
    };
    let from = At::new(partition, place.cursor.position(partition));
    let goal = At::new(partition, target.cursor.position(partition));
    hub.metrics().session_log_reads.inc();
    let since = log.since(from, goal.position).await?;
    let changes = match &*since {
        Since::Continues { changes, .. } => changes.as_slice(),
        Since::Broken { reason, .. } if *reason == Break::Trimmed || judge.subscription.dress.has_cursor() => {
            return Err(Lost::Broken(*reason));
        }
        // The store lost this history; what it has now begins, for text, where memory does.
        Since::Broken { .. } => &[],
    };
    let missed = changes.iter().take_while(|change| {
        change.at.position.epoch == goal.position.epoch && change.at.position.seq <= goal.position.seq
    });
    let pieces: Vec<_> = missed.map(|change| (place.offset, Piece::Change(change.clone()))).collect();
    if pieces.is_empty() {
        let place = Place { offset: place.offset, cursor: place.cursor.advanced(goal) };
        return Ok(Step::Shown(Shown { frames: Vec::new(), place, tells: false, ends: false }));
    }
    let offset = place.offset;
    judge.judge(place, &pieces, offset).map(Step::Shown)
}

impl Judge<'_> {
    fn composes(&self) -> bool {
        let Subscription { view, dress, close_on } = self.subscription;
        self.may_compose && dress.composes() && view.kinds == Kinds::All && close_on.is_none()
    }

    /// Judges entries of the ring that follow each other after `place`.
    fn entries(&self, place: Place, entries: &[Arc<Entry>]) -> Result<Shown, Lost> {
        let offset = entries.last().map_or(place.offset, |last| last.place.offset);
        let pieces = entries.iter().map(|entry| {
            let piece = match &entry.event {
                Event::Change(change) => Piece::Change(change.clone()),
                Event::Reset(partition, reason, head) => Piece::Reset(At::new(*partition, *head), *reason),
            };
            (entry.place.offset, piece)
        });
        self.judge(place, &pieces.collect::<Vec<_>>(), offset)
    }

    /// Judges pieces that follow each other after `place`; the offset is the one after them.
    fn judge(&self, place: Place, pieces: &[(u64, Piece)], offset: u64) -> Result<Shown, Lost> {
        let first = pieces.iter().find_map(|(_, piece)| match piece {
            Piece::Reset(_, reason) if self.subscription.dress.has_cursor() => Some(*reason),
            _ => None,
        });
        if let Some(reason) = first {
            return Err(Lost::Broken(reason));
        }
        let shown =
            if self.composes() { self.composed(place, pieces, offset) } else { self.one_by_one(place, pieces, offset) };
        Ok(shown)
    }

    fn one_by_one(&self, mut place: Place, pieces: &[(u64, Piece)], offset: u64) -> Shown {
        let (mut frames, mut ends_shown) = (Vec::new(), false);
        let Subscription { view, dress, close_on } = self.subscription;
        for (at_offset, piece) in pieces {
            let change = match piece {
                Piece::Reset(head, _) => {
                    place.cursor = place.cursor.advanced(*head);
                    continue;
                }
                Piece::Change(change) if !is_after(change.at, &place) => continue,
                Piece::Change(change) => change,
            };
            place.cursor = place.cursor.advanced(change.at);
            if (self.covered)(change) {
                continue;
            }
            let cursor = Some(&place.cursor).filter(|_| self.is_live);
            let frame = dress.change(view.judge(change), change, cursor);
            let is_shown = frame.is_some();
            frames.extend(frame);
            if is_shown && *close_on == Some(change.operation()) {
                place.offset = *at_offset;
                return Shown { frames, place, tells: false, ends: true };
            }
            ends_shown = is_shown;
        }
        place.offset = offset;
        let tells = ends_shown && place.cursor.positions().len() == 1;
        Shown { frames, place, tells, ends: false }
    }

    /// The longest stretch whose batch is not too long.
    fn composed(&self, place: Place, pieces: &[(u64, Piece)], offset: u64) -> Shown {
        let Subscription { view, dress, .. } = self.subscription;
        let (mut pieces, mut end) = (pieces, offset);
        loop {
            let new = pieces.iter().filter_map(|(_, piece)| match piece {
                Piece::Change(change) if is_after(change.at, &place) => Some(change),
                _ => None,
            });
            let cursor = new.clone().fold(place.cursor.clone(), |cursor, change| cursor.advanced(change.at));
            let changes = compose::compose(view, new);
            let frame = compose::batch(*dress, &changes, &cursor);
            if frame.as_ref().is_none_or(|frame| frame.len() <= BATCH_BYTES) || pieces.len() == 1 {
                let tells = frame.is_some();
                return Shown {
                    frames: frame.into_iter().collect(),
                    place: Place { offset: end, cursor },
                    tells,
                    ends: false,
                };
            }
            pieces = &pieces[..pieces.len() / 2];
            end = pieces.last().map_or(place.offset, |(offset, _)| *offset);
        }
    }
}
