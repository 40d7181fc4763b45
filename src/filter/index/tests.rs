//! What a search touches: as many entries among a hundred thousand views as among a thousand; and what is left of views
//! that are gone.

use super::{Census, Index, Looked};
use crate::domain::{FieldsJson, PersonId};
use crate::filter::{Filter, Images, Verdict, View};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
/// The views that match, in each of the tests below; all others don't.
const MATCHING: usize = 10;

pub(super) fn view(text: &str) -> View {
    View { filter: Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")), ..View::default() }
}

pub(super) fn person(age: u8, attributes: &str) -> FieldsJson {
    let text = format!(r#"{{"firstName":"A","lastName":"B","age":{age},"job":"cook","attributes":{attributes}}}"#);
    FieldsJson::from_stored(&text).expect("a person")
}

pub(super) fn id() -> PersonId {
    "0190f3e2-7c1b-7d9a-8f00-1234567890ab".parse().expect("an id")
}

/// Views with the filters that `text` gives their numbers.
fn filled(views: u32, text: &impl Fn(u32) -> String) -> Index {
    let mut index = Index::default();
    for number in 0..views {
        index.add(number, &view(&text(number)));
    }
    index
}

/// Searches among few and among many views with such filters; those below `MATCHING` match, and all that is touched
/// besides is `besides`.
fn assert_touched(person: &FieldsJson, besides: usize, text: impl Fn(u32) -> String) {
    let images = Images::new(id(), Some(person), Some(person));
    let mut steps = Vec::new();
    for count in [FEW, MANY] {
        let index = filled(count, &text);
        let mut found = Vec::new();
        let looked = index.candidates(&images, &mut found);
        assert_eq!(looked.entries, MATCHING + besides, "entries among {count}: {}", text(0));
        found.retain(|number| view(&text(*number)).verdict(&images) != Verdict::Outside);
        assert_eq!(found, (0..10).collect::<Vec<_>>(), "among {count}: {}", text(0));
        steps.push(looked.nodes);
    }
    // A tree over a hundred times as many is seven levels higher; each match may lie on a way of its own.
    assert!(steps[1] <= steps[0] + 10 * (MATCHING + 1), "places looked at: {steps:?}, {}", text(0));
}

/// Ten views share the number 0, all others have one of their own.
fn shared(number: u32) -> u32 {
    number.saturating_sub(9)
}

#[test]
fn equality_touches_who_asks_for_the_value() {
    let person = person(30, r#"{"n":0,"t":"t0"}"#);
    // What sets the ten apart, for equal views are one class, says nothing to the index.
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| format!("attributes.n == {} && {}", shared(number), apart(number)));
    assert_touched(&person, 0, |number| format!("attributes.t == 't{}' && {}", shared(number), apart(number)));
    assert_touched(&person, 0, |number| {
        format!("attributes.n in [{}, {}]", shared(number), i64::from(number) - 200_000)
    });
}

#[test]
fn a_conjunction_touches_who_asks_for_all_of_it() {
    let person = person(30, r#"{"team":"red","city":"c0","n":500}"#);
    assert_touched(&person, 0, |number| {
        format!("attributes.team == 'red' && attributes.city == 'c{}' && age > {}", shared(number), number % 10)
    });
    // The other way round, and with a range below: all ask for the same city, each for a range of its own.
    assert_touched(&person, 0, |number| {
        let from = if number < 10 { 400 + number } else { 1_000 + number };
        format!("attributes.n >= {from} && attributes.city == 'c0'")
    });
    // Those of other teams are not touched, whatever their ranges.
    assert_touched(&person, 0, |number| {
        let team = if number < 10 { "red".to_owned() } else { format!("t{number}") };
        format!("attributes.team == '{team}' && attributes.n >= {}", number % 100)
    });
}

#[test]
fn ranges_touch_who_asks_for_one_that_holds_the_value() {
    let person = person(30, r#"{"n":500.5,"name":"m"}"#);
    let matches = |number: u32| number < 10;
    assert_touched(&person, 0, |number| {
        let start = if matches(number) { number } else { 1_000 + 10 * number };
        format!("attributes.n >= {start} && attributes.n < {}", if matches(number) { 501 } else { start + 10 })
    });
    assert_touched(&person, 0, |number| {
        format!("{} <= attributes.n", if matches(number) { number } else { 1_000 + number })
    });
    assert_touched(&person, 0, |number| {
        format!("attributes.n < {}", if matches(number) { 1_000 + i64::from(number) } else { -i64::from(number) })
    });
    assert_touched(&person, 0, |number| {
        format!("attributes.name > '{}{number}'", if matches(number) { 'a' } else { 'z' })
    });
}

#[test]
fn the_ends_of_ranges_are_as_exact_as_whole_numbers() {
    let mut index = Index::default();
    for (number, text) in
        ["age > 30", "age >= 30", "age < 30", "age <= 30", "age > 29 && age < 31", "age > 30 && age < 30"]
            .iter()
            .enumerate()
    {
        index.add(u32::try_from(number).unwrap(), &view(text));
    }
    let thirty = person(30, "{}");
    let mut found = Vec::new();
    index.candidates(&Images::new(id(), None, Some(&thirty)), &mut found);
    assert_eq!(found, [1, 3, 4], "what is touched in vain is judged in vain");
    assert_eq!(index.census().entries, 5, "a range that holds nothing is nowhere");
}

#[test]
fn prefixes_touch_who_asks_for_one_of_the_value() {
    let person = person(30, r#"{"code":"0123456789"}"#);
    assert_touched(&person, 0, |number| {
        let prefix = if number < 10 { "0123456789"[..=number as usize].to_owned() } else { format!("1{number}") };
        format!("attributes.code.startsWith('{prefix}')")
    });
}

#[test]
fn a_text_is_found_by_each_of_its_beginnings_whatever_their_length() {
    let text = "0123456789abcdefghijklmnopqrstuvwxyzäöü€";
    let beginnings: Vec<&str> = (0..=text.len()).filter_map(|end| text.get(..end)).collect();
    let mut index = Index::default();
    let mut add = |number: usize, filter: &str| index.add(u32::try_from(number).unwrap(), &view(filter));
    for (number, beginning) in beginnings.iter().enumerate() {
        add(number, &format!("attributes.x.startsWith('{beginning}')"));
        // Others as long as the next, and longer than all.
        add(100 + number, &format!("attributes.x.startsWith('{beginning}?')"));
        add(200 + number, &format!("attributes.x.startsWith('{text}{beginning}!')"));
    }
    // Of two beginnings the longer says all, in either order.
    add(300, "attributes.x.startsWith('0') && attributes.x.startsWith('012')");
    add(301, "attributes.x.startsWith('012') && attributes.x.startsWith('0')");
    add(302, "attributes.x.startsWith('01x') && attributes.x.startsWith('0')");
    add(303, "attributes.x.startsWith('0') && attributes.x.startsWith('01x')");
    let person = person(30, &format!(r#"{{"x":"{text}"}}"#));
    let mut found = Vec::new();
    let looked = index.candidates(&Images::new(id(), None, Some(&person)), &mut found);
    let expected: Vec<u32> = (0..).take(beginnings.len()).chain([300, 301]).collect();
    assert_eq!((found, looked.entries), (expected.clone(), expected.len()));
    for number in 0..400 {
        index.remove(number);
    }
    assert_eq!(index.census(), Census { entries: 0, nodes: 3 }, "the three roots");
}

#[test]
fn alternatives_touch_who_asks_for_one_that_holds() {
    let person = person(30, r#"{"n":0,"m":0}"#);
    assert_touched(&person, 0, |number| {
        let (n, m) = if number < 5 { (0, number + 1) } else { (number + 1, shared(number)) };
        format!("attributes.n == {n} || attributes.m == {m} || attributes.other == {number}")
    });
    // Both alternatives of one view hold: it is touched twice, and named once.
    assert_touched(&person, MATCHING, |number| {
        let apart = format!("!(job == 'x{number}')");
        format!("{apart} && (attributes.n == {} || attributes.m == {})", shared(number), shared(number))
    });
}

#[test]
fn elements_and_keys_touch_who_asks_for_one() {
    let lists = person(30, r#"{"tags":["a","t0",1]}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&lists, 0, |number| format!("'t{}' in attributes.tags && {}", shared(number), apart(number)));
    let keys = person(30, r#"{"tags":{"a":1,"t0":2}}"#);
    assert_touched(&keys, 0, |number| format!("'t{}' in attributes.tags && {}", shared(number), apart(number)));
}

#[test]
fn ends_and_parts_of_texts_touch_who_asks_for_one() {
    let person = person(30, r#"{"code":"the quick brown fox 0.","mail":"a0@example.com"}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| {
        format!("attributes.code.endsWith(' {}.') && {}", shared(number), apart(number))
    });
    assert_touched(&person, 0, |number| {
        format!("attributes.code.contains('brown fox {}.') && {}", shared(number), apart(number))
    });
    assert_touched(&person, 0, |number| {
        let pattern = format!("^[a-z]{}@example", shared(number));
        format!("attributes.mail.matches('{pattern}') && {}", apart(number))
    });
    // 64 in each view.
    assert_touched(&person, 0, |number| {
        let others = (0..62).map(|other| format!("attributes.code.contains('{number} and {other}')"));
        let all: Vec<_> = others.chain([format!("attributes.code.endsWith('fox {}.')", shared(number))]).collect();
        format!("({}) && {}", all[if number < 10 { 0 } else { 60 }..].join(" || "), apart(number))
    });
}

#[test]
fn sizes_touch_who_asks_for_one_that_is_there() {
    let person = person(30, r#"{"l":[1,2,3],"t":"äöü","o":{"a":1,"b":2,"c":3}}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    for name in ["l", "t", "o"] {
        assert_touched(&person, 0, |number| {
            format!("size(attributes.{name}) == {} && {}", 3 + shared(number), apart(number))
        });
    }
}

#[test]
fn opposites_touch_who_asks_for_what_is_left() {
    let person = person(30, r#"{"n":0}"#);
    let apart = |number: u32| format!("job != 'x{number}'");
    assert_touched(&person, 0, |number| format!("!(age != {} || !({}))", 30 + shared(number), apart(number)));
    assert_touched(&person, 0, |number| {
        format!("!!(attributes.n == {}) && !(age < 18) && {}", shared(number), apart(number))
    });
    assert_touched(&person, 0, |number| format!("!(age < {} || age > 200) && {}", shared(number) + 30, apart(number)));
}

#[test]
fn of_several_choices_one_is_taken_apart_and_the_others_say_where_their_values_lie() {
    let person = person(30, r#"{"a":1,"b":5,"c":"m5"}"#);
    let low = |number: u32| if number < 10 { 0 } else { 10 * number };
    assert_touched(&person, 0, |number| {
        let low = low(number);
        format!("attributes.a in [1, 2] && attributes.b in [{low}, {}, {}.{number}1]", low + 5, low + 9)
    });
    assert_touched(&person, 0, |number| {
        let low = low(number);
        let others = format!("attributes.b == {low} || attributes.b == {}.{number}1", low + 9);
        format!("attributes.a in [1, 2] && ({others} || attributes.b == {})", low + 5)
    });
    assert_touched(&person, 0, |number| {
        let name = if number < 10 { "m".to_owned() } else { format!("n{number}") };
        format!("attributes.a in [1, 2] && attributes.c in ['{name}5', '{name}', '{name}9{number}']")
    });
}

#[test]
fn names_of_attributes_touch_who_asks_for_one_that_is_there() {
    let person = person(30, r#"{"a0":1,"b":{"a0":2}}"#);
    let apart = |number: u32| format!("!(job == 'x{number}')");
    assert_touched(&person, 0, |number| format!("attributes.a{} != 2 && {}", shared(number), apart(number)));
    assert_touched(&person, 0, |number| format!("has(attributes.b.a{}) && {}", shared(number), apart(number)));
}

#[test]
fn each_name_finds_who_asks_for_it_however_many_come_and_go() {
    // More than a list holds, and texts longer than a place keeps beside it.
    let name =
        |number: u32| format!("{}{number}", if number.is_multiple_of(2) { "n" } else { "a_name_of_many_letters_" });
    let members: Vec<String> = (0..20).map(|number| format!(r#""{}":{number}"#, name(number))).collect();
    let (all, one) = (person(30, &format!("{{{}}}", members.join(","))), person(30, &format!("{{{}}}", members[3])));
    let mut index = Index::default();
    let assert_found = |index: &Index, there: std::ops::Range<u32>| {
        let mut found = Vec::new();
        index.candidates(&Images::new(id(), Some(&all), Some(&all)), &mut found);
        assert_eq!(found, there.clone().collect::<Vec<_>>());
        index.candidates(&Images::new(id(), Some(&one), None), &mut found);
        assert_eq!(found, there.filter(|number| *number == 3).collect::<Vec<_>>());
    };
    for number in 0..20 {
        index.add(number, &view(&format!("attributes.{} == {number}", name(number))));
        assert_found(&index, 0..number + 1);
    }
    for number in 0..20 {
        index.remove(number);
        assert_found(&index, number + 1..20);
    }
    assert_eq!(index.census(), Census { entries: 0, nodes: 3 }, "the three roots");
}

#[test]
fn what_did_not_change_is_looked_up_once() {
    let index = filled(FEW, &|number| format!("attributes.n == {number}"));
    let (before, after) = (person(30, r#"{"n":7}"#), person(31, r#"{"n":7}"#));
    let mut found = Vec::new();
    let looked =
        |before, after, found: &mut Vec<u32>| index.candidates(&Images::new(id(), before, after), found).entries;
    assert_eq!((looked(Some(&before), Some(&after), &mut found), &found[..]), (1, &[7][..]));
    let moved = person(31, r#"{"n":8}"#);
    assert_eq!((looked(Some(&before), Some(&moved), &mut found), &found[..]), (2, &[7, 8][..]));
    assert_eq!(looked(None, None, &mut found), 0);
    // What hangs below a value that stayed is asked of both images.
    let index = filled(FEW, &|number| format!("firstName == 'A' && age == {}", number % 100));
    let grown = person(31, r#"{"n":7}"#);
    index.candidates(&Images::new(id(), Some(&before), Some(&grown)), &mut found);
    assert_eq!((found.len(), found[0], found[1]), (20, 30, 31));
}

#[test]
fn what_says_nothing_to_the_index_is_always_touched() {
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
    let looked = index.candidates(&Images::new(id(), None, Some(&person(1, "{}"))), &mut found);
    assert_eq!(looked, Looked { entries: texts.len(), nodes: 2 }, "each once");
    let nobodys = ["false", "attributes.x in []", "attributes.x < null", "false && age == 1", "!(true || age == 1)"];
    for (number, text) in nobodys.iter().enumerate() {
        index.add(u32::try_from(number).unwrap(), &view(text));
    }
    assert_eq!(index.census().entries, texts.len() - nobodys.len(), "who can match nobody is nowhere");
}

#[test]
fn an_index_is_what_is_in_it_whatever_was() {
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
    assert_eq!(index.census(), Census { entries: 0, nodes: 3 }, "the three roots");
}
