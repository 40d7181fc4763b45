//! docs/asyncapi.yaml agrees with the program: our types write or read each of its examples, and
//! every message has one.

use std::collections::BTreeMap;

use people_gateway::filter::Kinds;
use people_gateway::protocol::format::WireFormat;
use people_gateway::protocol::request::{FilterFrom, Request, TokenText};
use people_gateway::protocol::text::TextCommand;
use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use crate::protocol::samples::{
    self, EVERYTHING, VERDICTS, ada, change, cursor, each_message, grace,
};
use crate::protocol::wire::text;

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.yaml");
    let documents = YamlLoader::load_from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(documents.len(), 1);
    to_json(&documents[0])
}

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(text) => Value::from(text.parse::<f64>().unwrap()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Boolean(truth) => Value::from(*truth),
        Yaml::Array(list) => list.iter().map(to_json).collect(),
        Yaml::Hash(members) => {
            let member = |(key, value): (&Yaml, &Yaml)| {
                (key.as_str().expect("a name").to_owned(), to_json(value))
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("not JSON: {yaml:?}"),
    }
}

/// The payloads of each message's examples, by the message's name in the document.
fn examples(document: &Value) -> BTreeMap<&str, Vec<&Value>> {
    let messages = document["components"]["messages"].as_object().unwrap();
    messages
        .iter()
        .map(|(name, message)| {
            let examples = message["examples"]
                .as_array()
                .unwrap_or_else(|| panic!("{name} has no example"));
            (
                name.as_str(),
                examples.iter().map(|example| &example["payload"]).collect(),
            )
        })
        .collect()
}

/// The payloads that our types write for each message of the server, in the order of the document's
/// examples.
fn written_payloads() -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut add = |name: String, payload: Value| all.entry(name).or_default().push(payload);
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let string = |bytes: &[u8]| Value::from(std::str::from_utf8(bytes).unwrap());
    for (kind, verdict) in VERDICTS {
        let sent = |format: WireFormat| {
            format
                .change(verdict, &change(verdict), Some(&cursor()), &EVERYTHING)
                .unwrap()
        };
        add(format!("json.{kind}"), parse(text(&sent(WireFormat::Json))));
        add(
            format!("cloudevents.{kind}"),
            parse(text(&sent(WireFormat::CloudEvents))),
        );
        add(format!("sse.{kind}"), string(&sent(WireFormat::Sse)));
        let sentence = match kind {
            "leave" => "text.left",
            "delete" => "text.deleted",
            _ => "text.saved",
        };
        if !["enter", "update"].contains(&kind) {
            add(
                sentence.to_owned(),
                Value::from(text(&sent(WireFormat::Text))),
            );
        }
    }
    for people in [vec![ada(), grace()], vec![]] {
        add(
            "json.snapshot".to_owned(),
            parse(text(&WireFormat::Json.pages(&people, &EVERYTHING)[0])),
        );
        add(
            "cloudevents.snapshot".to_owned(),
            parse(text(
                &WireFormat::CloudEvents.pages(&people, &EVERYTHING)[0],
            )),
        );
        add(
            "sse.snapshot".to_owned(),
            string(&WireFormat::Sse.pages(&people, &EVERYTHING)[0]),
        );
    }
    each_message(|name, message| {
        let sent = |format: WireFormat| format.message(message, &EVERYTHING).unwrap();
        let kind = message.name();
        add(format!("json.{kind}"), parse(text(&sent(WireFormat::Json))));
        // A batch exists only in formats that compose changes. Answers to a client exist only in
        // formats whose clients can send.
        if kind != "batch" {
            add(
                format!("cloudevents.{kind}"),
                parse(text(&sent(WireFormat::CloudEvents))),
            );
        }
        if !["filtered", "error", "token", "pong"].contains(&kind) {
            add(format!("sse.{name}"), string(&sent(WireFormat::Sse)));
        }
    });
    all
}

/// The payload, without the id of an event if the id is a UUID of version 7, which is random.
fn comparable(payload: &Value) -> Value {
    let mut payload = payload.clone();
    if let Some(event) = payload
        .as_object_mut()
        .filter(|members| members.contains_key("specversion"))
    {
        let id = event["id"].as_str().unwrap();
        if id
            .parse::<uuid::Uuid>()
            .is_ok_and(|id| id.get_version_num() == 7)
        {
            event.shift_remove("id");
        }
    }
    payload
}

