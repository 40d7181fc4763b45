//! An index depends on its present views alone. A search looks up an unchanged value once, and
//! touches views without a constraint each time.

use super::{FEW, assert_empty, filled, id, person, view};
use crate::filter::Images;
use crate::filter::index::{Index, SearchCost};

#[test]
fn each_name_is_found_while_others_are_added_and_removed() {
    // More names than a list holds, and some that are too long to lie in the node.
    let name = |number: u32| {
        format!(
            "{}{number}",
            if number.is_multiple_of(2) {
                "n"
            } else {
                "a_name_of_many_letters_"
            }
        )
    };
    let members: Vec<String> = (0..20)
        .map(|number| format!(r#""{}":{number}"#, name(number)))
        .collect();
    let (all, one) = (
        person(30, &format!("{{{}}}", members.join(","))),
        person(30, &format!("{{{}}}", members[3])),
    );
    let mut index = Index::default();
    let assert_found = |index: &Index, present: std::ops::Range<u32>| {
        let mut found = Vec::new();
        index.candidates(&Images::new(id(), Some(&all), Some(&all)), &mut found);
        assert_eq!(found, present.clone().collect::<Vec<_>>());
        index.candidates(&Images::new(id(), Some(&one), None), &mut found);
        assert_eq!(
            found,
            present.filter(|number| *number == 3).collect::<Vec<_>>()
        );
    };
    for number in 0..20 {
        index.add(
            number,
            &view(&format!("attributes.{} == {number}", name(number))),
        );
        assert_found(&index, 0..number + 1);
    }
    for number in 0..20 {
        index.remove(number);
        assert_found(&index, number + 1..20);
    }
    assert_empty(&index);
}

#[test]
fn an_unchanged_value_is_looked_up_once() {
    let index = filled(FEW, &|number| format!("attributes.n == {number}"));
    let (before, after) = (person(30, r#"{"n":7}"#), person(31, r#"{"n":7}"#));
    let mut found = Vec::new();
    let entries = |before, after, found: &mut Vec<u32>| {
        index
            .candidates(&Images::new(id(), before, after), found)
            .entries
    };
    assert_eq!(
        (entries(Some(&before), Some(&after), &mut found), &found[..]),
        (1, &[7][..])
    );
    let moved = person(31, r#"{"n":8}"#);
    assert_eq!(
        (entries(Some(&before), Some(&moved), &mut found), &found[..]),
        (2, &[7, 8][..])
    );
    assert_eq!(entries(None, None, &mut found), 0);
    // Below an unchanged value both images are searched.
    let index = filled(FEW, &|number| {
        format!("firstName == 'A' && age == {}", number % 100)
    });
    let grown = person(31, r#"{"n":7}"#);
    index.candidates(&Images::new(id(), Some(&before), Some(&grown)), &mut found);
    assert_eq!((found.len(), found[0], found[1]), (20, 30, 31));
}

#[test]
fn a_view_without_a_constraint_is_touched_by_every_change() {
    let texts = [
        "",
        "true",
        "!(age == 1)",
        "job.matches('(?i)x')",
        "age == 1 || lastName.matches('[xy]')",
        "firstName != 'x'",
        "!(attributes.x == 1)",
        "!has(attributes.x)",
        "!(attributes.x == 1 && age == 1)",
    ];
    let mut index = Index::default();
    for (number, text) in texts.iter().enumerate() {
        index.add(u32::try_from(number).unwrap(), &view(text));
    }
    let mut found = Vec::new();
    let cost = index.candidates(&Images::new(id(), None, Some(&person(1, "{}"))), &mut found);
    assert_eq!(
        cost,
        SearchCost {
            entries: texts.len(),
            nodes: 2
        },
        "each once"
    );
    let void = [
        "false",
        "attributes.x in []",
        "attributes.x < null",
        "false && age == 1",
        "!(true || age == 1)",
    ];
    for (number, text) in void.iter().enumerate() {
        index.add(u32::try_from(number).unwrap(), &view(text));
    }
    assert_eq!(
        index.census().entries,
        texts.len() - void.len(),
        "a filter that no person matches has no entry"
    );
}

#[test]
fn an_index_depends_on_its_present_views_alone() {
    let text = |number: u32| {
        let rest = [
            "attributes.n in [1, 2, 3]",
            "age > 3 && age < 70",
            "job.startsWith('a')",
            "has(attributes.x)",
            "'a' in attributes.l",
        ];
        format!(
            "attributes.team == '{}' && attributes.k{} >= {number} && {}",
            number % 7,
            number % 3,
            rest[number as usize % 5]
        )
    };
    let mut index = filled(500, &text);
    let before = index.census();
    for number in 500..5_000 {
        index.add(number, &view(&text(number)));
    }
    assert!(index.census().entries > 9 * before.entries);
    for number in (500..5_000).rev() {
        index.remove(number);
    }
    assert_eq!(index.census(), before);
    for number in 0..500 {
        index.remove(number);
        index.remove(number);
    }
    assert_empty(&index);
}
