//! What a session missed: from the ring where that reaches, else from the log, judged for this session alone.

use std::sync::Arc;

use super::Sessions;
use crate::domain::{Change, Partition, Position};
use crate::hub::{Entry, Event, Place, Shown, Stretch, Subscription};
use crate::store::{Break, Since, StoreError};

/// Entries judged in one step; with fewer than that to go, the dispatcher takes over.
const STEP_ENTRIES: usize = 64;

/// One step of catching up.
pub(super) enum Step {
    /// Hardly anything is missing: the dispatcher can take over from here.
    CaughtUp,
    /// A stretch, as far as this place.
    Shown {
        /// What of it the session is shown.
        shown: Vec<Shown>,
        /// The place after the stretch.
        place: Place,
        /// The session ends with it.
        ends: bool,
    },
}

/// Why a session cannot go on, now or ever.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// The log no longer reaches back to the session's place.
    #[error("the log no longer reaches back")]
    Trimmed,
    /// The log could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Judges what comes next after `place`.
pub(super) async fn step(sessions: &Sessions, place: Place, subscription: &Arc<Subscription>) -> Result<Step, Lost> {
    match sessions.hub.after(place.offset, STEP_ENTRIES) {
        Some(entries) if entries.len() < STEP_ENTRIES => Ok(Step::CaughtUp),
        Some(entries) => {
            let end = entries.last().map_or_else(|| place.clone(), |last| last.place.clone());
            Ok(judge(place, entries, end, subscription))
        }
        None => from_log(sessions, place, subscription).await,
    }
}

fn judge(before: Place, entries: Vec<Arc<Entry>>, end: Place, subscription: &Subscription) -> Step {
    match Stretch::new(before, entries).burst(subscription) {
        Some(burst) => Step::Shown { shown: burst.shown, place: end, ends: burst.ends },
        None => Step::Shown { shown: Vec::new(), place: end, ends: false },
    }
}

/// A page of the first partition in which the session is before the beginning of the ring. Once it is there in all of
/// them, it goes on in the ring.
async fn from_log(sessions: &Sessions, place: Place, subscription: &Subscription) -> Result<Step, Lost> {
    let target = sessions.hub.start().unwrap_or_else(|| place.clone());
    let store = sessions.store.get()?;
    let behind = store.partitions().iter().find(|p| place.cursor.position(*p) != target.cursor.position(*p));
    let Some(partition) = behind else {
        return Ok(Step::Shown { shown: Vec::new(), place: target, ends: false });
    };
    let (from, goal) = (place.cursor.position(partition), target.cursor.position(partition));
    sessions.hub.metrics().session_log_reads.inc();
    let changes = match store.since(partition, from, sessions.options.log_page).await? {
        Since::Continues { changes, .. } => changes,
        Since::Broken { reason: Break::Trimmed, .. } => return Err(Lost::Trimmed),
        // The store lost this history; what it has now begins, for this session, where memory does.
        Since::Broken { .. } => Vec::new(),
    };
    let entries = up_to(changes, goal, &place);
    let end = match entries.last() {
        Some(last) => last.place.clone(),
        None => Place { offset: place.offset, cursor: place.cursor.advanced(at(partition, goal)) },
    };
    Ok(judge(place, entries, end, subscription))
}

/// The changes that memory does not have. Their offsets are not known, and need not be: they lie before the ring.
fn up_to(changes: Vec<Change>, goal: Position, place: &Place) -> Vec<Arc<Entry>> {
    let mut place = place.clone();
    let missed = changes.into_iter().take_while(|change| {
        let position = change.at.position;
        position.epoch == goal.epoch && position.seq <= goal.seq
    });
    let entry = |change: Change| {
        place.cursor = place.cursor.advanced(change.at);
        Arc::new(Entry { place: place.clone(), event: Event::Change(change) })
    };
    missed.map(entry).collect()
}

const fn at(partition: Partition, position: Position) -> crate::domain::At {
    crate::domain::At::new(partition, position)
}
