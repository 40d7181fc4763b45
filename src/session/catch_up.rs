//! What a session missed: from the ring where that reaches, else from the log, judged for this session alone.
//!
//! A change is shown only where it continues the session's own history, tag by tag. So a session never takes the hub's
//! history for its own because the numbers fit: where the two contradict each other, the log is asked. What the log does
//! not continue is lost; what it does, the hub has yet to come to, and the session waits for that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::compose::{self, BATCH_BYTES};
use super::log::Log;
use crate::domain::{At, Change, Succession};
use crate::filter::{Kinds, Verdict};
use crate::hub::{self, Event, Hub, Located, Place, QUICK_STEPS, Relation, Subscription};
use crate::protocol::cursor::Cursor;
use crate::store::{Break, Since, StoreError};
use crate::telemetry::{SourceLabel, VerdictCounts};

/// Entries judged in one step; with fewer than that to go, the dispatcher takes over.
const STEP_ENTRIES: usize = 64;
/// Bytes of frames after which a step ends: they wait for the socket of a peer that may not read.
const STEP_BYTES: usize = 64 * 1024;
/// Entries that one batch is composed of at most.
const BATCH_ENTRIES: usize = 1024;

/// How old the log's word may be where a session and the hub contradict each other: all who wait share it.
const JUDGED_FOR: Duration = Duration::from_millis(200);

/// What a session is shown of a stretch.
pub(super) struct Shown {
    pub(super) frames: Vec<Bytes>,
    /// The place after the stretch.
    pub(super) place: Place,
    /// Whether the client knows this place from the frames.
    pub(super) tells: bool,
    /// The session ends with it.
    pub(super) ends: bool,
    /// Changes in the stretch.
    pub(super) judged: u64,
    /// What the frames hold.
    verdicts: VerdictCounts,
    /// The store's history broke in the stretch, and the client has no word for it.
    broken: Option<Break>,
}

/// Why a session cannot go on, now or ever.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// Its place cannot be continued.
    #[error("the log cannot be continued there: {}", .0.name())]
    Broken(Break),
    /// The log continues from its place, but the hub's history is another one: the hub has yet to learn of that.
    #[error("the hub has not come to the log's history yet")]
    Parted,
    /// It waited for the hub to come to its place, for too long.
    #[error("the hub did not come to the log's history in time")]
    WaitedTooLong,
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
    /// Changes that the session must not be shown: a page showed what they led to. An error where a page was read in
    /// another history than the change's.
    pub(super) covered: &'a (dyn Fn(&Change) -> Result<bool, Lost> + Send + Sync),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Whether hardly anything comes after `place`, and the dispatcher can take over from there.
pub(super) fn is_caught_up(hub: &Hub, place: &Place, subscription: &Subscription) -> bool {
    let is_little = |entries: &Vec<_>| entries.len() < STEP_ENTRIES && subscription.steps(entries) <= QUICK_STEPS;
    hub.after(place.offset, STEP_ENTRIES).as_ref().is_some_and(is_little) && hub.holds(place)
}

