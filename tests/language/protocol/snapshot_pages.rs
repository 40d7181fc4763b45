//! Pages of a snapshot: bounded, and everyone in them once, in order.

use people_gateway::domain::{FieldsJson, Person, PersonId};
use people_gateway::protocol::format::{PAGE_BYTES, WireFormat};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::protocol::samples;
use crate::protocol::wire::{event, text};

/// People whose attributes differ in length by just so many bytes.
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

/// The ids on each page, and how long its message is.
fn read(format: WireFormat, people: &[Person]) -> Vec<(usize, Vec<String>)> {
    let pages = format.pages(people);
    let read = |page| {
        let said = if format == WireFormat::Sse {
            event(page).data
        } else {
            text(page).to_owned()
        };
        let message: Value = serde_json::from_str(&said).unwrap();
        let content = if format == WireFormat::CloudEvents {
            &message["data"]
        } else {
            &message
        };
        let people = content["people"].as_array().unwrap();
        (
            said.len(),
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
    fn a_page_is_bounded_and_everyone_is_on_one_page_in_order(
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
            // No page could have taken the first person of the next: pages are not smaller than
            // they need to be.
            for (pair, next) in pages.windows(2).zip(starts(&pages)) {
                prop_assert!(pair[0].0 + 1 + people[next].to_json().len() > PAGE_BYTES);
            }
            let ids: Vec<String> = pages.into_iter().flat_map(|(_, ids)| ids).collect();
            let expected: Vec<String> =
                people.iter().map(|person| person.id.to_string()).collect();
            prop_assert_eq!(ids, expected);
        }
    }
}

/// Where each page but the first begins in the list of people.
fn starts(pages: &[(usize, Vec<String>)]) -> impl Iterator<Item = usize> {
    pages.iter().scan(0, |start, (_, ids)| {
        *start += ids.len();
        Some(*start)
    })
}

#[test]
fn a_page_takes_a_person_who_fits_to_the_byte_and_no_byte_more() {
    for format in [WireFormat::Json, WireFormat::CloudEvents, WireFormat::Sse] {
        // All on one page: the first ones as if alone, a comma, and the last.
        let first = [7_000; 8];
        let alone = read(format, &people(&first))[0].0;
        let fits = PAGE_BYTES - alone - 1 - people(&[0])[0].to_json().len();
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
