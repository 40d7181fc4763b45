//! A search touches the views whose combined conditions hold: conjunctions, alternatives,
//! negations, and conjunctions of alternatives.

use super::{MATCHING, assert_touched, person, shared};

#[test]
fn a_conjunction_is_touched_if_all_its_parts_hold() {
    let person = person(30, r#"{"team":"red","city":"c0","n":500}"#);
    assert_touched(&person, 0, |number| {
        format!(
            "attributes.team == 'red' && attributes.city == 'c{}' && age > {}",
            shared(number),
            number % 10
        )
    });
    // The most selective condition last: all views have the same city, and each a range of its own.
    assert_touched(&person, 0, |number| {
        let from = if number < 10 {
            400 + number
        } else {
            1_000 + number
        };
        format!("attributes.n >= {from} && attributes.city == 'c0'")
    });
    // Views of other teams are not touched, for any range.
    assert_touched(&person, 0, |number| {
        let team = if number < 10 {
            "red".to_owned()
        } else {
            format!("t{number}")
        };
        format!(
            "attributes.team == '{team}' && attributes.n >= {}",
            number % 100
        )
    });
}

#[test]
fn an_alternative_is_touched_if_one_of_its_parts_holds() {
    let person = person(30, r#"{"n":0,"m":0}"#);
    assert_touched(&person, 0, |number| {
        let (n, m) = if number < 5 {
            (0, number + 1)
        } else {
            (number + 1, shared(number))
        };
        format!("attributes.n == {n} || attributes.m == {m} || attributes.other == {number}")
    });
    // Both alternatives of one view hold: the search touches two entries, and finds one view.
    assert_touched(&person, MATCHING, |number| {
        let distinct = format!("!(job == 'x{number}')");
        format!(
            "{distinct} && (attributes.n == {} || attributes.m == {})",
            shared(number),
            shared(number)
        )
    });
}

#[test]
fn the_negation_of_a_comparison_is_touched_if_it_holds() {
    let person = person(30, r#"{"n":0}"#);
    let distinct = |number: u32| format!("job != 'x{number}'");
    assert_touched(&person, 0, |number| {
        format!(
            "!(age != {} || !({}))",
            30 + shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "!!(attributes.n == {}) && !(age < 18) && {}",
            shared(number),
            distinct(number)
        )
    });
    assert_touched(&person, 0, |number| {
        format!(
            "!(age < {} || age > 200) && {}",
            shared(number) + 30,
            distinct(number)
        )
    });
}

#[test]
fn a_conjunction_of_lists_is_found_by_one_list_and_by_the_ranges_that_span_the_others() {
    let person = person(30, r#"{"a":1,"b":5,"c":"m5"}"#);
    let low = |number: u32| if number < 10 { 0 } else { 10 * number };
    assert_touched(&person, 0, |number| {
        let low = low(number);
        format!(
            "attributes.a in [1, 2] && attributes.b in [{low}, {}, {}.{number}1]",
            low + 5,
            low + 9
        )
    });
    assert_touched(&person, 0, |number| {
        let low = low(number);
        let others = format!(
            "attributes.b == {low} || attributes.b == {}.{number}1",
            low + 9
        );
        format!(
            "attributes.a in [1, 2] && ({others} || attributes.b == {})",
            low + 5
        )
    });
    assert_touched(&person, 0, |number| {
        let name = if number < 10 {
            "m".to_owned()
        } else {
            format!("n{number}")
        };
        format!(
            "attributes.a in [1, 2] && attributes.c in ['{name}5', '{name}', '{name}9{number}']"
        )
    });
}
