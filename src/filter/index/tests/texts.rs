//! A search touches the views whose prefix, suffix, part or pattern fits the text.

use super::{assert_empty, assert_touched, id, person, shared, view};
use crate::filter::Images;
use crate::filter::index::Index;

#[test]
fn a_prefix_of_the_value_is_touched() {
    let person = person(30, r#"{"code":"0123456789"}"#);
    assert_touched(&person, 0, |number| {
        let prefix = if number < 10 {
            "0123456789"[..=number as usize].to_owned()
        } else {
            format!("1{number}")
        };
        format!("attributes.code.startsWith('{prefix}')")
    });
}

#[test]
fn every_prefix_of_a_text_is_found_whatever_its_length() {
    let text = "0123456789abcdefghijklmnopqrstuvwxyzäöü€";
    let prefixes: Vec<&str> = (0..=text.len()).filter_map(|end| text.get(..end)).collect();
    let mut index = Index::default();
    let mut add =
        |number: usize, filter: &str| index.add(u32::try_from(number).unwrap(), &view(filter));
    for (number, prefix) in prefixes.iter().enumerate() {
        add(number, &format!("attributes.x.startsWith('{prefix}')"));
        // Prefixes as long as the next one, and longer ones than the text.
        add(
            100 + number,
            &format!("attributes.x.startsWith('{prefix}?')"),
        );
        add(
            200 + number,
            &format!("attributes.x.startsWith('{text}{prefix}!')"),
        );
    }
    // Of two prefixes the longer one implies the other, in either order.
    add(
        300,
        "attributes.x.startsWith('0') && attributes.x.startsWith('012')",
    );
    add(
        301,
        "attributes.x.startsWith('012') && attributes.x.startsWith('0')",
    );
    add(
        302,
        "attributes.x.startsWith('01x') && attributes.x.startsWith('0')",
    );
    add(
        303,
        "attributes.x.startsWith('0') && attributes.x.startsWith('01x')",
    );
    let person = person(30, &format!(r#"{{"x":"{text}"}}"#));
    let mut found = Vec::new();
    let cost = index.candidates(&Images::new(id(), None, Some(&person)), &mut found);
    let expected: Vec<u32> = (0..).take(prefixes.len()).chain([300, 301]).collect();
    assert_eq!((found, cost.entries), (expected.clone(), expected.len()));
    for number in 0..400 {
        index.remove(number);
    }
    assert_empty(&index);
}

#[test]
fn a_suffix_a_part_and_a_pattern_of_the_value_are_touched() {
    let person = person(
        30,
        r#"{"code":"the quick brown fox 0.","mail":"a0@example.com"}"#,
    );
    let distinct = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.code.endsWith(' {}.') && {}",
            shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.code.contains('brown fox {}.') && {}",
            shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        let pattern = format!("^[a-z]{}@example", shared(number));
        format!(
            "attributes.mail.matches('{pattern}') && {}",
            distinct(number)
        )
    });
    // 64 conditions in each view.
    assert_touched(&person, 0, |number| {
        let others =
            (0..62).map(|other| format!("attributes.code.contains('{number} and {other}')"));
        let all: Vec<_> = others
            .chain([format!(
                "attributes.code.endsWith('fox {}.')",
                shared(number)
            )])
            .collect();
        format!(
            "({}) && {}",
            all[if number < 10 { 0 } else { 60 }..].join(" || "),
            distinct(number)
        )
    });
}
