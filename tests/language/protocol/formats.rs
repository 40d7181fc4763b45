//! The exact bytes of every message in every format.

use people_gateway::filter::Verdict;
use people_gateway::protocol::close::{Close, CloseCode};
use people_gateway::protocol::format::WireFormat;
use people_gateway::protocol::message::Message;
use people_gateway::protocol::sse;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::protocol::samples::{self, EVERYTHING, VERDICTS, change, cursor, each_message};
use crate::protocol::wire::{Event, event, text};

const ADA: &str = concat!(
    r#"{"id":"0190f3e2-7c1b-7d9a-8f00-1234567890ab","firstName":"Ada","lastName":"Lovelace","#,
    r#""age":36,"job":"Mathematician","attributes":{"team":"engine"},"#,
    r#""revision":"5f3a9c01.42.d1e5","#,
    r#""createdAt":"2026-11-22T10:09:00.000Z","updatedAt":"2026-11-22T10:10:00.123Z"}"#
);
const GRACE: &str = concat!(
    r#"{"id":"0190f3e2-7c1b-7d9a-8f00-1234567890ac","firstName":"Grace","lastName":"Hopper","#,
    r#""age":85,"job":"","revision":"5f3a9c01.7.bee","#,
    r#""createdAt":"2026-11-22T10:09:00.000Z","updatedAt":"2026-11-22T10:09:00.000Z"}"#
);
const CURSOR: &str = "0:5f3a9c01.42.d1e5,1:5f3a9c01.7.bee";

