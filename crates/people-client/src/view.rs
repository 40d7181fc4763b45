//! The folded view: who matches, kept true by the events. It judges them while it folds, and says
//! when they contradict what it holds, so that it serves tests as the oracle of the protocol.

use std::collections::{BTreeMap, BTreeSet};

use people_core::{Cursor, Kinds, LogPosition, Partition, PersonId, Position};
use serde_json::{Map, Value};

use super::event::{Change, Event, Gone, Record};
use super::options::Start;

/// How much a view's people are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewState {
    /// A snapshot is arriving: some people may still be missing.
    Loading,
    /// These are exactly the people who match, as of the client's cursor.
    Exact,
    /// Others may match too: the view began with now, does not see all kinds of change, or was
    /// contradicted.
    Unknown,
}

/// The people of one client's view.
#[derive(Clone, Debug)]
pub struct View {
    kinds: Kinds,
    state: ViewState,
    people: BTreeMap<PersonId, Map<String, Value>>,
    /// The last place of each partition that was told.
    told: BTreeMap<Partition, Position>,
    page_came: bool,
    live_due: bool,
    contradicted: bool,
}

/// What cannot be, if the server keeps its promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A create or an enter of someone who is in the view, or a page that shows someone again.
    #[error("{0} comes into the view and is in it already")]
    AlreadyIn(PersonId),
    /// An update, a leave or a delete of someone who is not in the view.
    #[error("{0} changes in the view or goes from it, and is not in it")]
    NotIn(PersonId),
    /// A change that is not after the last one of its partition.
    #[error("{at} is told after {told}")]
    NotAfter {
        /// The change's place.
        at: LogPosition,
        /// The place that was told before.
        told: Position,
    },
    /// A cursor that is before what was told already.
    #[error("a cursor names {at:?} in a partition where {told} was told")]
    CursorBack {
        /// Its place in that partition, if it has one.
        at: Option<LogPosition>,
        /// The place that was told before.
        told: LogPosition,
    },
    /// A person whose revision is not the place of the change that made it.
    #[error("{id} has the revision {revision} at {at}")]
    OtherRevision {
        /// Who.
        id: PersonId,
        /// The revision.
        revision: Position,
        /// Where the change stands.
        at: LogPosition,
    },
    /// A change that is not after the one that the view shows of the same person.
    #[error("{id} is shown with the revision {shown} and changes at {revision}")]
    NotNewer {
        /// Who.
        id: PersonId,
        /// The revision in the view.
        shown: Position,
        /// The revision that came.
        revision: Position,
    },
    /// Two changes of one person in one batch, which is composed.
    #[error("{0} stands in a batch twice")]
    TwiceInBatch(PersonId),
    /// A page outside a snapshot.
    #[error("a page came and no snapshot had begun")]
    UnexpectedPage,
    /// A snapshot that ended without a page.
    #[error("the snapshot ended without a page")]
    NoPage,
    /// A second `live` since the start.
    #[error("the start was told to be over twice")]
    LiveTwice,
}

