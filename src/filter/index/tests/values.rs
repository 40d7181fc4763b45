//! A search touches the views whose value, range, element, size or name the person has.

use super::{assert_touched, id, person, shared, view};
use crate::filter::Images;
use crate::filter::index::Index;

#[test]
fn an_equal_value_is_touched() {
    let person = person(30, r#"{"n":0,"t":"t0"}"#);
    // This condition makes the ten filters differ, and is no constraint of the index.
    let distinct = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!("attributes.n == {} && {}", shared(number), distinct(number))
    });
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.t == 't{}' && {}",
            shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.n in [{}, {}]",
            shared(number),
            i64::from(number) - 200_000
        )
    });
}

#[test]
fn a_range_that_holds_the_value_is_touched() {
    let person = person(30, r#"{"n":500.5,"name":"m"}"#);
    let matches = |number: u32| number < 10;
    assert_touched(&person, 0, |number| {
        let start = if matches(number) {
            number
        } else {
            1_000 + 10 * number
        };
        format!(
            "attributes.n >= {start} && attributes.n < {}",
            if matches(number) { 501 } else { start + 10 }
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "{} <= attributes.n",
            if matches(number) {
                number
            } else {
                1_000 + number
            }
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.n < {}",
            if matches(number) {
                1_000 + i64::from(number)
            } else {
                -i64::from(number)
            }
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.name > '{}{number}'",
            if matches(number) { 'a' } else { 'z' }
        )
    });
}

#[test]
fn ranges_of_whole_numbers_are_exact() {
    let mut index = Index::default();
    for (number, text) in [
        "age > 30",
        "age >= 30",
        "age < 30",
        "age <= 30",
        "age > 29 && age < 31",
        "age > 30 && age < 30",
    ]
    .iter()
    .enumerate()
    {
        index.add(u32::try_from(number).unwrap(), &view(text));
    }
    let thirty = person(30, "{}");
    let mut found = Vec::new();
    index.candidates(&Images::new(id(), None, Some(&thirty)), &mut found);
    assert_eq!(found, [1, 3, 4], "no view is found in vain");
    assert_eq!(index.census().entries, 5, "an empty range has no entry");
}

#[test]
fn an_element_and_a_key_that_are_present_are_touched() {
    let lists = person(30, r#"{"tags":["a","t0",1]}"#);
    let distinct = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&lists, 0, |number| {
        format!(
            "'t{}' in attributes.tags && {}",
            shared(number),
            distinct(number)
        )
    });
    let keys = person(30, r#"{"tags":{"a":1,"t0":2}}"#);
    assert_touched(&keys, 0, |number| {
        format!(
            "'t{}' in attributes.tags && {}",
            shared(number),
            distinct(number)
        )
    });
}

#[test]
fn an_equal_size_is_touched() {
    let person = person(30, r#"{"l":[1,2,3],"t":"äöü","o":{"a":1,"b":2,"c":3}}"#);
    let distinct = |number: u32| format!("!(job == 'x{number}')");
    for name in ["l", "t", "o"] {
        assert_touched(&person, 0, |number| {
            format!(
                "size(attributes.{name}) == {} && {}",
                3 + shared(number),
                distinct(number)
            )
        });
    }
}

#[test]
fn a_name_that_is_present_is_touched() {
    let person = person(30, r#"{"a0":1,"b":{"a0":2}}"#);
    let distinct = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.a{} != 2 && {}",
            shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "has(attributes.b.a{}) && {}",
            shared(number),
            distinct(number)
        )
    });
}
