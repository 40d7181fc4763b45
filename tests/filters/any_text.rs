//! The parser against any text: it answers, in little space and time, and what it takes means the
//! same when it is read again.

use std::hash::{DefaultHasher, Hash, Hasher};

use people_gateway::filter::Filter;
use proptest::prelude::*;
use proptest::sample::select;

use crate::people::{expression, someone};

/// Pieces that filters are made of, and some that they are not.
const PIECES: [&str; 49] = [
    "age",
    "id",
    "firstName",
    "attributes",
    ".x",
    "[\"any name\"]",
    "[",
    "]",
    "(",
    ")",
    "!",
    "-",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    ">=",
    "in",
    "has(",
    "size(",
    ".size()",
    ".matches(\"",
    "\"",
    "'",
    "'''",
    "r'",
    "b\"",
    "\\",
    "\\u00",
    "\\x4",
    "1",
    "0x",
    "1e",
    ".5",
    "1e999",
    "99999999999999999999",
    "u",
    "true",
    "null",
    ",",
    "//",
    "\n",
    " ",
    "é",
    "😀",
    "?",
    "\u{0}",
    "a{999}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::collection::vec(select(&PIECES[..]), 0..40).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(select(&PIECES[..]), 0..20).prop_map(|pieces| pieces.join(" ")),
        // A filter with a piece of it missing, doubled or replaced.
        (
            expression(),
            any::<prop::sample::Index>(),
            select(&PIECES[..]),
            0_usize..3
        )
            .prop_map(|(expression, at, piece, cut)| {
                let text: Vec<char> = expression.text().chars().collect();
                let at = at.index(text.len() + 1);
                let rest = (at + cut).min(text.len());
                [
                    &text[..at],
                    &piece.chars().collect::<Vec<_>>(),
                    &text[rest..],
                ]
                .concat()
                .into_iter()
                .collect()
            }),
    ]
}

fn hash(filter: &Filter) -> u64 {
    let mut hasher = DefaultHasher::new();
    filter.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn any_text_is_a_filter_or_refused_at_a_place_inside_it(text in text(), person in someone()) {
        match Filter::parse(&text) {
            Ok(filter) => {
                filter.matches(person.id, &person.json());
                prop_assert_eq!(filter.text(), &text);
            }
            Err(error) => {
                prop_assert!(error.offset + error.length <= text.chars().count(), "{error:?}");
                prop_assert!(error.detail.ends_with('.'), "{error:?}");
                prop_assert!(error.detail.chars().count() < 400, "{error:?}");
                prop_assert!(!error.detail.contains('\n'), "{error:?}");
            }
        }
    }

    #[test]
    fn a_filters_text_reads_back_to_an_equal_one(expression in expression()) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let again = Filter::parse(&filter.to_string()).expect("its own text");
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(hash(&again), hash(&filter));
    }

    #[test]
    fn equal_filters_say_the_same(one in expression(), other in expression(), person in someone()) {
        let filters = [one, other]
            .map(|expression| Filter::parse(&expression.text()).expect("a filter"));
        if filters[0] == filters[1] {
            prop_assert_eq!(hash(&filters[0]), hash(&filters[1]));
            prop_assert_eq!(
                filters[0].matches(person.id, &person.json()),
                filters[1].matches(person.id, &person.json())
            );
        }
    }
}

#[test]
fn deep_and_long_texts_need_little_stack() {
    let parse = || {
        for piece in [
            "(",
            "!",
            "[",
            "-",
            "!(",
            "(!",
            "((true||",
            "(age<1&&(",
            "attributes.x",
            "[\"a\"]",
            "size(",
            "has(",
            "''",
            "a.",
            "1,",
            "\\",
            "age in [",
            "//",
        ] {
            for count in [9, 79, 80, 81, 16_384 / piece.len()] {
                let open = piece.repeat(count);
                for text in [
                    open.clone(),
                    format!("{open}true"),
                    format!("{open}true{}", ")".repeat(count)),
                    format!("attributes{open}"),
                ] {
                    drop(Filter::parse(&text));
                }
            }
        }
        let mut text = "age == 1".to_owned();
        for number in 2..=64 {
            text = format!("({text} && age == {number})");
        }
        assert!(
            Filter::parse(&text).is_ok(),
            "parentheses around each pair of a chain"
        );
    };
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(parse)
        .expect("a thread")
        .join()
        .expect("no panic");
}
