//! A search touches as many entries among a hundred thousand views as among a thousand, and a view
//! that is removed leaves nothing behind.

mod bounds;
mod combined;
mod methods;
mod texts;
mod upkeep;
mod values;

use super::{Census, Index};
use crate::domain::{FieldsJson, PersonId};
use crate::filter::{Filter, Images, Scoped, Verdict, View};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
/// Views that match in each test: those with the lowest numbers.
const MATCHING: usize = 10;

fn view(text: &str) -> View {
    View {
        filter: Scoped::within(
            None,
            Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")),
        ),
        ..View::default()
    }
}

fn person(age: u8, attributes: &str) -> FieldsJson {
    let text = format!(
        r#"{{"firstName":"A","lastName":"B","age":{age},"job":"cook","attributes":{attributes}}}"#
    );
    FieldsJson::from_stored(&text).expect("a person")
}

fn id() -> PersonId {
    "0190f3e2-7c1b-7d9a-8f00-1234567890ab"
        .parse()
        .expect("an id")
}

/// An index of views; `text` makes a filter of a number.
fn filled(views: u32, text: &impl Fn(u32) -> String) -> Index {
    let mut index = Index::default();
    for number in 0..views {
        index.add(number, &view(&text(number)));
    }
    index
}

/// Every view was removed.
fn assert_empty(index: &Index) {
    assert_eq!(
        index.census(),
        Census {
            entries: 0,
            nodes: 3
        },
        "the three roots"
    );
}

/// Searches among few and among many views. The first `MATCHING` of them match, and the search
/// touches no other entries, except `besides` more.
fn assert_touched(person: &FieldsJson, besides: usize, text: impl Fn(u32) -> String) {
    let images = Images::new(id(), Some(person), Some(person));
    let mut nodes = Vec::new();
    for count in [FEW, MANY] {
        let index = filled(count, &text);
        let mut found = Vec::new();
        let cost = index.candidates(&images, &mut found);
        assert_eq!(
            cost.entries,
            MATCHING + besides,
            "entries among {count}: {}",
            text(0)
        );
        found.retain(|number| view(&text(*number)).verdict(&images) != Verdict::Outside);
        assert_eq!(
            found,
            (0..10).collect::<Vec<_>>(),
            "among {count}: {}",
            text(0)
        );
        nodes.push(cost.nodes);
    }
    // A tree of a hundred times as many entries has at most seven levels more, and each match may
    // lie on a path of its own.
    assert!(
        nodes[1] <= nodes[0] + 10 * (MATCHING + 1),
        "nodes touched: {nodes:?}, {}",
        text(0)
    );
}

/// 0 for the first ten views, and a number of its own for every other.
fn shared(number: u32) -> u32 {
    number.saturating_sub(9)
}
