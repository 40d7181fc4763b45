//! Views against histories: the verdicts of a history, folded, are exactly the people who match.

use std::collections::{BTreeMap, BTreeSet};

use people_gateway::domain::{
    Change, FieldsJson, LogPosition, Partition, PersonId, Position, Tag, Timestamp,
};
use people_gateway::filter::{Filter, Kinds, Verdict, View};
use proptest::prelude::*;
use proptest::sample::select;

use crate::people::{IDS, expression, fields};

/// Saves and deletes (none) of a few people.
fn history() -> impl Strategy<Value = Vec<(&'static str, Option<serde_json::Value>)>> {
    prop::collection::vec(
        (select(&IDS[..]), prop::option::weighted(0.7, fields())),
        0..30,
    )
}

/// The changes that a history makes: what changes nothing (the delete of nobody) is none.
fn changes(history: Vec<(&str, Option<serde_json::Value>)>) -> Vec<Change> {
    let mut state: BTreeMap<PersonId, FieldsJson> = BTreeMap::new();
    let mut changes = Vec::new();
    for (id, after) in history {
        let id = id.parse().expect("an id");
        let after =
            after.map(|fields| FieldsJson::from_stored(&fields.to_string()).expect("fields"));
        let before = match &after {
            Some(fields) => state.insert(id, fields.clone()),
            None => state.remove(&id),
        };
        if before.is_none() && after.is_none() {
            continue;
        }
        let at = LogPosition::new(
            Partition::new(0),
            Position::start_of("1".parse().expect("an epoch")),
        );
        let (time, previous) = (Timestamp::from_millis(0), Tag::START);
        changes.push(Change {
            at,
            previous,
            id,
            time,
            created_at: time,
            before,
            after,
            trace: None,
        });
    }
    changes
}

fn view(kinds: Kinds, filter: &Filter) -> View {
    View {
        kinds,
        filter: filter.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_verdicts_of_any_history_folded_are_exactly_who_matches_after_each_step(
        expression in expression(),
        history in history(),
    ) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let view = view(Kinds::All, &filter);
        let mut shown: BTreeMap<PersonId, FieldsJson> = BTreeMap::new();
        let mut state: BTreeMap<PersonId, FieldsJson> = BTreeMap::new();
        let mut known: BTreeSet<PersonId> = BTreeSet::new();
        for change in changes(history) {
            let verdict = view.judge(&change);
            match &change.after {
                Some(fields) => drop(state.insert(change.id, fields.clone())),
                None => drop(state.remove(&change.id)),
            }
            match verdict {
                Verdict::Create | Verdict::Enter => {
                    let after = change.after.clone().expect("somebody came");
                    prop_assert_eq!(shown.insert(change.id, after), None, "only a stranger comes");
                    let entered = verdict == Verdict::Enter;
                    prop_assert_eq!(entered, known.contains(&change.id), "who was there enters");
                }
                Verdict::Update => {
                    let after = change.after.clone().expect("somebody is there");
                    let before = shown.insert(change.id, after);
                    prop_assert!(before.is_some(), "only someone shown is updated");
                }
                Verdict::Leave | Verdict::Delete => {
                    prop_assert!(shown.remove(&change.id).is_some(), "only someone shown goes");
                    prop_assert_eq!(verdict == Verdict::Delete, change.after.is_none());
                }
                Verdict::Outside => {}
            }
            known = state.keys().copied().collect();
            let matching: BTreeMap<_, _> = state
                .iter()
                .filter(|(id, fields)| filter.matches(**id, fields))
                .map(|(id, fields)| (*id, fields.clone()))
                .collect();
            prop_assert_eq!(&shown, &matching);
        }
    }

    #[test]
    fn saves_and_deletes_are_the_same_verdicts_with_the_others_left_out(
        expression in expression(),
        history in history(),
    ) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let (all, saves, deletes) =
            (view(Kinds::All, &filter), view(Kinds::Saves, &filter), view(Kinds::Deletes, &filter));
        for change in changes(history) {
            let verdict = all.judge(&change);
            let (of_saves, of_deletes) = match verdict {
                Verdict::Delete => (Verdict::Outside, verdict),
                _ => (verdict, Verdict::Outside),
            };
            prop_assert_eq!((saves.judge(&change), deletes.judge(&change)), (of_saves, of_deletes));
        }
    }
}
