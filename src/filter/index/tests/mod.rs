//! A search touches as many entries among a hundred thousand views as among a thousand, and nothing
//! is left of views that are gone.

mod bounds;
mod combined;
mod texts;
mod upkeep;
mod values;

use super::Index;
use crate::domain::{FieldsJson, PersonId};
use crate::filter::{Filter, Images, Verdict, View};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
/// The views that match, in each of the tests below; all others don't.
const MATCHING: usize = 10;

fn view(text: &str) -> View {
    View {
        filter: Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")),
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

/// Views with the filters that `text` gives their numbers.
fn filled(views: u32, text: &impl Fn(u32) -> String) -> Index {
    let mut index = Index::default();
    for number in 0..views {
        index.add(number, &view(&text(number)));
    }
    index
}

/// Searches among few and among many views with such filters; those below `MATCHING` match, and all
/// that is touched besides is `besides`.
fn assert_touched(person: &FieldsJson, besides: usize, text: impl Fn(u32) -> String) {
    let images = Images::new(id(), Some(person), Some(person));
    let mut steps = Vec::new();
    for count in [FEW, MANY] {
        let index = filled(count, &text);
        let mut found = Vec::new();
        let looked = index.candidates(&images, &mut found);
        assert_eq!(
            looked.entries,
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
        steps.push(looked.nodes);
    }
    // A tree over a hundred times as many is seven levels higher; each match may lie on a way of
    // its own.
    assert!(
        steps[1] <= steps[0] + 10 * (MATCHING + 1),
        "places looked at: {steps:?}, {}",
        text(0)
    );
}

/// Ten views share the number 0, all others have one of their own.
fn shared(number: u32) -> u32 {
    number.saturating_sub(9)
}