#[test]
fn the_messages_of_the_server_equal_their_examples() {
    let document = document();
    let documented = examples(&document);
    let written = written_payloads();
    for (name, payloads) in &written {
        let examples = documented
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is not documented"));
        let examples: Vec<Value> = examples.iter().map(|payload| comparable(payload)).collect();
        assert_eq!(
            examples,
            payloads.iter().map(comparable).collect::<Vec<_>>(),
            "{name}"
        );
    }
    let unknown: Vec<_> = documented
        .keys()
        .filter(|name| !name.starts_with("client.") && !written.contains_key(**name))
        .collect();
    assert!(
        unknown.is_empty(),
        "documented, but never sent: {unknown:?}"
    );
}

#[test]
fn the_examples_of_client_messages_are_read() {
    let document = document();
    let documented = examples(&document);
    let reference = |text: &str| Some(text.to_owned());
    let filter = |kinds, text: &str, from, reference| Request::Filter {
        kinds,
        filter_text: text.to_owned(),
        from,
        reference,
    };
    let read = |name: &str| -> Vec<Request> {
        documented[name]
            .iter()
            .map(|payload| Request::read(&payload.to_string()).unwrap())
            .collect()
    };
    let filters = [
        filter(
            Kinds::All,
            "age >= 65 && attributes.team == \"engine\"",
            FilterFrom::Snapshot,
            reference("f1"),
        ),
        filter(Kinds::All, "", FilterFrom::Now, None),
    ];
    assert_eq!(read("client.filter"), filters);
    assert_eq!(
        read("client.ping"),
        [Request::Ping {
            reference: reference("p1")
        }]
    );
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
    assert_eq!(
        read("client.token"),
        [Request::Token {
            token: TokenText(token.to_owned()),
            reference: reference("t1")
        }]
    );
    assert_eq!(read("client.stop"), [Request::Stop]);
    let words: Vec<TextCommand> = documented["client.text"]
        .iter()
        .map(|payload| TextCommand::read(payload.as_str().unwrap()))
        .collect();
    assert_eq!(
        words,
        [
            TextCommand::Show(Kinds::Saves),
            TextCommand::Show(Kinds::Deletes),
            TextCommand::Show(Kinds::All),
            TextCommand::Stop
        ]
    );
    let known = [
        "client.filter",
        "client.ping",
        "client.stop",
        "client.text",
        "client.token",
    ];
    let named: Vec<_> = documented
        .keys()
        .filter(|name| name.starts_with("client."))
        .copied()
        .collect();
    assert_eq!(named, known);
}

#[test]
fn every_reference_in_the_document_has_a_target() {
    fn walk(document: &Value, value: &Value, count: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let target = reference.as_str().unwrap().strip_prefix('#').unwrap();
                    assert!(document.pointer(target).is_some(), "{target} is missing");
                    *count += 1;
                }
                members
                    .values()
                    .for_each(|value| walk(document, value, count));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(document, value, count)),
            _ => {}
        }
    }
    let (document, mut count) = (document(), 0);
    walk(&document, &document, &mut count);
    assert!(count > 50, "only {count} references");
}

#[test]
fn every_example_has_the_members_that_its_schema_names() {
    let document = document();
    let resolved = |schema: &'_ Value| -> Value {
        let target = schema["$ref"]
            .as_str()
            .map(|target| document.pointer(&target[1..]).unwrap());
        target.unwrap_or(schema).clone()
    };
    for (name, payloads) in examples(&document) {
        let schema = resolved(&document["components"]["messages"][name]["payload"]);
        for payload in payloads {
            let Some(members) = payload.as_object() else {
                assert_eq!(schema["type"], "string", "{name}");
                continue;
            };
            let known = schema["properties"]
                .as_object()
                .unwrap_or_else(|| panic!("{name} has no properties"));
            let unknown: Vec<_> = members
                .keys()
                .filter(|member| !known.contains_key(*member))
                .collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
            for required in schema["required"].as_array().unwrap() {
                assert!(
                    members.contains_key(required.as_str().unwrap()),
                    "{name} lacks {required}"
                );
            }
            for (member, value) in members {
                if let Some(only) = known[member].get("const") {
                    assert_eq!(value, only, "{name}");
                }
            }
        }
    }
    assert_eq!(
        document["components"]["schemas"]["Cursor"]["examples"][0],
        samples::cursor().to_string()
    );
}

#[test]
fn channels_and_formats_correspond() {
    let document = document();
    let channels: Vec<&String> = document["channels"].as_object().unwrap().keys().collect();
    let mut formats = WireFormat::ALL.map(WireFormat::name).to_vec();
    let mut described: Vec<&str> = channels.into_iter().map(String::as_str).collect();
    formats.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, formats);
}
