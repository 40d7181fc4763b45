//! The cost of a filter is bounded, also if its writer means harm.

use super::{assert_empty, id, person, view};
use crate::filter::Images;
use crate::filter::index::{Census, Index};

/// An index of these filters.
fn filled(filters: impl IntoIterator<Item = String>) -> Index {
    let mut index = Index::default();
    for (number, filter) in (0..).zip(filters) {
        index.add(number, &view(&filter));
    }
    index
}

fn joined(count: usize, by: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(by)
}

fn entries(filter: &str) -> usize {
    filled([filter.to_owned()]).census().entries
}

#[test]
fn the_entries_of_a_view_add_up_and_never_multiply() {
    let items = |name: &str| {
        format!(
            "attributes.{name} in [{}]",
            joined(300, ",", |item| item.to_string())
        )
    };
    assert_eq!(
        entries(&format!(
            "{} && {} && {}",
            items("a"),
            items("b"),
            items("c")
        )),
        300
    );
    assert_eq!(
        entries(&format!(
            "{} || {} || {}",
            items("a"),
            items("b"),
            items("c")
        )),
        900
    );
    // There are 2^31 ways to fulfil it.
    let pairs = joined(31, " && ", |n| {
        format!("(attributes.a{n} == 1 || attributes.b{n} == 2)")
    });
    assert_eq!(entries(&pairs), 2);
    // The same with `!`, and a level deeper.
    let opposites = joined(32, " || ", |n| {
        format!("(job != 'a{n}' && lastName != 'b{n}')")
    });
    assert_eq!(entries(&format!("!({opposites})")), 2);
    assert_eq!(entries(&format!("({pairs}) || attributes.c == 3")), 3);
    let nested = (0..7).fold("attributes.x == 1".to_owned(), |inner, level| {
        let by = ["||", "&&"][level % 2];
        format!("({inner}) {by} (attributes.a{level} in [1, 2, 3] || attributes.b{level} == 1)")
    });
    assert!(entries(&nested) <= 7 * 4 + 1, "{}", entries(&nested));
}

#[test]
fn a_view_has_at_most_1504_entries() {
    let texts = |n: usize| joined(8, "|", |text| format!("text{n}of{text}"));
    let patterns = joined(63, " || ", |n| format!("job.matches('{}')", texts(n)));
    let items = joined(1000, ",", |item| item.to_string());
    assert_eq!(
        entries(&format!("attributes.x in [{items}] || {patterns}")),
        1504
    );
}

/// 63 conditions that all views share, and one of its own.
fn nearly_alike(number: usize) -> String {
    format!(
        "{} && attributes.z == {number}",
        joined(63, " && ", |n| format!("attributes.a{n} == {n}"))
    )
}

#[test]
fn views_that_share_63_of_64_conditions_are_found_by_the_last_one() {
    let index = filled((0..1000).map(nearly_alike));
    let members = joined(63, ",", |n| format!("\"a{n}\":{n}"));
    let mut found = Vec::new();
    let of = |z: i32| person(30, &format!("{{{members},\"z\":{z}}}"));
    let cost = index.candidates(&Images::new(id(), None, Some(&of(7))), &mut found);
    assert_eq!((cost.entries, &found[..]), (1, &[7][..]));
    assert!(cost.nodes < 4 * 64, "{cost:?}");
    index.candidates(&Images::new(id(), None, Some(&of(-1))), &mut found);
    assert!(found.is_empty());
}

#[test]
fn an_index_grows_with_its_entries_however_many_conditions_they_share() {
    // Nine entries at each of two hundred values. They differ in their last condition only.
    let items = |group: usize| joined(100, ",", |item| (1000 * group + item).to_string());
    let rest = joined(61, " && ", |n| format!("attributes.a{n:02} == {n}"));
    let filters = (0..2).flat_map(|group| {
        let (items, rest) = (items(group), rest.clone());
        (0..9).map(move |number| format!("age in [{items}] && {rest} && attributes.z == {number}"))
    });
    let mut index = filled(filters);
    let Census { entries, nodes } = index.census();
    assert_eq!(entries, 18 * 100);
    assert!(nodes < 8 * entries, "{nodes} for {entries} entries");
    for number in 0..18 {
        index.remove(number);
    }
    assert_empty(&index);
}

#[test]
fn a_view_is_found_once_however_often_the_text_holds_its_gram() {
    let index =
        filled((1..=500).map(|length| format!("attributes.x.contains('{}')", "a".repeat(length))));
    let person = person(30, &format!("{{\"x\":\"{}\"}}", "a".repeat(4000)));
    let mut found = Vec::new();
    let cost = index.candidates(&Images::new(id(), None, Some(&person)), &mut found);
    assert_eq!((cost.entries, found.len()), (500, 500));
}

#[test]
fn every_part_and_every_end_of_a_text_is_found() {
    let text = "0123456789abcdefghijklmnopqrstuvwxyzäöü€";
    let cuts: Vec<usize> = (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .collect();
    let mut filters = Vec::new();
    for (number, start) in cuts.iter().enumerate() {
        for end in &cuts[number..] {
            filters.push(format!("attributes.x.contains('{}')", &text[*start..*end]));
        }
        filters.push(format!("attributes.x.endsWith('{}')", &text[*start..]));
        filters.push(format!("attributes.x.matches('{}.?')", &text[*start..]));
    }
    let matching = filters.len();
    // Texts of the same lengths that do not match, and some that are longer than the text.
    filters.extend(
        (0..cuts.len()).map(|at| format!("attributes.x.contains('{}?')", &text[cuts[at]..])),
    );
    filters.extend(
        (0..cuts.len()).map(|at| format!("attributes.x.endsWith('?{}')", &text[cuts[at]..])),
    );
    let mut index = filled(filters.iter().cloned());
    let person = person(30, &format!("{{\"x\":\"{text}\"}}"));
    let mut found = Vec::new();
    index.candidates(&Images::new(id(), None, Some(&person)), &mut found);
    let expected = u32::try_from(matching).unwrap();
    assert!(
        (0..expected).all(|number| found.binary_search(&number).is_ok()),
        "all that match"
    );
    assert!(found.len() < matching + cuts.len(), "and few others");
    for number in 0..u32::try_from(filters.len()).unwrap() {
        index.remove(number);
    }
    assert_empty(&index);
}
