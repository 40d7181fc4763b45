//! A gateway's messages of every format, parsed into one set of types.

use people_client::Cursor;
use people_gateway::domain::{LogPosition, PersonId};
use serde_json::{Map, Value};

/// A person as the whole JSON object.
pub type Record = Map<String, Value>;

#[derive(Clone, Debug)]
pub enum ServerMessage {
    Page(Vec<Record>),
    Live(Cursor),
    Change(LogPosition, PersonChange),
    Batch(Cursor, Vec<PersonChange>),
    Position(Cursor),
    /// With its reason.
    Reset(String),
    /// The gateway cannot prove that nothing is missing; it can again.
    Stale,
    Fresh,
    /// A sentence of the text format for a person in the view.
    Saved(PersonId, String),
    /// A sentence of the text format for a person who left or was deleted.
    Removed(PersonId),
    /// Any other message.
    Other,
}

/// A change of one person in a view.
#[derive(Clone, Debug)]
pub struct PersonChange {
    /// `create`, `enter`, `update`, `leave` or `delete`.
    pub verdict: String,
    pub id: PersonId,
    /// The person after the change; none after `leave` and `delete`.
    pub person: Option<Record>,
}

impl ServerMessage {
    /// Parses a message of people.v1.json.
    pub fn from_json(text: &str) -> Self {
        Self::from_record(serde_json::from_str(text).expect("JSON"))
    }

    /// Parses an event of cloudevents.json.
    pub fn from_cloud_event(text: &str) -> Self {
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
        Self::from_record(message)
    }

    /// Parses a sentence of the text format.
    pub fn from_sentence(text: &str) -> Self {
        let id = || {
            text.split(['[', ']'])
                .nth(1)
                .and_then(|id| id.parse().ok())
                .expect("a sentence names a person")
        };
        match text.split(' ').next() {
            Some("Saved") => Self::Saved(id(), text.to_owned()),
            Some("Left" | "Deleted") => Self::Removed(id()),
            _ => Self::Other,
        }
    }

    fn from_record(message: Record) -> Self {
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
                    .expect("a log position"),
                PersonChange::from_record(&message),
            ),
            "batch" => {
                let changes: Vec<Record> =
                    serde_json::from_value(message["changes"].clone()).expect("changes");
                Self::Batch(
                    cursor(),
                    changes.iter().map(PersonChange::from_record).collect(),
                )
            }
            "position" => Self::Position(cursor()),
            "reset" => Self::Reset(message["reason"].as_str().expect("a text").to_owned()),
            "stale" => Self::Stale,
            "fresh" => Self::Fresh,
            _ => Self::Other,
        }
    }
}

impl PersonChange {
    fn from_record(message: &Record) -> Self {
        let person: Option<Record> = message
            .get("person")
            .map(|person| person.as_object().expect("a person").clone());
        let id = id_of(person.as_ref().unwrap_or(message));
        Self {
            verdict: message["type"].as_str().expect("a type").to_owned(),
            id,
            person,
        }
    }
}

/// The id of a person's record, or of a change without one.
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

/// The sentence for a person in the view, composed independently of the program.
pub fn saved_sentence(person: &Record) -> String {
    let text = |name: &str| person[name].as_str().expect("a text");
    format!(
        "Saved person [{id}] Person(id={id}, firstName={}, lastName={}, age={}, job={})",
        text("firstName"),
        text("lastName"),
        person["age"],
        text("job"),
        id = text("id"),
    )
}
