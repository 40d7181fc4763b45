//! The view under random histories: what a server that keeps its promises sends is folded to
//! exactly who matches, and each way of breaking a promise is told.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::message::{Received, read};

const PARTITIONS: usize = 3;

fn told(message: &Value) -> Event {
    match read(&message.to_string()).expect("a message") {
        Received::Event(event) => event,
        Received::Filtered { reference, cursor } => Event::Filtered {
            reference,
            cursor,
            kinds: Kinds::All,
        },
    }
}

fn id(person: usize) -> String {
    format!("0190f3e2-7c1b-7d9a-8f00-{person:012x}")
}

/// A server with one filter: people with an even age match.
#[derive(Default)]
struct Server {
    seqs: [u64; PARTITIONS],
    /// Age and revision of everyone.
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

    /// Saves a person with this age, or deletes one, and tells the message, if there is one.
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

/// A live view of everyone with an even age, after these writes.
fn exact(server: &mut Server, before: Vec<(usize, Option<u64>)>) -> View {
    for (person, age) in before {
        server.write(person, age);
    }
    let mut view = View::new(Kinds::All);
    for event in [
        Event::Connected {
            from: Start::Snapshot,
        },
        told(&server.page()),
        told(&server.live()),
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
                prop_assert_eq!(view.apply(&told(&message)), Ok(()));
            }
            prop_assert_eq!(view.exact(), Some(&server.matching()));
            if step == cut {
                let from = Start::Cursor(server.cursor().parse().unwrap());
                for event in [Event::Connected { from }, told(&server.live())] {
                    prop_assert_eq!(view.apply(&event), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_change_told_again_or_left_out_is_never_swallowed(
        before in writes(), after in writes(), chosen: prop::sample::Index,
    ) {
        let mut server = Server::default();
        let mut view = exact(&mut server, before);
        let messages: Vec<Event> = after
            .into_iter()
            .filter_map(|(person, age)| server.write(person, age))
            .map(|message| told(&message))
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

fn change(kind: &str, seq: u64, person: usize) -> Value {
    let revision = format!("e.{seq}.{seq:x}");
    match kind {
        "leave" | "delete" => {
            json!({
                "type": kind, "at": format!("0:{revision}"), "id": id(person), "revision": revision,
            })
        }
        _ => {
            json!({
                "type": kind, "at": format!("0:{revision}"),
                "person": {"id": id(person), "revision": revision},
            })
        }
    }
}

fn live(seq: u64) -> Value {
    json!({"type": "live", "cursor": format!("0:e.{seq}.{seq:x}")})
}

fn batch(changes: &[Value], seq: u64) -> Value {
    json!({"type": "batch", "cursor": format!("0:e.{seq}.{seq:x}"), "changes": changes})
}

fn page(people: &[usize]) -> Value {
    let people: Vec<_> = people
        .iter()
        .map(|person| json!({"id": id(*person), "revision": "e.3.3"}))
        .collect();
    json!({"type": "snapshot", "people": people})
}

/// What a view says to the last of these messages, after a snapshot of person 1 that ended at seq
/// 5.
fn last_of(messages: &[Value]) -> Result<(), Contradiction> {
    let mut view = View::new(Kinds::All);
    let mut outcome = Ok(());
    for message in [&[page(&[1]), live(5)], messages].concat() {
        assert_eq!(outcome, Ok(()), "only the last message is wrong");
        outcome = view.apply(&told(&message));
    }
    assert_eq!(view.state() == ViewState::Exact, outcome.is_ok());
    outcome
}

#[test]
fn each_contradiction_is_told() {
    let person = |person| id(person).parse::<PersonId>().unwrap();
    for kind in ["create", "enter"] {
        assert_eq!(
            last_of(&[change(kind, 6, 1)]),
            Err(Contradiction::AlreadyIn(person(1)))
        );
        assert_eq!(
            last_of(&[change(kind, 6, 2), change("update", 7, 2)]),
            Ok(())
        );
        assert_eq!(
            last_of(&[batch(&[change(kind, 6, 1)], 6)]),
            Err(Contradiction::AlreadyIn(person(1)))
        );
    }
    for kind in ["update", "leave", "delete"] {
        assert_eq!(
            last_of(&[change(kind, 6, 2)]),
            Err(Contradiction::NotIn(person(2)))
        );
        assert_eq!(last_of(&[change(kind, 6, 1)]), Ok(()));
        assert_eq!(
            last_of(&[batch(&[change(kind, 6, 2)], 6)]),
            Err(Contradiction::NotIn(person(2)))
        );
    }
    let twice = [change("leave", 6, 1), change("enter", 7, 1)];
    assert_eq!(
        last_of(&[batch(&twice, 7)]),
        Err(Contradiction::TwiceInBatch(person(1)))
    );
    assert_eq!(last_of(&[page(&[])]), Err(Contradiction::UnexpectedPage));
    assert_eq!(last_of(&[live(6)]), Err(Contradiction::LiveTwice));
}

#[test]
fn what_goes_back_or_repeats_is_told_wherever_it_stands() {
    for seq in [4, 5] {
        assert!(
            matches!(
                last_of(&[change("update", seq, 1)]),
                Err(Contradiction::NotAfter { .. })
            ),
            "{seq}"
        );
    }
    for kind in ["position", "pong"] {
        let cursor = |text: &str| json!({"type": kind, "ref": "x", "cursor": text});
        assert_eq!(
            last_of(&[
                cursor("0:e.5.5"),
                cursor("0:e.9.9"),
                change("update", 10, 1)
            ]),
            Ok(())
        );
        for back in ["0:e.4.4", "0:e.5.6", "0:f.9.9"] {
            assert!(
                matches!(
                    last_of(&[cursor(back)]),
                    Err(Contradiction::CursorBack { .. })
                ),
                "{back}"
            );
        }
        assert!(matches!(
            last_of(&[cursor("0:e.9.9"), change("update", 9, 1)]),
            Err(Contradiction::NotAfter { .. })
        ));
    }
    assert!(matches!(
        last_of(&[batch(&[], 4)]),
        Err(Contradiction::CursorBack { .. })
    ));
    assert!(matches!(
        last_of(&[batch(&[], 7), change("update", 7, 1)]),
        Err(Contradiction::NotAfter { .. })
    ));
    // The page showed revision 3 of person 1.
    assert!(matches!(
        last_of(&[batch(&[change("update", 3, 1)], 6)]),
        Err(Contradiction::NotNewer { .. })
    ));
    let mut other = change("update", 6, 1);
    other["person"]["revision"] = json!("e.5.5");
    assert!(matches!(
        last_of(&[other]),
        Err(Contradiction::OtherRevision { .. })
    ));
    let mut forked = change("update", 6, 1);
    (forked["at"], forked["person"]["revision"]) = (json!("0:f.6.6"), json!("f.6.6"));
    assert!(matches!(
        last_of(&[forked]),
        Err(Contradiction::NotAfter { .. })
    ));
}

#[test]
fn a_snapshot_is_whole_at_live_and_not_before() {
    let mut view = View::new(Kinds::All);
    let mut apply = |event: &Event| {
        view.apply(event).unwrap();
        (view.state(), view.people().len(), view.exact().is_some())
    };
    let lost = Event::Disconnected {
        why: crate::Loss::StopUnanswered,
        retry: None,
    };
    let reset = told(&json!({"type": "reset", "reason": "epoch"}));
    assert_eq!(
        apply(&Event::Connected {
            from: Start::Snapshot
        }),
        (ViewState::Loading, 0, false)
    );
    assert_eq!(apply(&told(&page(&[1, 2]))), (ViewState::Loading, 2, false));
    assert_eq!(
        apply(&lost),
        (ViewState::Loading, 0, false),
        "half a view is dropped at the cut"
    );
    assert_eq!(
        apply(&Event::Connected {
            from: Start::Snapshot
        }),
        (ViewState::Loading, 0, false)
    );
    assert_eq!(apply(&told(&page(&[1]))), (ViewState::Loading, 1, false));
    assert_eq!(
        apply(&told(&change("create", 6, 2))),
        (ViewState::Loading, 2, false)
    );
    assert_eq!(apply(&told(&live(7))), (ViewState::Exact, 2, true));
    assert_eq!(
        apply(&lost),
        (ViewState::Exact, 2, true),
        "exact as of its cursor"
    );
    assert_eq!(
        apply(&Event::Connected {
            from: Start::Cursor("0:e.7.7".parse().unwrap())
        }),
        (ViewState::Exact, 2, true)
    );
    assert_eq!(apply(&reset), (ViewState::Loading, 0, false));
    assert_eq!(apply(&told(&page(&[]))), (ViewState::Loading, 0, false));
    assert_eq!(apply(&told(&live(1))), (ViewState::Exact, 0, true));
    assert_eq!(
        apply(&told(&json!({"type": "filtered", "ref": "x"}))),
        (ViewState::Loading, 0, false)
    );
    assert_eq!(apply(&told(&page(&[3]))), (ViewState::Loading, 1, false));
    assert_eq!(apply(&told(&live(1))), (ViewState::Exact, 1, true));
    let filtered = told(&json!({"type": "filtered", "ref": "x", "cursor": "0:e.2.2"}));
    assert_eq!(apply(&filtered), (ViewState::Unknown, 0, false));
}

#[test]
fn from_now_on_strangers_may_change_and_go_but_nobody_comes_twice() {
    for kinds in [Kinds::All, Kinds::Saves] {
        let mut view = View::new(kinds);
        let mut apply = |event: &Event| view.apply(event).map(|()| view.people().len());
        assert_eq!(apply(&Event::Connected { from: Start::Now }), Ok(0));
        assert_eq!(apply(&told(&live(5))), Ok(0));
        assert_eq!(apply(&told(&change("update", 6, 1))), Ok(1));
        assert_eq!(apply(&told(&change("leave", 7, 2))), Ok(1));
        assert_eq!(apply(&told(&change("delete", 8, 1))), Ok(0));
        assert_eq!(apply(&told(&change("create", 9, 1))), Ok(1));
        // Whoever does not see deletes may see someone come again.
        assert_eq!(
            apply(&told(&change("create", 10, 1))).is_ok(),
            kinds == Kinds::Saves
        );
        assert_eq!(view.state(), ViewState::Unknown);
        assert!(
            view.apply(&told(&change("update", 10, 1))).is_err(),
            "its order is checked all the same"
        );
    }
}
