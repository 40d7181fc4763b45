//! The folded view: the people who match, updated by the client's events.
//!
//! While it folds, the view checks events against what it holds and reports contradictions, so that
//! tests use it as the oracle of the protocol.

mod contradiction;

use std::collections::{BTreeMap, BTreeSet};

use people_core::sabotage::{Sabotage, planted};
use people_core::{Cursor, Kinds, LogPosition, Partition, PersonId, Position};
use serde_json::{Map, Value};

use super::protocol::event::{LiveEvent, PersonRecord, Removal, ViewChange};
use super::subscription::StartPoint;
pub use contradiction::Contradiction;

/// How complete the people of a view are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// A snapshot is arriving: people may be missing.
    Loading,
    /// The view has exactly the people who match, as of the client's cursor.
    Exact,
    /// Other people may match: the view started from now, lacks kinds of change, or was
    /// contradicted.
    Unknown,
}

/// The people who match a client's filter, as far as the client knows.
#[derive(Clone, Debug)]
pub struct PeopleView {
    kinds: Kinds,
    completeness: Completeness,
    people: BTreeMap<PersonId, Map<String, Value>>,
    /// The last position of each partition.
    last: BTreeMap<Partition, Position>,
    has_page: bool,
    awaits_live: bool,
    is_contradicted: bool,
}

