//! Pages of a snapshot: bounded, with each person on one page, in order.

use people_gateway::domain::{FieldsJson, Person, PersonId};
use people_gateway::protocol::format::{PAGE_BYTES, WireFormat};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::protocol::samples::{self, EVERYTHING};
use crate::protocol::wire::{event, text};

/// People whose attributes have these additional lengths in bytes.
fn people(lengths: &[usize]) -> Vec<Person> {
    let person = |(index, length): (u128, &usize)| {
        let attributes = json!({"é": "x".repeat(*length)});
        let fields = json!({
            "firstName": "A", "lastName": "L", "age": 1, "job": "", "attributes": attributes,
        });
        let fields = FieldsJson::from_stored(&fields.to_string()).unwrap();
        Person {
            id: PersonId::new(Uuid::from_u128(index)),
            fields,
            ..samples::ada()
        }
    };
    (0..).zip(lengths).map(person).collect()
}

/// The length of each page's message, and the ids on the page.
fn read(format: WireFormat, people: &[Person]) -> Vec<(usize, Vec<String>)> {
    let pages = format.pages(people, &EVERYTHING);
    let read = |page| {
        let json = if format == WireFormat::Sse {
            event(page).data
        } else {
            text(page).to_owned()
        };
        let message: Value = serde_json::from_str(&json).unwrap();
        let content = if format == WireFormat::CloudEvents {
            &message["data"]
        } else {
            &message
        };
        let people = content["people"].as_array().unwrap();
        (
            json.len(),
            people
                .iter()
                .map(|person| person["id"].as_str().unwrap().to_owned())
                .collect(),
        )
    };
    pages.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_bounded_and_hold_each_person_once_in_order(
        lengths in prop::collection::vec(0_usize..8_150, 0..60)
    ) {
        let people = people(&lengths);
        for format in [WireFormat::Json, WireFormat::CloudEvents, WireFormat::Sse] {
            let pages = read(format, &people);
            prop_assert!(!pages.is_empty());
            for (length, ids) in &pages {
                prop_assert!(
                    *length <= PAGE_BYTES || ids.len() == 1,
                    "{length} bytes with {} people",
                    ids.len()
                );
                prop_assert!(!ids.is_empty() || people.is_empty());
            }
            // No page has room for the first person of the next page.
            for (pair, next) in pages.windows(2).zip(starts(&pages)) {
                prop_assert!(pair[0].0 + 1 + EVERYTHING.to_json(&people[next]).len() > PAGE_BYTES);
            }
            let ids: Vec<String> = pages.into_iter().flat_map(|(_, ids)| ids).collect();
            let expected: Vec<String> =
                people.iter().map(|person| person.id.to_string()).collect();
            prop_assert_eq!(ids, expected);
        }
    }
}

/// The index of the first person of each page but the first.
fn starts(pages: &[(usize, Vec<String>)]) -> impl Iterator<Item = usize> {
    pages.iter().scan(0, |start, (_, ids)| {
        *start += ids.len();
        Some(*start)
    })
}

#[test]
fn a_page_is_filled_to_its_last_byte() {
    for format in [WireFormat::Json, WireFormat::CloudEvents, WireFormat::Sse] {
        // The page has the first eight people, a comma, and the last person.
        let first = [7_000; 8];
        let alone = read(format, &people(&first))[0].0;
        let fits = PAGE_BYTES - alone - 1 - EVERYTHING.to_json(&people(&[0])[0]).len();
        let lengths = |second| {
            read(format, &people(&[&first[..], &[second]].concat()))
                .into_iter()
                .map(|(length, _)| length)
        };
        assert_eq!(
            lengths(fits).collect::<Vec<_>>(),
            [PAGE_BYTES],
            "{format:?}"
        );
        assert_eq!(lengths(fits + 1).count(), 2, "{format:?}");
    }
}
