//! Random histories of a few people, and views folded from batches and pages of them: wherever a
//! history is cut, a client holds exactly the people who match.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::compose::compose;
use super::snapshot::{Cover, covers};
use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Seq, Tag, Timestamp,
};
use crate::filter::{Kinds, Verdict, View};
use crate::protocol::message::Composed;
use crate::rights::Scope;

const PEOPLE: u128 = 6;

/// People by id: those that exist, or those that a client holds.
type State = BTreeMap<PersonId, FieldsJson>;

fn person(number: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(number))
}

fn position(seq: usize) -> Position {
    let seq = Seq::new(seq as u64).expect("a small number");
    Position {
        epoch: Epoch::new(1),
        seq,
        tag: Tag::new(seq.get()),
    }
}

fn aged(age: u8) -> FieldsJson {
    let text = format!(r#"{{"firstName":"F","lastName":"L","age":{age},"job":""}}"#);
    FieldsJson::from_stored(&text).expect("a person's fields")
}

/// The changes of a history, and the state after each; the first state is the empty one before all.
fn run(operations: &[(u128, Option<u8>)]) -> (Vec<Change>, Vec<State>) {
    let (mut changes, mut states) = (Vec::new(), vec![State::new()]);
    for (number, age) in operations {
        let (id, mut state) = (person(*number), states.last().cloned().unwrap_or_default());
        let before = state.remove(&id);
        let after = age.map(aged);
        if before.is_none() && after.is_none() {
            continue;
        }
        if let Some(fields) = &after {
            state.insert(id, fields.clone());
        }
        changes.push(Change {
            at: LogPosition::new(Partition::new(0), position(states.len())),
            previous: Tag::new(states.len() as u64 - 1),
            id,
            time: Timestamp::from_millis(0),
            created_at: Timestamp::from_millis(0),
            before,
            after,
            trace: None,
        });
        states.push(state);
    }
    (changes, states)
}

fn matching_people(view: &View, state: &State) -> State {
    state
        .iter()
        .filter(|(id, fields)| view.filter.matches(**id, fields))
        .map(|(id, fields)| (*id, fields.clone()))
        .collect()
}

/// Applies one message of a batch; fails if it contradicts the people held so far.
fn fold(held: &mut State, shown: &Composed) {
    let verdict = shown.verdict();
    let is_new = matches!(verdict, Verdict::Create | Verdict::Enter);
    assert_eq!(
        held.contains_key(&shown.id()),
        !is_new,
        "{verdict:?} of {}",
        shown.id()
    );
    match shown {
        Composed::Shown(_, person) => drop(held.insert(person.id, person.fields.clone())),
        Composed::Gone(_, id, _) => drop(held.remove(id)),
    }
}

fn operations() -> impl Strategy<Value = Vec<(u128, Option<u8>)>> {
    prop::collection::vec((0..PEOPLE, prop::option::weighted(0.75, 15..25_u8)), 1..60)
}

fn view() -> impl Strategy<Value = View> {
    let text = prop::sample::select(vec![
        "",
        "age >= 20",
        "age < 18 || age > 22",
        "!(age == 17)",
        "age in [16, 21]",
    ]);
    text.prop_map(|text| View {
        kinds: Kinds::All,
        filter: Scope::everything().filter(text).expect("a filter"),
    })
}

proptest! {
    #[test]
    fn a_view_folded_from_batches_is_exact_wherever_the_history_is_cut(
        operations in operations(), view in view(), cuts in prop::collection::vec(0..60_usize, 0..8)
    ) {
        let (changes, states) = run(&operations);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(changes.len())).collect();
        cuts.push(changes.len());
        cuts.sort_unstable();
        let (mut held, mut from) = (State::new(), 0);
        for to in cuts {
            for shown in compose(&view, &changes[from..to]) {
                fold(&mut held, &shown);
            }
            let expected = matching_people(&view, &states[to]);
            prop_assert_eq!(&held, &expected, "after {} of {}", to, changes.len());
            from = to;
        }
    }

    #[test]
    fn a_view_folded_from_pages_of_any_age_and_the_later_changes_is_exact(
        operations in operations(),
        view in view(),
        ages in prop::collection::vec((0..PEOPLE, 0..60_usize), 1..5),
    ) {
        let (changes, states) = run(&operations);
        // Pages in order of their ids, each read at some moment of the history; the last page goes
        // to the end.
        let mut ends: Vec<(u128, usize)> = ages
            .into_iter()
            .map(|(end, age)| (end, age.min(changes.len())))
            .collect();
        ends.sort_unstable();
        ends.dedup_by_key(|(end, _)| *end);
        let (mut held, mut ranges, mut after) = (State::new(), Vec::new(), None);
        for (index, (end, read_at)) in ends.iter().enumerate() {
            let up_to = (index + 1 < ends.len()).then(|| person(*end));
            let is_in = |id: PersonId| {
                after.is_none_or(|after| id > after) && up_to.is_none_or(|up_to| id <= up_to)
            };
            let page = matching_people(&view, &states[*read_at]);
            held.extend(page.into_iter().filter(|(id, _)| is_in(*id)));
            let (partition, position) = (Partition::new(0), position(*read_at));
            ranges.push(Cover { partition, up_to, position });
            after = up_to;
        }
        let lowest = ends.iter().map(|(_, read_at)| *read_at).min().unwrap_or_default();
        for change in changes[lowest..].iter().filter(|change| !covers(&ranges, change)) {
            if let Some(shown) = Composed::of(view.verdict_of(change), change) {
                fold(&mut held, &shown);
            }
        }
        prop_assert_eq!(held, matching_people(&view, &states[changes.len()]));
    }
}
