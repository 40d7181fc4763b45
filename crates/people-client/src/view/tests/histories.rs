//! The view under random histories: the messages of a correct server fold to exactly the people who
//! match.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{event, id};

const PARTITIONS: usize = 3;

/// A server with one filter, which people of an even age match.
#[derive(Default)]
struct Server {
    seqs: [u64; PARTITIONS],
    /// Age and revision of each person.
    people: BTreeMap<usize, (u64, String)>,
}

impl Server {
    fn cursor(&self) -> String {
        let places = self
            .seqs
            .iter()
            .enumerate()
            .map(|(partition, seq)| format!("{partition}:e.{seq}.{seq:x}"));
        places.collect::<Vec<_>>().join(",")
    }

    fn object(&self, person: usize) -> Value {
        let (age, revision) = &self.people[&person];
        json!({"id": id(person), "age": age, "revision": revision})
    }

    /// Saves a person with this age, or deletes one. Returns the message, if the view gets one.
    fn write(&mut self, person: usize, age: Option<u64>) -> Option<Value> {
        let partition = person % PARTITIONS;
        let before = self.people.get(&person).map(|(age, _)| age % 2 == 0);
        if age.is_none() && before.is_none() {
            return None;
        }
        self.seqs[partition] += 1;
        let revision = format!("e.{0}.{0:x}", self.seqs[partition]);
        self.people.remove(&person);
        if let Some(age) = age {
            self.people.insert(person, (age, revision.clone()));
        }
        let kind = match (before, age.map(|age| age % 2 == 0)) {
            (None, Some(true)) => "create",
            (Some(false), Some(true)) => "enter",
            (Some(true), Some(true)) => "update",
            (Some(true), Some(false)) => "leave",
            (Some(true), None) => "delete",
            _ => return None,
        };
        let at = format!("{partition}:{revision}");
        Some(match kind {
            "leave" | "delete" => {
                json!({"type": kind, "at": at, "id": id(person), "revision": revision})
            }
            _ => json!({"type": kind, "at": at, "person": self.object(person)}),
        })
    }

    fn matching(&self) -> BTreeMap<PersonId, Map<String, Value>> {
        let people = self.people.iter().filter(|(_, (age, _))| age % 2 == 0);
        let objects =
            people.map(|(person, _)| (id(*person).parse().unwrap(), self.object(*person)));
        objects
            .map(|(id, object)| (id, object.as_object().unwrap().clone()))
            .collect()
    }

    fn page(&self) -> Value {
        json!({"type": "snapshot", "people": self.matching().into_values().collect::<Vec<_>>()})
    }

    fn live(&self) -> Value {
        json!({"type": "live", "cursor": self.cursor()})
    }
}

fn writes() -> impl Strategy<Value = Vec<(usize, Option<u64>)>> {
    prop::collection::vec((0..8_usize, prop::option::weighted(0.7, 0..6_u64)), 0..60)
}

/// An exact view of the people with an even age, after these writes.
fn exact(server: &mut Server, before: Vec<(usize, Option<u64>)>) -> PeopleView {
    for (person, age) in before {
        server.write(person, age);
    }
    let mut view = PeopleView::new(Kinds::All);
    for event in [
        LiveEvent::Connected {
            from: StartPoint::Snapshot,
        },
        event(&server.page()),
        event(&server.live()),
    ] {
        assert_eq!(view.apply(&event), Ok(()));
    }
    view
}

proptest! {
    #[test]
    fn folding_gives_exactly_the_people_who_match_at_each_step(
        before in writes(), after in writes(), cut in 0..60_usize,
    ) {
        let mut server = Server::default();
        let mut view = exact(&mut server, before);
        prop_assert_eq!(view.exact(), Some(&server.matching()));
        for (step, (person, age)) in after.into_iter().enumerate() {
            if let Some(message) = server.write(person, age) {
                prop_assert_eq!(view.apply(&event(&message)), Ok(()));
            }
            prop_assert_eq!(view.exact(), Some(&server.matching()));
            if step == cut {
                let from = StartPoint::Cursor(server.cursor().parse().unwrap());
                for event in [LiveEvent::Connected { from }, event(&server.live())] {
                    prop_assert_eq!(view.apply(&event), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_repeated_change_is_a_contradiction(
        before in writes(), after in writes(), chosen: prop::sample::Index,
    ) {
        let mut server = Server::default();
        let mut view = exact(&mut server, before);
        let messages: Vec<LiveEvent> = after
            .into_iter()
            .filter_map(|(person, age)| server.write(person, age))
            .map(|message| event(&message))
            .collect();
        prop_assume!(!messages.is_empty());
        let chosen = chosen.index(messages.len());
        for message in &messages {
            prop_assert_eq!(view.apply(message), Ok(()));
        }
        let again = view.apply(&messages[chosen]);
        prop_assert!(matches!(again, Err(Contradiction::NotAfter { .. })), "{:?}", again);
        prop_assert_eq!(view.exact(), None);
    }
}
