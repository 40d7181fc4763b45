//! A search touches the views that ask for a value, an element, a size or a name that is there, and
//! those whose range holds the value.

use super::{assert_touched, id, person, shared, view};
use crate::filter::Images;
use crate::filter::index::Index;

#[test]
fn equality_touches_who_asks_for_the_value() {
    let person = person(30, r#"{"n":0,"t":"t0"}"#);
    // What sets the ten apart, for equal views are one class, says nothing to the index.
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!("attributes.n == {} && {}", shared(number), apart(number))
    });
    assert_touched(&person, 0, |number| {
        format!("attributes.t == 't{}' && {}", shared(number), apart(number))
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
fn ranges_touch_who_asks_for_one_that_holds_the_value() {
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
fn the_ends_of_ranges_are_as_exact_as_whole_numbers() {
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
    assert_eq!(
        found,
        [1, 3, 4],
        "what is touched in vain is judged in vain"
    );
    assert_eq!(
        index.census().entries,
        5,
        "a range that holds nothing is nowhere"
    );
}

#[test]
fn elements_and_keys_touch_who_asks_for_one() {
    let lists = person(30, r#"{"tags":["a","t0",1]}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&lists, 0, |number| {
        format!(
            "'t{}' in attributes.tags && {}",
            shared(number),
            apart(number)
        )
    });
    let keys = person(30, r#"{"tags":{"a":1,"t0":2}}"#);
    assert_touched(&keys, 0, |number| {
        format!(
            "'t{}' in attributes.tags && {}",
            shared(number),
            apart(number)
        )
    });
}

#[test]
fn sizes_touch_who_asks_for_one_that_is_there() {
    let person = person(30, r#"{"l":[1,2,3],"t":"äöü","o":{"a":1,"b":2,"c":3}}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    for name in ["l", "t", "o"] {
        assert_touched(&person, 0, |number| {
            format!(
                "size(attributes.{name}) == {} && {}",
                3 + shared(number),
                apart(number)
            )
        });
    }
}

#[test]
fn names_of_attributes_touch_who_asks_for_one_that_is_there() {
    let person = person(30, r#"{"a0":1,"b":{"a0":2}}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!("attributes.a{} != 2 && {}", shared(number), apart(number))
    });
    assert_touched(&person, 0, |number| {
        format!("has(attributes.b.a{}) && {}", shared(number), apart(number))
    });
}
