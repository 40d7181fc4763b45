//! What a session missed: from the ring where that reaches, else from the log, judged for this session alone.

use std::sync::Arc;

use bytes::Bytes;

use super::compose::{self, BATCH_BYTES};
use super::log::Log;
use crate::domain::{At, Change};
use crate::filter::{Kinds, Verdict};
use crate::hub::{self, Event, Hub, Place, QUICK_STEPS, Subscription};
use crate::store::{Break, Since, StoreError};
use crate::telemetry::{SourceLabel, VerdictCounts};

/// Entries judged in one step; with fewer than that to go, the dispatcher takes over.
const STEP_ENTRIES: usize = 64;
/// Entries that one batch is composed of at most.
const BATCH_ENTRIES: usize = 1024;

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

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Whether hardly anything comes after `place`, and the dispatcher can take over from there.
pub(super) fn is_caught_up(hub: &Hub, place: &Place, subscription: &Subscription) -> bool {
    let is_little = |entries: &Vec<_>| entries.len() < STEP_ENTRIES && subscription.steps(entries) <= QUICK_STEPS;
    hub.after(place.offset, STEP_ENTRIES).as_ref().is_some_and(is_little) && hub.has(place)
}

/// Judges what comes next after `place`; none where the hub knows of nothing more.
pub(super) async fn step(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Option<Shown>, Lost> {
    let most = if judge.composes() { BATCH_ENTRIES } else { STEP_ENTRIES };
    let Some(entries) = hub.after(place.offset, most) else { return from_log(hub, log, place, judge).await };
    let Some(last) = entries.last() else { return Ok(None) };
    let events: Vec<_> = entries.iter().map(|entry| (entry.place.offset, &entry.event)).collect();
    let shown = judge.judge(place, &events, last.place.offset).await?;
    shown.count(hub, SourceLabel::Memory);
    Ok(Some(shown))
}

/// A page of the first partition in which the session is before the beginning of the ring. Once it is there in all of
/// them, it goes on in the ring.
async fn from_log(hub: &Hub, log: &Log, place: Place, judge: &Judge<'_>) -> Result<Option<Shown>, Lost> {
    let Some(target) = hub.start() else { return Ok(None) };
    let behind = log
        .store()?
        .partitions()
        .iter()
        .map(|partition| At::new(partition, target.cursor.position(partition)))
        .find(|goal| !place.cursor.reaches(*goal));
    let Some(goal) = behind else {
        return Ok(Some(Shown::nothing(hub.locate(place.cursor))));
    };
    let from = At::new(goal.partition, place.cursor.position(goal.partition));
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
    let missed = changes.iter().take_while(|change| goal.position.reaches(change.at.position));
    let events: Vec<_> = missed.map(|change| (place.offset, Event::Change(change.clone()))).collect();
    if events.is_empty() {
        let place = Place { offset: place.offset, cursor: place.cursor.advanced(goal) };
        return Ok(Some(Shown::nothing(place)));
    }
    let (offset, events) = (place.offset, events.iter().map(|(offset, event)| (*offset, event)).collect::<Vec<_>>());
    let shown = judge.judge(place, &events, offset).await?;
    shown.count(hub, SourceLabel::Log);
    Ok(Some(shown))
}

impl Shown {
    /// A stretch of which nothing is shown.
    fn nothing(place: Place) -> Self {
        Self { frames: Vec::new(), place, tells: false, ends: false, judged: 0, verdicts: VerdictCounts::default() }
    }

    fn note(&mut self, verdict: Verdict) {
        if let Some(label) = verdict.label() {
            self.verdicts.add(label, 1);
        }
    }

    fn count(&self, hub: &Hub, source: SourceLabel) {
        hub.metrics().catch_up_changes.at(source).inc_by(self.judged);
        hub.metrics().catch_up_deliveries.add(&self.verdicts);
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
        let broken = events.iter().find_map(|(_, event)| match event {
            Event::Reset(_, reason, _) if self.subscription.dress.has_cursor() => Some(*reason),
            _ => None,
        });
        match broken {
            Some(reason) => Err(Lost::Broken(reason)),
            None if self.composes() => Ok(self.composed(place, events, offset)),
            None => Ok(self.one_by_one(place, events, offset)),
        }
    }

    fn one_by_one(&self, place: Place, events: &[(u64, &Event)], offset: u64) -> Shown {
        let (mut shown, mut ends_shown) = (Shown::nothing(place), false);
        let Subscription { view, dress, close_on } = self.subscription;
        for (event_offset, event) in events {
            let at = event.at();
            let change = match event {
                Event::Change(_) if shown.place.cursor.reaches(at) => continue,
                Event::Change(change) => {
                    shown.judged += 1;
                    Some(change).filter(|change| !(self.covered)(change))
                }
                Event::Reset(..) => None,
            };
            shown.place.cursor = shown.place.cursor.advanced(at);
            let Some(change) = change else { continue };
            let cursor = Some(&shown.place.cursor).filter(|_| self.is_live);
            let verdict = view.judge(change);
            let frame = dress.change(verdict, change, cursor);
            ends_shown = frame.is_some();
            shown.frames.extend(frame);
            shown.note(verdict);
            if ends_shown && *close_on == Some(change.operation()) {
                shown.place.offset = *event_offset;
                shown.ends = true;
                return shown;
            }
        }
        shown.place.offset = offset;
        shown.tells = ends_shown && shown.place.cursor.positions().len() == 1;
        shown
    }

    /// The longest stretch whose batch is not too long.
    fn composed(&self, place: Place, events: &[(u64, &Event)], offset: u64) -> Shown {
        let Subscription { view, dress, .. } = self.subscription;
        let (mut events, mut end) = (events, offset);
        loop {
            let new = events.iter().filter_map(|(_, event)| match event {
                Event::Change(change) if !place.cursor.reaches(change.at) => Some(change),
                _ => None,
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