/// Judges what comes next after `place`; none where the hub knows of nothing more.
pub(super) async fn step(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Option<Shown>, Lost> {
    let most = if judge.composes() { BATCH_ENTRIES } else { STEP_ENTRIES };
    let Some(entries) = hub.after(place.offset, most) else { return from_log(hub, log, place, judge).await };
    let Some(last) = entries.last() else { return Ok(None) };
    if !judge.is_live && entries.iter().any(|entry| entry.event.broken().is_some()) {
        // What broke need not be what led here: the session may be of the history that won.
        confirm(hub, log, &place.cursor).await?;
        return Ok(Some(Shown::nothing(Place::unlocated(place.cursor))));
    }
    let events: Vec<_> = entries.iter().map(|entry| (entry.place.offset, &entry.event)).collect();
    let shown = judge.judge(place, &events, last.place.offset).await?;
    shown.count(hub, SourceLabel::Memory);
    Ok(Some(shown))
}

/// A page of the first partition in which the session is before the beginning of the ring. Once it is there in all of
/// them, it goes on in the ring.
async fn from_log(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Option<Shown>, Lost> {
    if let Some(reason) = hub.broken_after(place.offset) {
        return Err(Lost::Broken(reason));
    }
    let (Some(history), Some(located)) = (hub.history(), hub.locate(&place.cursor)) else { return Ok(None) };
    let goal = match located {
        Located::At(found) => return Ok(Some(Shown::nothing(Place { offset: found.offset, cursor: place.cursor }))),
        Located::Before(goal) => goal,
        Located::Apart(_) => {
            confirm(hub, log, &place.cursor).await?;
            return Err(Lost::Parted);
        }
    };
    let from = At::new(goal.partition, place.cursor.position(goal.partition));
    hub.metrics().session_log_reads.inc();
    let since = log.since(history, from, goal.position).await?;
    let changes = match &*since {
        Since::Continues { changes, .. } => changes.as_slice(),
        Since::Broken { reason, .. } => return Err(Lost::Broken(*reason)),
    };
    let is_missed = |change: &&Change| change.at.position.seq <= goal.position.seq;
    let missed: Vec<_> = changes.iter().take_while(is_missed).cloned().map(Event::Change).collect();
    if missed.is_empty() {
        // The log is shorter than what the hub took for its history.
        return Err(Lost::Parted);
    }
    let offset = place.offset;
    let events: Vec<_> = missed.iter().map(|event| (offset, event)).collect();
    let shown = judge.judge(place, &events, offset).await?;
    if shown.judged == 0 {
        return Err(Lost::Parted);
    }
    shown.count(hub, SourceLabel::Log);
    Ok(Some(shown))
}

/// Asks the log about each position of a cursor that does not lie on the hub's history.
pub(super) async fn confirm(hub: &Hub, log: &Log, cursor: &Cursor) -> Result<(), Lost> {
    let Some(history) = hub.history() else { return Ok(()) };
    for at in cursor.places().filter(|at| hub.relation(*at) != Some(Relation::On)) {
        if let Since::Broken { reason, .. } = &*log.judge(history, at, JUDGED_FOR).await? {
            return Err(Lost::Broken(*reason));
        }
    }
    Ok(())
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

impl Shown {
    /// A stretch of which nothing is shown.
    fn nothing(place: Place) -> Self {
        let verdicts = VerdictCounts::default();
        Self { frames: Vec::new(), place, tells: false, ends: false, judged: 0, verdicts, broken: None }
    }

    fn note(&mut self, verdict: Verdict) {
        if let Some(label) = verdict.label() {
            self.verdicts.add(label, 1);
        }
    }

    fn count(&self, hub: &Hub, source: SourceLabel) {
        hub.metrics().catch_up_changes.at(source).inc_by(self.judged);
        hub.metrics().catch_up_deliveries.add(&self.verdicts);
        if let Some(reason) = self.broken {
            hub.metrics().session_new_heads.at(reason.label()).inc();
        }
    }
}

impl Judge<'_> {
    fn composes(&self) -> bool {
        let Subscription { view, dress, close_on } = self.subscription;
        self.may_compose && dress.composes() && view.kinds == Kinds::All && close_on.is_none()
    }

    /// Judges events that follow each other after `place`, each with the offset after it; `offset` is the one after all.
    /// Where they take long it judges fewer, one at least.
    async fn judge(&self, place: Place, events: &[(u64, &Event)], offset: u64) -> Result<Shown, Lost> {
        let (count, steps) = hub::stretch(events, |(_, event)| self.subscription.steps_of(event));
        let (events, offset) = match events.get(..count) {
            Some(fewer @ [.., (offset, _)]) if count < events.len() => (fewer, *offset),
            _ => (events, offset),
        };
        hub::aside(steps, || self.judge_at_once(place, events, offset)).await
    }

    fn judge_at_once(&self, place: Place, events: &[(u64, &Event)], offset: u64) -> Result<Shown, Lost> {
        let broken = events.iter().find_map(|(_, event)| event.broken());
        if let Some(reason) = broken.filter(|_| self.subscription.dress.has_cursor()) {
            return Err(Lost::Broken(reason));
        }
        let (events, offset) = match (continue_from(&place.cursor, events), events) {
            (count, events) if count == events.len() => (events, offset),
            // From here on the session is of another history: what that is, is looked up.
            (0, _) => return Ok(Shown::nothing(Place::unlocated(place.cursor))),
            (count, events) => (&events[..count], events[count - 1].0),
        };
        if self.composes() {
            return Ok(self.composed(place, events, offset));
        }
        self.one_by_one(place, events, offset)
    }

    fn one_by_one(&self, place: Place, events: &[(u64, &Event)], mut offset: u64) -> Result<Shown, Lost> {
        let (mut shown, mut ends_shown, mut bytes) = (Shown::nothing(place), false, 0);
        let Subscription { view, dress, close_on } = self.subscription;
        for (event_offset, event) in events {
            let at = event.at();
            if let Event::Change(change) = event
                && change.follows(shown.place.cursor.position(at.partition)) != Succession::Next
            {
                continue;
            }
            shown.place.cursor = shown.place.cursor.advanced(at);
            let Event::Change(change) = event else {
                shown.broken = event.broken().or(shown.broken);
                continue;
            };
            shown.judged += 1;
            if (self.covered)(change)? {
                continue;
            }
            let cursor = Some(&shown.place.cursor).filter(|_| self.is_live);
            let verdict = view.judge(change);
            let frame = dress.change(verdict, change, cursor);
            ends_shown = frame.is_some();
            bytes += frame.as_ref().map_or(0, Bytes::len);
            shown.frames.extend(frame);
            shown.note(verdict);
            shown.ends = ends_shown && *close_on == Some(change.operation());
            if shown.ends || bytes >= STEP_BYTES {
                offset = *event_offset;
                break;
            }
        }
        shown.place.offset = offset;
        shown.tells = ends_shown && shown.place.cursor.positions().len() == 1;
        Ok(shown)
    }

    /// The longest stretch whose batch is not too long.
    fn composed(&self, place: Place, events: &[(u64, &Event)], offset: u64) -> Shown {
        let Subscription { view, dress, .. } = self.subscription;
        let (mut events, mut end) = (events, offset);
        loop {
            let is_new =
                |change: &&Change| change.follows(place.cursor.position(change.at.partition)) != Succession::Passed;
            let new = events.iter().filter_map(|(_, event)| match event {
                Event::Change(change) => Some(change).filter(is_new),
                Event::Reset(..) => None,
            });
            let judged = new.clone().count() as u64;
            let cursor = new.clone().fold(place.cursor.clone(), |cursor, change| cursor.advanced(change.at));
            let changes = compose::compose(view, new);
            let frame = compose::batch(*dress, &changes, &cursor);
            if frame.as_ref().is_none_or(|frame| frame.len() <= BATCH_BYTES) || events.len() == 1 {
                let mut shown = Shown::nothing(Place { offset: end, cursor });
                shown.judged = judged;
                shown.tells = frame.is_some();
                shown.frames.extend(frame);
                for change in &changes {
                    shown.note(change.verdict());
                }
                return shown;
            }
            events = &events[..events.len() / 2];
            end = events.last().map_or(place.offset, |(offset, _)| *offset);
        }
    }
}
