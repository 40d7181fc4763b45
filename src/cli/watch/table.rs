//! The view as a table: who changed last stands at the top, everyone else below in id order. Who
//! leaves is seen going.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use people_client::{Change, Event, Start, View};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::domain::PersonId;

/// Changes that are remembered; no terminal has more lines.
const RECENT: usize = 300;
/// How long a change is marked, and who left still shown.
const MARKED: Duration = Duration::from_secs(3);

/// What happened to a person lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Nothing,
    Create,
    Enter,
    Update,
    Leave,
    Delete,
}

/// A line of the table.
#[derive(Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) mark: Mark,
    pub(super) person: &'a Map<String, Value>,
}

/// Who changed last.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Recently>);

#[derive(Debug)]
struct Recently {
    id: PersonId,
    mark: Mark,
    at: Instant,
    /// Who is no longer in the view, as it was there last.
    gone: Option<Map<String, Value>>,
}

impl Recent {
    /// Takes note of an event, before the view folds it.
    pub(super) fn note(&mut self, event: &Event, view: &View, now: Instant) {
        match event {
            Event::Change { change, .. } => self.push(change, view, now),
            Event::Batch { changes, .. } => changes
                .iter()
                .for_each(|change| self.push(change, view, now)),
            Event::Reset { .. }
            | Event::Filtered { .. }
            | Event::Connected {
                from: Start::Snapshot | Start::Now,
            } => {
                self.0.clear();
            }
            _ => {}
        }
    }

    fn push(&mut self, change: &Change, view: &View, now: Instant) {
        let id = change.id();
        let (mark, gone) = match change {
            Change::Create(_) => (Mark::Create, None),
            Change::Enter(_) => (Mark::Enter, None),
            Change::Update(_) => (Mark::Update, None),
            Change::Leave(_) => (Mark::Leave, view.people().get(&id).cloned()),
            Change::Delete(_) => (Mark::Delete, view.people().get(&id).cloned()),
        };
        self.0.retain(|recently| recently.id != id);
        self.0.push_front(Recently {
            id,
            mark,
            at: now,
            gone,
        });
        self.0.truncate(RECENT);
    }

    /// The first `count` rows.
    pub(super) fn rows<'a>(
        &'a self,
        people: &'a BTreeMap<PersonId, Map<String, Value>>,
        count: usize,
        now: Instant,
    ) -> Vec<Row<'a>> {
        let recent = self.0.iter().filter_map(|recently| {
            let marked = now.duration_since(recently.at) < MARKED;
            let mark = if marked { recently.mark } else { Mark::Nothing };
            let person = match &recently.gone {
                Some(gone) => marked.then_some(gone),
                None => people.get(&recently.id),
            };
            Some(Row {
                mark,
                person: person?,
            })
        });
        let others = people
            .iter()
            .filter(|(id, _)| !self.0.iter().any(|recently| recently.id == **id));
        recent
            .chain(others.map(|(_, person)| Row {
                mark: Mark::Nothing,
                person,
            }))
            .take(count)
            .collect()
    }

    /// When a mark goes out next.
    pub(super) fn fades(&self, now: Instant) -> Option<Instant> {
        // They stand in the order of their times, the latest first.
        let marked = self
            .0
            .iter()
            .take_while(|recently| now.duration_since(recently.at) < MARKED);
        marked.last().map(|recently| recently.at + MARKED)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filter::Kinds;
    use crate::telemetry::clock::fresh_uuid;
    use people_client::{Gone, Record};

    fn id(person: u8) -> PersonId {
        format!("0190f3e2-7c1b-7d9a-8f00-0000000000{person:02x}")
            .parse()
            .unwrap()
    }

    fn record(person: u8) -> Record {
        let revision = "e.1.1";
        let object = json!({
            "id": id(person).to_string(), "firstName": person.to_string(), "revision": revision,
        });
        Record {
            id: id(person),
            revision: revision.parse().unwrap(),
            object: object.as_object().unwrap().clone(),
        }
    }

    fn shown(recent: &Recent, view: &View, count: usize, now: Instant) -> Vec<(Mark, String)> {
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
    async fn who_changed_last_is_on_top_and_who_left_goes_after_a_while() {
        let (mut view, mut recent, start) =
            (View::new(Kinds::All), Recent::default(), Instant::now());
        let mut tell = |event: Event, now: Instant| {
            recent.note(&event, &view, now);
            let _ = view.apply(&event);
        };
        tell(
            Event::Connected {
                from: Start::Snapshot,
            },
            start,
        );
        tell(
            Event::Snapshot {
                people: (1..=4).map(record).collect(),
            },
            start,
        );
        let later = start + Duration::from_secs(1);
        let change = |change| Event::Batch {
            cursor: "0:e.9.9".parse().unwrap(),
            changes: vec![change],
        };
        tell(change(Change::Update(record(3))), start);
        tell(
            change(Change::Delete(Gone {
                id: id(2),
                revision: "e.9.9".parse().unwrap(),
            })),
            later,
        );
        let row = |mark, name: &str| (mark, name.to_owned());
        let first = [
            row(Mark::Delete, "2"),
            row(Mark::Update, "3"),
            row(Mark::Nothing, "1"),
            row(Mark::Nothing, "4"),
        ];
        assert_eq!(shown(&recent, &view, 9, later), first);
        assert_eq!(shown(&recent, &view, 3, later), first[..3]);
        assert_eq!(recent.fades(later), Some(start + MARKED));
        assert_eq!(recent.fades(start + MARKED), Some(later + MARKED));
        let end = [
            row(Mark::Nothing, "3"),
            row(Mark::Nothing, "1"),
            row(Mark::Nothing, "4"),
        ];
        assert_eq!(shown(&recent, &view, 9, later + MARKED), end);
        assert_eq!(recent.fades(later + MARKED), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_dropped_with_the_view() {
        let (view, mut recent, now) = (View::new(Kinds::All), Recent::default(), Instant::now());
        for person in 0..=255 {
            recent.push(&Change::Update(record(person)), &view, now);
            recent.push(&Change::Update(record(person)), &view, now);
        }
        assert_eq!(recent.0.len(), 256, "each person once");
        recent
            .0
            .iter_mut()
            .for_each(|recently| recently.id = PersonId::new(fresh_uuid()));
        (0..100).for_each(|person| recent.push(&Change::Update(record(person)), &view, now));
        assert_eq!(recent.0.len(), RECENT);
        recent.note(
            &Event::Connected {
                from: Start::Snapshot,
            },
            &view,
            now,
        );
        assert!(recent.0.is_empty());
    }
}
