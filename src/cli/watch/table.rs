//! The view as a table: the people who changed last are at the top, all others below in id order.
//! People who leave stay visible for a moment.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use people_client::{LiveEvent, PeopleView, StartPoint, ViewChange};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::domain::PersonId;

/// The most changes in memory. No terminal has more lines.
const RECENT_MAX: usize = 300;
/// How long a change is marked, and a removed person visible.
const MARK_TIME: Duration = Duration::from_secs(3);

/// The mark of a recent change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChangeMark {
    Nothing,
    Create,
    Enter,
    Update,
    Leave,
    Delete,
}

/// A line of the table.
#[derive(Debug, PartialEq)]
pub(super) struct TableRow<'a> {
    pub(super) mark: ChangeMark,
    pub(super) person: &'a Map<String, Value>,
}

/// The people who changed last, the latest first, each once.
#[derive(Debug, Default)]
pub(super) struct RecentChanges(VecDeque<RecentChange>);

#[derive(Debug)]
struct RecentChange {
    id: PersonId,
    mark: ChangeMark,
    at: Instant,
    /// The last state of a removed person.
    removed: Option<Map<String, Value>>,
}

impl RecentChanges {
    /// Records an event, before the view folds it.
    pub(super) fn record(&mut self, event: &LiveEvent, view: &PeopleView, now: Instant) {
        match event {
            LiveEvent::Change { change, .. } => self.push(change, view, now),
            LiveEvent::Batch { changes, .. } => changes
                .iter()
                .for_each(|change| self.push(change, view, now)),
            LiveEvent::Reset { .. }
            | LiveEvent::Filtered { .. }
            | LiveEvent::Connected {
                from: StartPoint::Snapshot | StartPoint::Now,
            } => {
                self.0.clear();
            }
            _ => {}
        }
    }

    fn push(&mut self, change: &ViewChange, view: &PeopleView, now: Instant) {
        let id = change.id();
        let (mark, removed) = match change {
            ViewChange::Create(_) => (ChangeMark::Create, None),
            ViewChange::Enter(_) => (ChangeMark::Enter, None),
            ViewChange::Update(_) => (ChangeMark::Update, None),
            ViewChange::Leave(_) => (ChangeMark::Leave, view.people().get(&id).cloned()),
            ViewChange::Delete(_) => (ChangeMark::Delete, view.people().get(&id).cloned()),
        };
        self.0.retain(|recent| recent.id != id);
        self.0.push_front(RecentChange {
            id,
            mark,
            at: now,
            removed,
        });
        self.0.truncate(RECENT_MAX);
    }