impl PeopleView {
    /// An empty view of a client with these kinds. It needs every event from the first on.
    pub fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            completeness: Completeness::Loading,
            people: BTreeMap::new(),
            last: BTreeMap::new(),
            has_page: false,
            awaits_live: true,
            is_contradicted: false,
        }
    }

    /// A view that was exact at a cursor, for a client that starts there with all kinds.
    pub fn held(people: BTreeMap<PersonId, Map<String, Value>>) -> Self {
        Self {
            people,
            completeness: Completeness::Exact,
            ..Self::new(Kinds::All)
        }
    }

    /// How complete [`PeopleView::people`] is.
    pub const fn completeness(&self) -> Completeness {
        if self.is_contradicted {
            Completeness::Unknown
        } else {
            self.completeness
        }
    }

    /// The people who are known to match. Only [`Completeness::Exact`] means all of them.
    pub const fn people(&self) -> &BTreeMap<PersonId, Map<String, Value>> {
        &self.people
    }

    /// The people who match, if the view is exact.
    pub fn exact(&self) -> Option<&BTreeMap<PersonId, Map<String, Value>>> {
        (self.completeness() == Completeness::Exact).then_some(&self.people)
    }

    /// Folds an event. The error is its first contradiction; the rest of the event is folded all
    /// the same, and the view is inexact until its next snapshot.
    pub fn apply(&mut self, event: &LiveEvent) -> Result<(), Contradiction> {
        let outcome = match event {
            LiveEvent::Connected { from } => self.begin(from),
            // An incomplete snapshot must not pass for a complete one.
            LiveEvent::Disconnected { .. } if self.completeness == Completeness::Loading => {
                self.clear(Completeness::Loading);
                Ok(())
            }
            LiveEvent::Snapshot { people } => self.page(people),
            LiveEvent::Live { cursor } => self.live(cursor),
            LiveEvent::Change { at, change } => {
                let positioned = self.advance_to(*at, change);
                positioned.and(self.fold(change))
            }
            LiveEvent::Batch { cursor, changes } => {
                let folded = self.batch(changes);
                folded.and(self.advance(cursor))
            }
            LiveEvent::Position { cursor }
            | LiveEvent::Pong {
                cursor: Some(cursor),
                ..
            } => self.advance(cursor),
            LiveEvent::Reset { .. } => {
                if planted(Sabotage::ViewKeptAtReset) {
                    self.completeness = Completeness::Loading;
                } else {
                    self.clear(Completeness::Loading);
                }
                self.awaits_live = true;
                Ok(())
            }
            LiveEvent::Filtered { cursor, kinds, .. } => self.filtered(cursor.as_ref(), *kinds),
            LiveEvent::Disconnected { .. }
            | LiveEvent::Stale { .. }
            | LiveEvent::Fresh
            | LiveEvent::Error { .. }
            | LiveEvent::Pong { cursor: None, .. }
            | LiveEvent::Unknown => Ok(()),
        };
        self.is_contradicted |= outcome.is_err();
        outcome
    }

    fn clear(&mut self, completeness: Completeness) {
        self.completeness = completeness;
        self.people.clear();
        self.last.clear();
        self.has_page = false;
        self.is_contradicted = false;
    }

    fn begin(&mut self, from: &StartPoint) -> Result<(), Contradiction> {
        self.awaits_live = true;
        match from {
            StartPoint::Now => self.clear(Completeness::Unknown),
            StartPoint::Snapshot => self.clear(Completeness::Loading),
            StartPoint::Cursor(cursor) => {
                if self.completeness == Completeness::Loading {
                    self.clear(Completeness::Unknown);
                }
                return self.advance(cursor);
            }
        }
        Ok(())
    }

    fn filtered(&mut self, cursor: Option<&Cursor>, kinds: Kinds) -> Result<(), Contradiction> {
        self.kinds = kinds;
        let Some(cursor) = cursor else {
            self.clear(Completeness::Loading);
            self.awaits_live = true;
            return Ok(());
        };
        let advanced = if self.completeness == Completeness::Loading {
            Ok(())
        } else {
            self.advance(cursor)
        };
        self.clear(Completeness::Unknown);
        self.set_last(cursor);
        advanced
    }

    fn page(&mut self, people: &[PersonRecord]) -> Result<(), Contradiction> {
        let mut outcome = if self.completeness == Completeness::Loading {
            Ok(())
        } else {
            Err(Contradiction::UnexpectedPage)
        };
        self.has_page = true;
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
        let due = std::mem::take(&mut self.awaits_live);
        let mut outcome = if due {
            Ok(())
        } else {
            Err(Contradiction::LiveTwice)
        };
        if self.completeness == Completeness::Loading {
            if !self.has_page {
                outcome = outcome.and(Err(Contradiction::NoPage));
            }
            self.completeness = if self.kinds == Kinds::All {
                Completeness::Exact
            } else {
                Completeness::Unknown
            };
        }
        outcome.and(self.advance(cursor))
    }

    /// Checks that a change is after the last one of its partition, and its person's newest.
    fn advance_to(&mut self, at: LogPosition, change: &ViewChange) -> Result<(), Contradiction> {
        let last = self.last.insert(at.partition, at.position);
        match last {
            Some(last) if !is_after(at.position, last) => Err(Contradiction::NotAfter { at, last }),
            _ if change.revision() != at.position => Err(Contradiction::OtherRevision {
                id: change.id(),
                revision: change.revision(),
                at,
            }),
            _ => Ok(()),
        }
    }

    /// Replaces the last positions by a cursor, which must not be before them. A snapshot has no
    /// positions until its `live`.
    fn advance(&mut self, cursor: &Cursor) -> Result<(), Contradiction> {
        if self.completeness == Completeness::Loading {
            return Ok(());
        }
        let behind = self.last.iter().find_map(|(&partition, &last)| {
            let position = cursor.get(partition);
            let is_behind =
                position.is_none_or(|position| position != last && !is_after(position, last));
            is_behind.then(|| Contradiction::CursorBack {
                at: position.map(|position| LogPosition::new(partition, position)),
                last: LogPosition::new(partition, last),
            })
        });
        self.set_last(cursor);
        behind.map_or(Ok(()), Err)
    }

    fn set_last(&mut self, cursor: &Cursor) {
        self.last = cursor
            .log_positions()
            .map(|at| (at.partition, at.position))
            .collect();
    }

    fn batch(&mut self, changes: &[ViewChange]) -> Result<(), Contradiction> {
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

    fn fold(&mut self, change: &ViewChange) -> Result<(), Contradiction> {
        let id = change.id();
        let held = match change {
            ViewChange::Create(PersonRecord { object, .. })
            | ViewChange::Enter(PersonRecord { object, .. })
            | ViewChange::Update(PersonRecord { object, .. }) => {
                self.people.insert(id, object.clone())
            }
            ViewChange::Leave(Removal { .. }) | ViewChange::Delete(Removal { .. }) => {
                self.people.remove(&id)
            }
        };
        let is_arrival = matches!(change, ViewChange::Create(_) | ViewChange::Enter(_));
        // Without some kinds, the view misses arrivals and departures. A view that started from now
        // does not know the people of before.
        let all = self.kinds == Kinds::All;
        match held {
            Some(_) if is_arrival && all => Err(Contradiction::AlreadyIn(id)),
            None if !is_arrival && all && self.completeness != Completeness::Unknown => {
                Err(Contradiction::NotIn(id))
            }
            Some(held) => check_newer(&held, change),
            None => Ok(()),
        }
    }
}

/// Numbers order positions within one epoch; no position is after one of another epoch.
fn is_after(position: Position, last: Position) -> bool {
    position.epoch == last.epoch && position.seq > last.seq
}

fn check_newer(held: &Map<String, Value>, change: &ViewChange) -> Result<(), Contradiction> {
    let held = held
        .get("revision")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Position>().ok());
    match (held, change.revision()) {
        (Some(held), revision) if held.epoch == revision.epoch && revision.seq <= held.seq => {
            Err(Contradiction::NotNewer {
                id: change.id(),
                held,
                revision,
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
