//! The parser with any text: it returns a filter or an error with little stack, and a filter keeps
//! its meaning when its text is parsed again.

use std::hash::{DefaultHasher, Hash, Hasher};

use people_gateway::filter::{Filter, Function, Method};
use proptest::prelude::*;
use proptest::sample::select;

use crate::filters::people::{any_person, expression};

/// Pieces of filters other than calls, and pieces that are in no valid filter.
const PIECES: [&str; 45] = [
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

/// `PIECES`, and the start of a call of each method and function.
fn pieces() -> Vec<String> {
    let methods = Method::ALL.iter().map(|method| match method.arity() {
        0 => format!(".{}()", method.name()),
        _ => format!(".{}(\"", method.name()),
    });
    let functions = Function::ALL
        .iter()
        .map(|function| format!("{}(", function.name()));
    let others = PIECES.iter().map(|piece| (*piece).to_owned());
    others.chain(methods).chain(functions).collect()
}

fn text() -> impl Strategy<Value = String> {
    let piece = || select(pieces());
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(piece(), 0..20).prop_map(|pieces| pieces.join(" ")),
        // A filter with a piece inserted, removed or replaced.
        (
            expression(),
            any::<prop::sample::Index>(),
            piece(),
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
    fn any_text_is_a_filter_or_an_error_at_a_position_in_the_text(
        text in text(),
        person in any_person(),
    ) {
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
    fn the_text_of_a_filter_parses_to_an_equal_filter(expression in expression()) {
        let filter = Filter::parse(&expression.text()).expect("a filter");
        let again = Filter::parse(&filter.to_string()).expect("the text of a filter");
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(hash(&again), hash(&filter));
    }

    #[test]
    fn equal_filters_select_the_same_people(
        one in expression(),
        other in expression(),
        person in any_person(),
    ) {
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