    /// The first `count` rows.
    pub(super) fn rows<'a>(
        &'a self,
        people: &'a BTreeMap<PersonId, Map<String, Value>>,
        count: usize,
        now: Instant,
    ) -> Vec<TableRow<'a>> {
        let recent = self.0.iter().filter_map(|recent| {
            let is_marked = now.duration_since(recent.at) < MARK_TIME;
            let mark = if is_marked {
                recent.mark
            } else {
                ChangeMark::Nothing
            };
            let person = match &recent.removed {
                Some(removed) => is_marked.then_some(removed),
                None => people.get(&recent.id),
            };
            Some(TableRow {
                mark,
                person: person?,
            })
        });
        let others = people
            .iter()
            .filter(|(id, _)| !self.0.iter().any(|recent| recent.id == **id));
        recent
            .chain(others.map(|(_, person)| TableRow {
                mark: ChangeMark::Nothing,
                person,
            }))
            .take(count)
            .collect()
    }

    /// When the next mark ends.
    pub(super) fn next_fade(&self, now: Instant) -> Option<Instant> {
        // The latest change is the first one.
        let marked = self
            .0
            .iter()
            .take_while(|recent| now.duration_since(recent.at) < MARK_TIME);
        marked.last().map(|recent| recent.at + MARK_TIME)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filter::Kinds;
    use crate::telemetry::clock::fresh_uuid;
    use people_client::{PersonRecord, Removal};

    fn id(person: u8) -> PersonId {
        format!("0190f3e2-7c1b-7d9a-8f00-0000000000{person:02x}")
            .parse()
            .unwrap()
    }

    fn record(person: u8) -> PersonRecord {
        let revision = "e.1.1";
        let object = json!({
            "id": id(person).to_string(), "firstName": person.to_string(), "revision": revision,
        });
        PersonRecord {
            id: id(person),
            revision: revision.parse().unwrap(),
            object: object.as_object().unwrap().clone(),
        }
    }

    fn shown(
        recent: &RecentChanges,
        view: &PeopleView,
        count: usize,
        now: Instant,
    ) -> Vec<(ChangeMark, String)> {
        let rows = recent.rows(view.people(), count, now).into_iter();
        rows.map(|row| {
            (
                row.mark,
                row.person["firstName"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn recent_changes_are_at_the_top_and_removed_people_disappear_later() {
        let (mut view, mut recent, start) = (
            PeopleView::new(Kinds::All),
            RecentChanges::default(),
            Instant::now(),
        );
        let mut tell = |event: LiveEvent, now: Instant| {
            recent.record(&event, &view, now);
            let _ = view.apply(&event);
        };
        tell(
            LiveEvent::Connected {
                from: StartPoint::Snapshot,
            },
            start,
        );
        tell(
            LiveEvent::Snapshot {
                people: (1..=4).map(record).collect(),
            },
            start,
        );
        let later = start + Duration::from_secs(1);
        let change = |change| LiveEvent::Batch {
            cursor: "0:e.9.9".parse().unwrap(),
            changes: vec![change],
        };
        tell(change(ViewChange::Update(record(3))), start);
        tell(
            change(ViewChange::Delete(Removal {
                id: id(2),
                revision: "e.9.9".parse().unwrap(),
            })),
            later,
        );
        let row = |mark, name: &str| (mark, name.to_owned());
        let first = [
            row(ChangeMark::Delete, "2"),
            row(ChangeMark::Update, "3"),
            row(ChangeMark::Nothing, "1"),
            row(ChangeMark::Nothing, "4"),
        ];
        assert_eq!(shown(&recent, &view, 9, later), first);
        assert_eq!(shown(&recent, &view, 3, later), first[..3]);
        assert_eq!(recent.next_fade(later), Some(start + MARK_TIME));
        assert_eq!(recent.next_fade(start + MARK_TIME), Some(later + MARK_TIME));
        let end = [
            row(ChangeMark::Nothing, "3"),
            row(ChangeMark::Nothing, "1"),
            row(ChangeMark::Nothing, "4"),
        ];
        assert_eq!(shown(&recent, &view, 9, later + MARK_TIME), end);
        assert_eq!(recent.next_fade(later + MARK_TIME), None);
    }

    #[tokio::test(start_paused = true)]
    async fn recent_changes_are_bounded_and_dropped_with_the_view() {
        let (view, mut recent, now) = (
            PeopleView::new(Kinds::All),
            RecentChanges::default(),
            Instant::now(),
        );
        for person in 0..=255 {
            recent.push(&ViewChange::Update(record(person)), &view, now);
            recent.push(&ViewChange::Update(record(person)), &view, now);
        }
        assert_eq!(recent.0.len(), 256, "each person once");
        recent
            .0
            .iter_mut()
            .for_each(|recent| recent.id = PersonId::new(fresh_uuid()));
        (0..100).for_each(|person| recent.push(&ViewChange::Update(record(person)), &view, now));
        assert_eq!(recent.0.len(), RECENT_MAX);
        recent.record(
            &LiveEvent::Connected {
                from: StartPoint::Snapshot,
            },
            &view,
            now,
        );
        assert!(recent.0.is_empty());
    }
}