impl View {
    /// An empty view of a client that shows these kinds. Give it every event, from the first on.
    pub fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            state: ViewState::Loading,
            people: BTreeMap::new(),
            told: BTreeMap::new(),
            page_came: false,
            live_due: true,
            contradicted: false,
        }
    }

    /// A view that was exact at a cursor, for a client that begins with that cursor and shows all
    /// kinds.
    pub fn held(people: BTreeMap<PersonId, Map<String, Value>>) -> Self {
        Self {
            people,
            state: ViewState::Exact,
            ..Self::new(Kinds::All)
        }
    }

    /// What [`View::people`] is worth.
    pub const fn state(&self) -> ViewState {
        if self.contradicted {
            ViewState::Unknown
        } else {
            self.state
        }
    }

    /// The people who are known to match. They are all of them only in [`ViewState::Exact`].
    pub const fn people(&self) -> &BTreeMap<PersonId, Map<String, Value>> {
        &self.people
    }

    /// The people who match, where the view is exact.
    pub fn exact(&self) -> Option<&BTreeMap<PersonId, Map<String, Value>>> {
        (self.state() == ViewState::Exact).then_some(&self.people)
    }

    /// Folds an event. The error is the first thing in it that cannot be; the rest is folded all
    /// the same, and the view is not exact again before it is begun anew.
    pub fn apply(&mut self, event: &Event) -> Result<(), Contradiction> {
        let outcome = match event {
            Event::Connected { from } => self.begin(from),
            // Half a snapshot is worth nothing, and nobody is to take it for a whole one.
            Event::Disconnected { .. } if self.state == ViewState::Loading => {
                self.clear(ViewState::Loading);
                Ok(())
            }
            Event::Snapshot { people } => self.page(people),
            Event::Live { cursor } => self.live(cursor),
            Event::Change { at, change } => {
                let placed = self.place(*at, change);
                placed.and(self.fold(change))
            }
            Event::Batch { cursor, changes } => {
                let folded = self.batch(changes);
                folded.and(self.advance(cursor))
            }
            Event::Position { cursor }
            | Event::Pong {
                cursor: Some(cursor),
                ..
            } => self.advance(cursor),
            Event::Reset { .. } => {
                self.clear(ViewState::Loading);
                self.live_due = true;
                Ok(())
            }
            Event::Filtered { cursor, kinds, .. } => self.filtered(cursor.as_ref(), *kinds),
            Event::Disconnected { .. }
            | Event::Stale { .. }
            | Event::Fresh
            | Event::Error { .. }
            | Event::Pong { cursor: None, .. }
            | Event::Unknown => Ok(()),
        };
        self.contradicted |= outcome.is_err();
        outcome
    }

    fn clear(&mut self, state: ViewState) {
        self.state = state;
        self.people.clear();
        self.told.clear();
        self.page_came = false;
        self.contradicted = false;
    }

    fn begin(&mut self, from: &Start) -> Result<(), Contradiction> {
        self.live_due = true;
        match from {
            Start::Now => self.clear(ViewState::Unknown),
            Start::Snapshot => self.clear(ViewState::Loading),
            Start::Cursor(cursor) => {
                if self.state == ViewState::Loading {
                    self.clear(ViewState::Unknown);
                }
                return self.advance(cursor);
            }
        }
        Ok(())
    }

    fn filtered(&mut self, cursor: Option<&Cursor>, kinds: Kinds) -> Result<(), Contradiction> {
        self.kinds = kinds;
        let Some(cursor) = cursor else {
            self.clear(ViewState::Loading);
            self.live_due = true;
            return Ok(());
        };
        let advanced = if self.state == ViewState::Loading {
            Ok(())
        } else {
            self.advance(cursor)
        };
        self.clear(ViewState::Unknown);
        self.tell(cursor);
        advanced
    }

    fn page(&mut self, people: &[Record]) -> Result<(), Contradiction> {
        let mut outcome = if self.state == ViewState::Loading {
            Ok(())
        } else {
            Err(Contradiction::UnexpectedPage)
        };
        self.page_came = true;
        for record in people {
            if self
                .people
                .insert(record.id, record.object.clone())
                .is_some()
            {
                outcome = outcome.and(Err(Contradiction::AlreadyIn(record.id)));
            }
        }
        outcome
    }

    fn live(&mut self, cursor: &Cursor) -> Result<(), Contradiction> {
        let due = std::mem::take(&mut self.live_due);
        let mut outcome = if due {
            Ok(())
        } else {
            Err(Contradiction::LiveTwice)
        };
        if self.state == ViewState::Loading {
            if !self.page_came {
                outcome = outcome.and(Err(Contradiction::NoPage));
            }
            self.state = if self.kinds == Kinds::All {
                ViewState::Exact
            } else {
                ViewState::Unknown
            };
        }
        outcome.and(self.advance(cursor))
    }

    /// A change stands after all that was told of its partition, and is its person's last.
    fn place(&mut self, at: LogPosition, change: &Change) -> Result<(), Contradiction> {
        let told = self.told.insert(at.partition, at.position);
        match told {
            Some(told) if !after(at.position, told) => Err(Contradiction::NotAfter { at, told }),
            _ if change.revision() != at.position => Err(Contradiction::OtherRevision {
                id: change.id(),
                revision: change.revision(),
                at,
            }),
            _ => Ok(()),
        }
    }

    /// A cursor replaces what was told; it is never before that. A snapshot's end is told by `live`
    /// alone.
    fn advance(&mut self, cursor: &Cursor) -> Result<(), Contradiction> {
        if self.state == ViewState::Loading {
            return Ok(());
        }
        let behind = self.told.iter().find_map(|(&partition, &told)| {
            let position = cursor.get(partition);
            let is_behind =
                position.is_none_or(|position| position != told && !after(position, told));
            is_behind.then(|| Contradiction::CursorBack {
                at: position.map(|position| LogPosition::new(partition, position)),
                told: LogPosition::new(partition, told),
            })
        });
        self.tell(cursor);
        behind.map_or(Ok(()), Err)
    }

    fn tell(&mut self, cursor: &Cursor) {
        self.told = cursor
            .places()
            .map(|at| (at.partition, at.position))
            .collect();
    }

    fn batch(&mut self, changes: &[Change]) -> Result<(), Contradiction> {
        let mut seen = BTreeSet::new();
        let mut outcome = Ok(());
        for change in changes {
            let once = if seen.insert(change.id()) {
                Ok(())
            } else {
                Err(Contradiction::TwiceInBatch(change.id()))
            };
            let folded = self.fold(change);
            outcome = outcome.and(once).and(folded);
        }
        outcome
    }

    fn fold(&mut self, change: &Change) -> Result<(), Contradiction> {
        let id = change.id();
        let shown = match change {
            Change::Create(Record { object, .. })
            | Change::Enter(Record { object, .. })
            | Change::Update(Record { object, .. }) => self.people.insert(id, object.clone()),
            Change::Leave(Gone { .. }) | Change::Delete(Gone { .. }) => self.people.remove(&id),
        };
        let comes = matches!(change, Change::Create(_) | Change::Enter(_));
        // Where some kinds are left out, people come and go unseen; from now on, those of before
        // are strangers.
        let all = self.kinds == Kinds::All;
        match shown {
            Some(_) if comes && all => Err(Contradiction::AlreadyIn(id)),
            None if !comes && all && self.state != ViewState::Unknown => {
                Err(Contradiction::NotIn(id))
            }
            Some(shown) => newer(&shown, change),
            None => Ok(()),
        }
    }
}

/// Within an epoch the numbers tell; nothing of another epoch is after.
fn after(position: Position, told: Position) -> bool {
    position.epoch == told.epoch && position.seq > told.seq
}

fn newer(shown: &Map<String, Value>, change: &Change) -> Result<(), Contradiction> {
    let shown = shown
        .get("revision")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Position>().ok());
    match (shown, change.revision()) {
        (Some(shown), revision) if shown.epoch == revision.epoch && revision.seq <= shown.seq => {
            Err(Contradiction::NotNewer {
                id: change.id(),
                shown,
                revision,
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
