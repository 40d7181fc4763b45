//! The index compared with a scan of all views, while views are added and removed.

use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::{Census, Filter, Images, Index, Kinds, Scoped, Verdict, View};
use proptest::prelude::*;
use proptest::sample::select;

use crate::filters::people::{IDS, condition, expression, fields};

/// An operation on an index.
#[derive(Clone, Debug)]
enum Step {
    /// Replaces the view with this number, if any.
    Add(u32, View),
    Remove(u32),
    Change(&'static str, Option<FieldsJson>, Option<FieldsJson>),
}

const NUMBERS: u32 = 60;

/// Conditions that every person fulfils, each with another constraint: filters that share them have
/// their entries deep in the index.
const DEEP: &str = "age >= 0 && id.startsWith('') && firstName.startsWith('') && \
                    lastName.startsWith('') && job.startsWith('') && id.endsWith('') && \
                    firstName.endsWith('') && lastName.endsWith('') && job.endsWith('') && \
                    size(id) >= 0 && size(firstName) >= 0 && size(lastName) >= 0 && size(job) >= 0";

/// Filters, many of which share their first conditions: buckets of the index become nodes, and
/// lists again.
fn filter() -> impl Strategy<Value = String> {
    let shared = select(
        &[
            "attributes.x == 1",
            "age >= 1",
            "has(attributes.x)",
            "'a' in attributes.x",
            "job == \"a\"",
        ][..],
    );
    let joined =
        || prop::collection::vec(condition(), 1..4).prop_map(|conditions| conditions.join(" && "));
    let either =
        || prop::collection::vec(condition(), 2..5).prop_map(|conditions| conditions.join(" || "));
    let several = |least, most, by: &'static str| {
        let inner =
            (either(), select(&["", "!"][..])).prop_map(|(either, not)| format!("{not}({either})"));
        prop::collection::vec(inner, least..most).prop_map(move |parts| parts.join(by))
    };
    let many = prop::collection::vec(condition(), 20..64);
    prop_oneof![
        2 => expression().prop_map(|expression| expression.text()),
        1 => joined(),
        2 => joined().prop_map(|rest| format!("{DEEP} && {rest}")),
        1 => several(2, 6, " && "),
        1 => several(2, 4, " || "),
        1 => (several(2, 4, " && "), several(2, 3, " || "))
            .prop_map(|(one, other)| format!("!({one}) && !({other})")),
        1 => (many, select(&[" && ", " || "][..])).prop_map(|(conditions, by)| conditions.join(by)),
        3 => (shared, joined()).prop_map(|(shared, rest)| format!("{shared} && {rest}")),
    ]
}

fn view() -> impl Strategy<Value = View> {
    let kinds =
        prop_oneof![4 => Just(Kinds::All), 1 => Just(Kinds::Saves), 1 => Just(Kinds::Deletes)];
    (kinds, filter()).prop_map(|(kinds, text)| View {
        kinds,
        filter: Scoped::within(None, Filter::parse(&text).expect("a filter")),
    })
}

fn step() -> impl Strategy<Value = Step> {
    let image = || prop::option::weighted(0.8, fields());
    // Half of all changes change one field.
    let images = (image(), image(), any::<bool>()).prop_map(|(before, after, one_field)| {
        match (&before, &after) {
            (Some(fields), Some(other)) if one_field => {
                let mut fields = fields.clone();
                fields["age"] = other["age"].clone();
                (before.map(json), Some(json(fields)))
            }
            _ => (before.map(json), after.map(json)),
        }
    });
    prop_oneof![
        5 => (0..NUMBERS, view()).prop_map(|(number, view)| Step::Add(number, view)),
        1 => (0..NUMBERS).prop_map(Step::Remove),
        3 => (select(&IDS[..]), images)
            .prop_map(|(id, (before, after))| Step::Change(id, before, after)),
    ]
}

fn json(fields: serde_json::Value) -> FieldsJson {
    FieldsJson::from_stored(&fields.to_string()).expect("fields")
}

type Views = Vec<Option<View>>;

/// The verdicts of all views, and those of the views that the index finds, without `Outside`.
fn verdicts(index: &Index, views: &Views, images: &Images<'_>) -> [Vec<(usize, Verdict)>; 2] {
    let verdict = |number: usize| {
        let verdict = views[number].as_ref()?.verdict(images);
        (verdict != Verdict::Outside).then_some((number, verdict))
    };
    let mut found = vec![7];
    index.candidates(images, &mut found);
    assert!(
        found.is_sorted_by(|one, two| one < two),
        "ascending, without duplicates: {found:?}"
    );
    assert!(
        found.iter().all(|number| views[*number as usize].is_some()),
        "only views in the index: {found:?}"
    );
    [
        (0..views.len()).filter_map(verdict).collect(),
        found
            .iter()
            .filter_map(|number| verdict(*number as usize))
            .collect(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_candidates_have_all_verdicts_while_views_are_added_and_removed(
        steps in prop::collection::vec(step(), 1..150),
        order in Just((0..NUMBERS).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut index = Index::default();
        let mut views: Views = vec![None; NUMBERS as usize];
        for step in steps {
            match step {
                Step::Add(number, view) => {
                    index.add(number, &view);
                    views[number as usize] = Some(view);
                }
                Step::Remove(number) => {
                    index.remove(number);
                    views[number as usize] = None;
                }
                Step::Change(id, before, after) => {
                    let id: PersonId = id.parse().expect("an id");
                    let images = Images::new(id, before.as_ref(), after.as_ref());
                    let [all, found] = verdicts(&index, &views, &images);
                    prop_assert_eq!(all, found);
                }
            }
        }
        // The index depends only on its current views: a fresh index with the same views is equal.
        let mut fresh = Index::default();
        for number in order.iter().rev() {
            if let Some(view) = &views[*number as usize] {
                fresh.add(*number, view);
            }
        }
        prop_assert_eq!(index.census(), fresh.census());
        for number in order {
            index.remove(number);
        }
        let roots = Census { entries: 0, nodes: 3 };
        prop_assert_eq!(index.census(), roots, "only the three roots remain");
    }
}