/// The text of a change with this verdict in people.v1.json.
fn change_json(kind: &str) -> String {
    let at = format!(r#"{{"type":"{kind}","at":"0:5f3a9c01.42.d1e5""#);
    match kind {
        "leave" | "delete" => {
            let id = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
            format!(r#"{at},"id":"{id}","revision":"5f3a9c01.42.d1e5"}}"#)
        }
        _ => format!(r#"{at},"person":{ADA}}}"#),
    }
}

/// The text of any other message in people.v1.json.
fn message_json(name: &str) -> String {
    match name {
        "live" | "position" => format!(r#"{{"type":"{name}","cursor":"{CURSOR}"}}"#),
        "batch" => format!(
            concat!(
                r#"{{"type":"batch","cursor":"{}","changes":[{{"type":"enter","person":{}}},"#,
                r#"{{"type":"leave","id":"0190f3e2-7c1b-7d9a-8f00-1234567890ac","#,
                r#""revision":"5f3a9c01.7.bee"}}]}}"#
            ),
            CURSOR, ADA
        ),
        "reset" => r#"{"type":"reset","reason":"trimmed"}"#.to_owned(),
        "stale" => r#"{"type":"stale","seconds":5}"#.to_owned(),
        "fresh" => r#"{"type":"fresh"}"#.to_owned(),
        "expiring" => r#"{"type":"expiring","seconds":90}"#.to_owned(),
        "token" => r#"{"type":"token","ref":"f1","seconds":3600}"#.to_owned(),
        "filtered" | "pong" => format!(r#"{{"type":"{name}","ref":"f1","cursor":"{CURSOR}"}}"#),
        "filteredSnapshot" => r#"{"type":"filtered"}"#.to_owned(),
        "pongSnapshot" => r#"{"type":"pong"}"#.to_owned(),
        "error" => concat!(
            r#"{"type":"error","ref":"f1","problem":{"type":"/problems/filter","#,
            r#""title":"The filter is refused","status":400,"#,
            r#""detail":"age is a number; compare it with a number, not with a text.","#,
            r#""offset":7,"length":3}}"#
        )
        .to_owned(),
        other => panic!("no expectation for {other}"),
    }
}

#[test]
fn people_v1_json_writes_the_documented_messages() {
    for (kind, verdict) in VERDICTS {
        for cursor in [None, Some(&cursor())] {
            let frame = WireFormat::Json
                .change(verdict, &change(verdict), cursor, &EVERYTHING)
                .unwrap();
            assert_eq!(text(&frame), change_json(kind));
        }
    }
    each_message(|name, message| {
        assert_eq!(
            text(&WireFormat::Json.message(message, &EVERYTHING).unwrap()),
            message_json(name)
        );
    });
    let pages = WireFormat::Json.pages(&[samples::ada(), samples::grace()], &EVERYTHING);
    assert_eq!(
        pages.iter().map(text).collect::<Vec<_>>(),
        [format!(r#"{{"type":"snapshot","people":[{ADA},{GRACE}]}}"#)]
    );
    assert_eq!(
        WireFormat::Json
            .pages(&[], &EVERYTHING)
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        [r#"{"type":"snapshot","people":[]}"#]
    );
}

#[test]
fn the_id_of_a_change_as_a_cloud_event_is_its_log_position() {
    for (kind, verdict) in VERDICTS {
        let frame = WireFormat::CloudEvents
            .change(verdict, &change(verdict), Some(&cursor()), &EVERYTHING)
            .unwrap();
        let data = match kind {
            "leave" | "delete" => {
                r#"{"id":"0190f3e2-7c1b-7d9a-8f00-1234567890ab","revision":"5f3a9c01.42.d1e5"}"#
            }
            _ => ADA,
        };
        let envelope = format!(
            concat!(
                r#"{{"specversion":"1.0","id":"0:5f3a9c01.42.d1e5","source":"/people","#,
                r#""type":"people.{}","subject":"0190f3e2-7c1b-7d9a-8f00-1234567890ab","#,
                r#""time":"2026-11-22T10:10:00.123Z","datacontenttype":"application/json","data":"#
            ),
            kind
        );
        assert_eq!(text(&frame), format!("{envelope}{data}}}"));
    }
}

/// The event without its id, which must be a UUID of version 7 and not in `others`.
fn without_id(event: &str, others: &mut Vec<Uuid>) -> Value {
    let mut event: Value = serde_json::from_str(event).unwrap();
    let id: Uuid = event
        .as_object_mut()
        .unwrap()
        .remove("id")
        .unwrap()
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert!(!others.contains(&id), "two events have the same id");
    others.push(id);
    event
}

#[test]
fn every_other_message_is_a_cloud_event_whose_data_is_the_message_without_its_type() {
    let mut ids = Vec::new();
    let envelope = |message: &str| {
        let mut data: Value = serde_json::from_str(message).unwrap();
        let kind = data.as_object_mut().unwrap().shift_remove("type").unwrap();
        let kind = format!("people.{}", kind.as_str().unwrap());
        json!({
            "specversion": "1.0", "source": "/people", "type": kind,
            "datacontenttype": "application/json", "data": data,
        })
    };
    each_message(|name, message| {
        let frame = WireFormat::CloudEvents
            .message(message, &EVERYTHING)
            .unwrap();
        assert_eq!(
            without_id(text(&frame), &mut ids),
            envelope(&message_json(name))
        );
    });
    for people in [vec![], vec![samples::ada(), samples::grace()]] {
        let (json, events) = (
            WireFormat::Json.pages(&people, &EVERYTHING),
            WireFormat::CloudEvents.pages(&people, &EVERYTHING),
        );
        assert_eq!(events.len(), 1);
        assert_eq!(
            without_id(text(&events[0]), &mut ids),
            envelope(text(&json[0]))
        );
    }
}

#[test]
fn server_sent_events_carry_the_json_and_after_live_also_the_cursor() {
    let expected = |name: &str, data: String, id: Option<&str>| Event {
        name: name.to_owned(),
        data,
        id: id.map(str::to_owned),
    };
    for (kind, verdict) in VERDICTS {
        let after = cursor();
        let sent = |cursor| {
            event(
                &WireFormat::Sse
                    .change(verdict, &change(verdict), cursor, &EVERYTHING)
                    .unwrap(),
            )
        };
        assert_eq!(
            sent(Some(&after)),
            expected(kind, change_json(kind), Some(CURSOR))
        );
        assert_eq!(sent(None), expected(kind, change_json(kind), None));
    }
    each_message(|name, message| {
        let id = ["live", "position", "batch"]
            .contains(&name)
            .then_some(CURSOR);
        let sent = event(&WireFormat::Sse.message(message, &EVERYTHING).unwrap());
        assert_eq!(sent, expected(message.name(), message_json(name), id));
    });
    for people in [vec![], vec![samples::ada()]] {
        let (json, events) = (
            WireFormat::Json.pages(&people, &EVERYTHING),
            WireFormat::Sse.pages(&people, &EVERYTHING),
        );
        assert_eq!(events.len(), 1);
        assert_eq!(
            event(&events[0]),
            expected("snapshot", text(&json[0]).to_owned(), None)
        );
    }
    let raw = WireFormat::Sse
        .message(
            &people_gateway::protocol::message::Message::Live(&cursor()),
            &EVERYTHING,
        )
        .unwrap();
    let written = format!(
        "event: live\nid: {CURSOR}\ndata: {}\n\n",
        message_json("live")
    );
    assert_eq!(raw, written);
}

#[test]
fn the_text_format_writes_only_sentences() {
    let saved = format!(
        "Saved person [{id}] Person(id={id}, firstName=Ada, lastName=Lovelace, age=36, \
         job=Mathematician)",
        id = samples::ADA_ID
    );
    for (kind, verdict) in VERDICTS {
        let frame = WireFormat::Text
            .change(verdict, &change(verdict), Some(&cursor()), &EVERYTHING)
            .unwrap();
        let sentence = match kind {
            "leave" => format!("Left person [{}]", samples::ADA_ID),
            "delete" => format!("Deleted person [{}]", samples::ADA_ID),
            _ => saved.clone(),
        };
        assert_eq!(text(&frame), sentence);
    }
    each_message(|name, message| {
        assert!(
            WireFormat::Text.message(message, &EVERYTHING).is_none(),
            "{name}"
        );
    });
    let pages = WireFormat::Text.pages(&[samples::ada(), samples::grace()], &EVERYTHING);
    assert_eq!(text(&pages[0]), saved);
    assert!(text(&pages[1]).contains("firstName=Grace"));
    assert_eq!(
        (pages.len(), WireFormat::Text.pages(&[], &EVERYTHING).len()),
        (2, 0)
    );
}

#[test]
fn a_change_outside_a_view_has_no_frame() {
    for format in WireFormat::ALL {
        assert!(
            format
                .change(
                    Verdict::Outside,
                    &change(Verdict::Update),
                    Some(&cursor()),
                    &EVERYTHING
                )
                .is_none(),
            "{format:?}"
        );
    }
}

#[test]
fn a_format_has_a_subprotocol_a_ping_and_a_close_frame() {
    assert_eq!(WireFormat::named("people.v1.json"), Some(WireFormat::Json));
    assert_eq!(
        WireFormat::named("cloudevents.json"),
        Some(WireFormat::CloudEvents)
    );
    assert_eq!(
        ["", "People.v1.json", "text", "sse"].map(WireFormat::named),
        [None; 4]
    );
    let close = Close::new(CloseCode::NORMAL, "");
    for format in [WireFormat::Text, WireFormat::Json, WireFormat::CloudEvents] {
        assert_eq!(
            (&format.ping()[..], &format.close(&close)[..]),
            (&b"\x89\x00"[..], &b"\x88\x02\x03\xe8"[..])
        );
        assert_eq!(
            (format.has_positions(), format.composes()),
            (format != WireFormat::Text, format == WireFormat::Json)
        );
    }
    assert_eq!(
        (
            &WireFormat::Sse.ping()[..],
            &WireFormat::Sse.close(&close)[..]
        ),
        (&b":\n"[..], &b""[..])
    );
    assert!(WireFormat::Sse.has_positions() && WireFormat::Sse.composes());
    assert_eq!(&sse::prelude()[..], b"retry: 3000\n");
}

/// The loop over all formats holds a new format to its own properties.
#[test]
fn a_format_writes_the_messages_that_its_properties_promise() {
    for format in WireFormat::ALL {
        let writes = |message: Message<'_>| format.message(&message, &EVERYTHING).is_some();
        assert_eq!(
            writes(Message::Reset("trimmed")),
            format.has_reset(),
            "{format:?}"
        );
        let cursor = cursor();
        assert_eq!(
            writes(Message::Position(&cursor)),
            format.has_positions(),
            "{format:?}"
        );
        assert!(
            format.has_reset() || !format.composes(),
            "{format:?}: a batch is a message"
        );
        assert!(
            format.composes() || !format.composes_before_live(),
            "{format:?}"
        );
        let close = format.close(&Close::new(CloseCode::NORMAL, ""));
        assert_eq!(close.is_empty(), !format.answers_pings(), "{format:?}");
        let by_name = format.subprotocol().and_then(WireFormat::named);
        assert_eq!(by_name, format.subprotocol().map(|_| format), "{format:?}");
    }
}
