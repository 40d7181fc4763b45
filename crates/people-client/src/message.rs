//! The messages of `people.v1.json` as they stand on the wire: what the server sends is read, what
//! the client sends is written. Members and types that are not known here are passed over, so that
//! a newer server can be listened to.

use std::fmt::Display;
use std::str::FromStr;

use people_core::{Cursor, LogPosition, PersonId, Position};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::event::{Change, Event, Gone, Problem, Record, ResetReason};

/// A message of the server.
pub(super) enum Received {
    /// It is told as it is.
    Event(Event),
    /// The answer to a `filter`; whoever sent that knows the kinds.
    Filtered {
        reference: String,
        cursor: Option<Cursor>,
    },
}

/// A command of the client.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Command<'a> {
    Filter {
        kinds: &'a str,
        #[serde(rename = "where")]
        condition: &'a str,
        from: &'a str,
        #[serde(rename = "ref")]
        reference: &'a str,
    },
    Ping {
        #[serde(rename = "ref")]
        reference: &'a str,
    },
    Stop,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message {
    Snapshot {
        people: Vec<Record>,
    },
    Live {
        #[serde(deserialize_with = "parsed")]
        cursor: Cursor,
    },
    Create(Saved),
    Enter(Saved),
    Update(Saved),
    Leave(Removed),
    Delete(Removed),
    Batch {
        #[serde(deserialize_with = "parsed")]
        cursor: Cursor,
        changes: Vec<Change>,
    },
    Position {
        #[serde(deserialize_with = "parsed")]
        cursor: Cursor,
    },
    Reset {
        reason: ResetReason,
    },
    Stale {
        seconds: u64,
    },
    Fresh,
    Filtered {
        #[serde(rename = "ref")]
        reference: String,
        #[serde(default, deserialize_with = "perhaps_parsed")]
        cursor: Option<Cursor>,
    },
    Error {
        #[serde(rename = "ref")]
        reference: Option<String>,
        problem: Problem,
    },
    Pong {
        #[serde(rename = "ref")]
        reference: Option<String>,
        #[serde(default, deserialize_with = "perhaps_parsed")]
        cursor: Option<Cursor>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Saved {
    #[serde(deserialize_with = "parsed")]
    at: LogPosition,
    person: Record,
}

#[derive(Deserialize)]
struct Removed {
    #[serde(deserialize_with = "parsed")]
    at: LogPosition,
    #[serde(flatten)]
    gone: Gone,
}

/// A change in a batch: it carries no place of its own.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Composed {
    Create { person: Record },
    Enter { person: Record },
    Update { person: Record },
    Leave(Gone),
    Delete(Gone),
}

/// Reads a message of the server.
pub(super) fn read(text: &str) -> Result<Received, serde_json::Error> {
    let change = |at, change| Event::Change { at, change };
    Ok(Received::Event(match serde_json::from_str(text)? {
        Message::Filtered { reference, cursor } => {
            return Ok(Received::Filtered { reference, cursor });
        }
        Message::Snapshot { people } => Event::Snapshot { people },
        Message::Live { cursor } => Event::Live { cursor },
        Message::Create(saved) => change(saved.at, Change::Create(saved.person)),
        Message::Enter(saved) => change(saved.at, Change::Enter(saved.person)),
        Message::Update(saved) => change(saved.at, Change::Update(saved.person)),
        Message::Leave(removed) => change(removed.at, Change::Leave(removed.gone)),
        Message::Delete(removed) => change(removed.at, Change::Delete(removed.gone)),
        Message::Batch { cursor, changes } => Event::Batch { cursor, changes },
        Message::Position { cursor } => Event::Position { cursor },
        Message::Reset { reason } => Event::Reset { reason },
        Message::Stale { seconds } => Event::Stale { seconds },
        Message::Fresh => Event::Fresh,
        Message::Error { reference, problem } => Event::Error { reference, problem },
        Message::Pong { reference, cursor } => Event::Pong { reference, cursor },
        Message::Unknown => Event::Unknown,
    }))
}

impl Command<'_> {
    /// The message's text.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("strings and nothing else can always be written as JSON")
    }
}

fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

fn perhaps_parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        let member = |name| {
            object
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| D::Error::missing_field(name))
        };
        let id: PersonId = member("id")?.parse().map_err(D::Error::custom)?;
        let revision: Position = member("revision")?.parse().map_err(D::Error::custom)?;
        Ok(Self {
            id,
            revision,
            object,
        })
    }
}

impl<'de> Deserialize<'de> for Gone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(deserialize_with = "parsed")]
            id: PersonId,
            #[serde(deserialize_with = "parsed")]
            revision: Position,
        }
        Members::deserialize(deserializer).map(|Members { id, revision }| Self { id, revision })
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Composed::deserialize(deserializer).map(|composed| match composed {
            Composed::Create { person } => Self::Create(person),
            Composed::Enter { person } => Self::Enter(person),
            Composed::Update { person } => Self::Update(person),
            Composed::Leave(gone) => Self::Leave(gone),
            Composed::Delete(gone) => Self::Delete(gone),
        })
    }
}
