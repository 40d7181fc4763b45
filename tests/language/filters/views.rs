//! The verdicts of a history, applied one after the other, yield exactly the matching people.

use std::collections::{BTreeMap, BTreeSet};

use people_gateway::domain::{
    Change, FieldsJson, LogPosition, Partition, PersonId, Position, Tag, Timestamp,
};
use people_gateway::filter::{Filter, Kinds, Scoped, Verdict, View};
use proptest::prelude::*;
use proptest::sample::select;

use crate::filters::people::{IDS, expression, fields};

/// Saves and deletes of a few people; a delete is `None`.
pub(crate) fn history() -> impl Strategy<Value = Vec<(&'static str, Option<serde_json::Value>)>> {
    prop::collection::vec(
        (select(&IDS[..]), prop::option::weighted(0.7, fields())),
        0..30,
    )
}

/// The changes of a history. The delete of a missing person is no change.
pub(crate) fn changes(history: Vec<(&str, Option<serde_json::Value>)>) -> Vec<Change> {
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
        filter: Scoped::within(None, filter.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_verdicts_of_any_history_yield_the_matching_people_after_each_step(
        expression in expression(),
        history in history(),
    ) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let view = view(Kinds::All, &filter);
        let mut copy: BTreeMap<PersonId, FieldsJson> = BTreeMap::new();
        let mut state: BTreeMap<PersonId, FieldsJson> = BTreeMap::new();
        let mut known: BTreeSet<PersonId> = BTreeSet::new();
        for change in changes(history) {
            let verdict = view.verdict_of(&change);
            match &change.after {
                Some(fields) => drop(state.insert(change.id, fields.clone())),
                None => drop(state.remove(&change.id)),
            }
            match verdict {
                Verdict::Create | Verdict::Enter => {
                    let after = change.after.clone().expect("a person after the change");
                    let before = copy.insert(change.id, after);
                    prop_assert!(before.is_none(), "only a person outside the view enters it");
                    let entered = verdict == Verdict::Enter;
                    let is_known = known.contains(&change.id);
                    prop_assert_eq!(entered, is_known, "an existing person enters");
                }
                Verdict::Update => {
                    let after = change.after.clone().expect("a person after the change");
                    let before = copy.insert(change.id, after);
                    prop_assert!(before.is_some(), "only a person in the view is updated");
                }
                Verdict::Leave | Verdict::Delete => {
                    let before = copy.remove(&change.id);
                    prop_assert!(before.is_some(), "only a person in the view leaves it");
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
            prop_assert_eq!(&copy, &matching);
        }
    }

    #[test]
    fn views_of_saves_and_views_of_deletes_divide_the_verdicts_of_all(
        expression in expression(),
        history in history(),
    ) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let (all, saves, deletes) =
            (view(Kinds::All, &filter), view(Kinds::Saves, &filter), view(Kinds::Deletes, &filter));
        for change in changes(history) {
            let verdict = all.verdict_of(&change);
            let (of_saves, of_deletes) = match verdict {
                Verdict::Delete => (Verdict::Outside, verdict),
                _ => (verdict, Verdict::Outside),
            };
            prop_assert_eq!(saves.verdict_of(&change), of_saves);
            prop_assert_eq!(deletes.verdict_of(&change), of_deletes);
        }
    }
}
