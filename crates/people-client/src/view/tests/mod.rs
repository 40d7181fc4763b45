//! The view against scripted messages: each contradiction is reported, and the view is exact only
//! after a complete snapshot.

mod histories;

use serde_json::{Value, json};

use super::*;
use crate::protocol::message::{ServerMessage, read};

fn event(message: &Value) -> LiveEvent {
    match read(&message.to_string()).expect("a message") {
        ServerMessage::Event(event) => event,
        ServerMessage::Filtered { reference, cursor } => LiveEvent::Filtered {
            reference,
            cursor,
            kinds: Kinds::All,
        },
    }
}

fn id(person: usize) -> String {
    format!("0190f3e2-7c1b-7d9a-8f00-{person:012x}")
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

/// The outcome of the last of these messages, after a snapshot of person 1 that ended at seq 5.
fn last_of(messages: &[Value]) -> Result<(), Contradiction> {
    let mut view = PeopleView::new(Kinds::All);
    let mut outcome = Ok(());
    for message in [&[page(&[1]), live(5)], messages].concat() {
        assert_eq!(outcome, Ok(()), "only the last message is wrong");
        outcome = view.apply(&event(&message));
    }
    assert_eq!(view.completeness() == Completeness::Exact, outcome.is_ok());
    outcome
}

#[test]
fn each_contradiction_is_reported() {
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
fn positions_that_go_back_or_repeat_are_contradictions() {
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
fn a_snapshot_is_complete_at_live_and_not_before() {
    let mut view = PeopleView::new(Kinds::All);
    let mut apply = |event: &LiveEvent| {
        view.apply(event).unwrap();
        (
            view.completeness(),
            view.people().len(),
            view.exact().is_some(),
        )
    };
    let lost = LiveEvent::Disconnected {
        why: crate::Disconnect::StopUnanswered,
        retry: None,
    };
    let reset = event(&json!({"type": "reset", "reason": "epoch"}));
    assert_eq!(
        apply(&LiveEvent::Connected {
            from: StartPoint::Snapshot
        }),
        (Completeness::Loading, 0, false)
    );
    assert_eq!(
        apply(&event(&page(&[1, 2]))),
        (Completeness::Loading, 2, false)
    );
    assert_eq!(
        apply(&lost),
        (Completeness::Loading, 0, false),
        "an incomplete view is dropped with its connection"
    );
    assert_eq!(
        apply(&LiveEvent::Connected {
            from: StartPoint::Snapshot
        }),
        (Completeness::Loading, 0, false)
    );
    assert_eq!(
        apply(&event(&page(&[1]))),
        (Completeness::Loading, 1, false)
    );
    assert_eq!(
        apply(&event(&change("create", 6, 2))),
        (Completeness::Loading, 2, false)
    );
    assert_eq!(apply(&event(&live(7))), (Completeness::Exact, 2, true));
    assert_eq!(
        apply(&lost),
        (Completeness::Exact, 2, true),
        "exact as of its cursor"
    );
    assert_eq!(
        apply(&LiveEvent::Connected {
            from: StartPoint::Cursor("0:e.7.7".parse().unwrap())
        }),
        (Completeness::Exact, 2, true)
    );
    assert_eq!(apply(&reset), (Completeness::Loading, 0, false));
    assert_eq!(apply(&event(&page(&[]))), (Completeness::Loading, 0, false));
    assert_eq!(apply(&event(&live(1))), (Completeness::Exact, 0, true));
    assert_eq!(
        apply(&event(&json!({"type": "filtered", "ref": "x"}))),
        (Completeness::Loading, 0, false)
    );
    assert_eq!(
        apply(&event(&page(&[3]))),
        (Completeness::Loading, 1, false)
    );
    assert_eq!(apply(&event(&live(1))), (Completeness::Exact, 1, true));
    let filtered = event(&json!({"type": "filtered", "ref": "x", "cursor": "0:e.2.2"}));
    assert_eq!(apply(&filtered), (Completeness::Unknown, 0, false));
}

#[test]
fn a_view_from_now_accepts_unknown_people_but_no_second_arrival() {
    for kinds in [Kinds::All, Kinds::Saves] {
        let mut view = PeopleView::new(kinds);
        let mut apply = |event: &LiveEvent| view.apply(event).map(|()| view.people().len());
        assert_eq!(
            apply(&LiveEvent::Connected {
                from: StartPoint::Now
            }),
            Ok(0)
        );
        assert_eq!(apply(&event(&live(5))), Ok(0));
        assert_eq!(apply(&event(&change("update", 6, 1))), Ok(1));
        assert_eq!(apply(&event(&change("leave", 7, 2))), Ok(1));
        assert_eq!(apply(&event(&change("delete", 8, 1))), Ok(0));
        assert_eq!(apply(&event(&change("create", 9, 1))), Ok(1));
        // Without deletes, a person may arrive again.
        assert_eq!(
            apply(&event(&change("create", 10, 1))).is_ok(),
            kinds == Kinds::Saves
        );
        assert_eq!(view.completeness(), Completeness::Unknown);
        assert!(
            view.apply(&event(&change("update", 10, 1))).is_err(),
            "its order is checked all the same"
        );
    }
}
