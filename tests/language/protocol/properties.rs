//! Properties for any person and any text: JSON parses back to the same value, and the data of an
//! event is one line.

use bytes::Bytes;
use people_gateway::domain::{Change, FieldsJson};
use people_gateway::filter::Verdict;
use people_gateway::protocol::format::WireFormat;
use people_gateway::protocol::message::{Composed, Message};
use people_gateway::protocol::problem::{Problem, ProblemKind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::protocol::samples::{self, EVERYTHING};
use crate::protocol::wire::{event, events, text};

/// Texts with characters that JSON, WebSocket or event streams treat specially.
fn awkward() -> impl Strategy<Value = String> {
    let hard = "[\"\\\\/\u{0}-\u{1f}\u{7f}\u{85}\u{2028}\u{2029}\u{feff}\u{fffd}😀:\r\n]{0,30}";
    prop_oneof![
        any::<String>(),
        hard,
        Just("\r\n\r\ndata: x\n\nid: y".to_owned())
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no NaN", |float| float.is_finite())
            .prop_map(Value::from),
        awkward().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((awkward(), inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The members that a user sends, as compact or as pretty JSON, because a store may hold either.
fn fields() -> impl Strategy<Value = (Value, String)> {
    let name = || {
        awkward().prop_map(|text| {
            if text.is_empty() {
                "N".to_owned()
            } else {
                text
            }
        })
    };
    let members = (
        name(),
        name(),
        0_u8..151,
        awkward(),
        prop::option::of(value()),
        any::<bool>(),
    );
    members.prop_map(|(first, last, age, job, attribute, pretty)| {
        let mut fields = json!({"firstName": first, "lastName": last, "age": age, "job": job});
        if let Some(value) = attribute {
            fields["attributes"] = json!({"x": value});
        }
        let text = if pretty {
            serde_json::to_string_pretty(&fields)
        } else {
            serde_json::to_string(&fields)
        };
        (fields, text.unwrap())
    })
}

fn change(fields: &str) -> Change {
    let fields = Some(FieldsJson::from_stored(fields).unwrap());
    Change {
        before: fields.clone(),
        after: fields,
        ..samples::change(Verdict::Update)
    }
}

/// A person's JSON object without the members that the gateway adds.
fn user_part(person: &Value) -> Value {
    let mut person = person.clone();
    for added in ["id", "revision", "createdAt", "updatedAt"] {
        assert!(
            person
                .as_object_mut()
                .unwrap()
                .shift_remove(added)
                .is_some(),
            "{added}"
        );
    }
    person
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

proptest! {
    #[test]
    fn any_person_is_read_back_from_every_format((fields, stored) in fields()) {
        let change = change(&stored);
        let cursor = samples::cursor();
        let sent = |format: WireFormat| {
            let frame = format.change(Verdict::Update, &change, Some(&cursor), &EVERYTHING);
            frame.unwrap()
        };
        prop_assert_eq!(&user_part(&parse(text(&sent(WireFormat::Json)))["person"]), &fields);
        prop_assert_eq!(&user_part(&parse(text(&sent(WireFormat::CloudEvents)))["data"]), &fields);
        prop_assert_eq!(&user_part(&parse(&event(&sent(WireFormat::Sse)).data)["person"]), &fields);
    }

    #[test]
    fn any_person_in_a_page_or_a_batch_is_read_back((fields, stored) in fields()) {
        let person = change(&stored).person().unwrap();
        let changes = [Composed::Shown(Verdict::Update, person.clone())];
        let batch = Message::Batch { cursor: &samples::cursor(), changes: &changes };
        for format in [WireFormat::Json, WireFormat::Sse] {
            let read = |frame: &Bytes| match format {
                WireFormat::Sse => parse(&event(frame).data),
                _ => parse(text(frame)),
            };
            let page = read(&format.pages(std::slice::from_ref(&person), &EVERYTHING)[0]);
            let batch = read(&format.message(&batch, &EVERYTHING).unwrap());
            prop_assert_eq!(&user_part(&page["people"][0]), &fields);
            prop_assert_eq!(&user_part(&batch["changes"][0]["person"]), &fields);
        }
    }

    #[test]
    fn the_data_of_an_event_is_always_one_line((_, stored) in fields(), word in awkward()) {
        let change = change(&stored);
        let cursor = samples::cursor();
        let problem = Problem::new(ProblemKind::Malformed, word.clone()).with("word", word.clone());
        let error = Message::Error { reference: Some(&word), problem: &problem };
        let all = [
            (
                4,
                WireFormat::Sse
                    .change(Verdict::Create, &change, Some(&cursor), &EVERYTHING)
                    .unwrap(),
            ),
            (3, WireFormat::Sse.pages(&[change.person().unwrap()], &EVERYTHING).remove(0)),
            (3, WireFormat::Sse.message(&error, &EVERYTHING).unwrap()),
        ];
        for (lines, bytes) in &all {
            let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            prop_assert_eq!(ends, *lines, "{:?}", bytes);
        }
        let stream: Vec<u8> = all.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect();
        let names: Vec<String> = events(&stream).into_iter().map(|event| event.name).collect();
        prop_assert_eq!(names, ["create", "snapshot", "error"]);
    }

    #[test]
    fn the_reference_of_a_client_is_returned_unchanged(
        reference in awkward(),
        detail in awkward(),
    ) {
        let problem = Problem::new(ProblemKind::Malformed, detail.clone());
        let error = Message::Error { reference: Some(&reference), problem: &problem };
        let pong = Message::Pong { reference: Some(&reference), cursor: None };
        let token = Message::Token { reference: Some(&reference), seconds: 3600 };
        let filtered = Message::Filtered { reference: Some(&reference), cursor: None };
        for message in [&error, &pong, &token, &filtered] {
            let json = parse(text(&WireFormat::Json.message(message, &EVERYTHING).unwrap()));
            let cloud = WireFormat::CloudEvents.message(message, &EVERYTHING);
            let cloud = parse(text(&cloud.unwrap()));
            prop_assert_eq!(&json["ref"], &reference);
            prop_assert_eq!(&cloud["data"]["ref"], &reference);
        }
        let json = parse(text(&WireFormat::Json.message(&error, &EVERYTHING).unwrap()));
        prop_assert_eq!(&json["problem"]["detail"], &detail);
    }
}
