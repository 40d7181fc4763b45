//! What a gateway tells a client, in whichever format, as one and the same set of messages.

use people_client::Cursor;
use people_gateway::domain::{LogPosition, PersonId};
use serde_json::{Map, Value};

/// A person as the whole object that was sent.
pub(super) type Record = Map<String, Value>;

/// One message.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Page(Vec<Record>),
    Live(Cursor),
    Change(LogPosition, Fate),
    Batch(Cursor, Vec<Fate>),
    Position(Cursor),
    Reset,
    /// Text: somebody is in the view, with the sentence that says how; or no longer.
    Saved(PersonId, String),
    Gone(PersonId),
    /// Says nothing about people.
    Other,
}

/// What became of a person in a view.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// create, enter, update, leave or delete.
    pub(super) word: String,
    pub(super) id: PersonId,
    /// As the person is now; none who left or was deleted.
    pub(super) person: Option<Record>,
}

impl Told {
    /// A message of people.v1.json.
    pub(super) fn json(text: &str) -> Self {
        Self::read(serde_json::from_str(text).expect("JSON"))
    }

    /// An event of cloudevents.json.
    pub(super) fn cloud_event(text: &str) -> Self {
        let mut event: Record = serde_json::from_str(text).expect("a JSON object");
        let kind = event["type"]
            .as_str()
            .and_then(|kind| kind.strip_prefix("people."))
            .expect("our type")
            .to_owned();
        let data = event.remove("data").expect("data");
        let mut message = match kind.as_str() {
            "create" | "enter" | "update" => {
                object([("person", data), ("at", event["id"].clone())])
            }
            _ => {
                let mut message: Record = serde_json::from_value(data).expect("an object");
                if matches!(kind.as_str(), "leave" | "delete") {
                    message.insert("at".to_owned(), event["id"].clone());
                }
                message
            }
        };
        message.insert("type".to_owned(), kind.into());
        Self::read(message)
    }

    /// A sentence of the text format.
    pub(super) fn sentence(text: &str) -> Self {
        let id = || {
            text.split(['[', ']'])
                .nth(1)
                .and_then(|id| id.parse().ok())
                .expect("a sentence names a person")
        };
        match text.split(' ').next() {
            Some("Saved") => Self::Saved(id(), text.to_owned()),
            Some("Left" | "Deleted") => Self::Gone(id()),
            _ => Self::Other,
        }
    }

    fn read(message: Record) -> Self {
        let cursor = || {
            message["cursor"]
                .as_str()
                .expect("a text")
                .parse()
                .expect("a cursor")
        };
        match message["type"].as_str().expect("a type") {
            "snapshot" => {
                Self::Page(serde_json::from_value(message["people"].clone()).expect("people"))
            }
            "live" => Self::Live(cursor()),
            "create" | "enter" | "update" | "leave" | "delete" => Self::Change(
                message["at"]
                    .as_str()
                    .expect("a text")
                    .parse()
                    .expect("a place"),
                Fate::read(&message),
            ),
            "batch" => {
                let changes: Vec<Record> =
                    serde_json::from_value(message["changes"].clone()).expect("changes");
                Self::Batch(cursor(), changes.iter().map(Fate::read).collect())
            }
            "position" => Self::Position(cursor()),
            "reset" => Self::Reset,
            _ => Self::Other,
        }
    }
}

impl Fate {
    fn read(message: &Record) -> Self {
        let person: Option<Record> = message
            .get("person")
            .map(|person| person.as_object().expect("a person").clone());
        let id = id_of(person.as_ref().unwrap_or(message));
        Self {
            word: message["type"].as_str().expect("a type").to_owned(),
            id,
            person,
        }
    }
}

/// The id of a person, or of somebody who left.
pub(super) fn id_of(record: &Record) -> PersonId {
    record["id"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("an id")
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Record {
    members
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}
