//! The messages of `people.v1.json` on the wire: reads those of the server, writes those of the
//! client. Unknown members and types are ignored, so that this client works with newer servers.

use std::fmt::Display;
use std::str::FromStr;

use people_core::{Cursor, LogPosition, PersonId, Position};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::event::{LiveEvent, PersonRecord, Removal, ResetReason, ViewChange};
use crate::problem::ProblemDetails;

/// A message of the server.
pub(crate) enum ServerMessage {
    /// A message that is an event by itself.
    Event(LiveEvent),
    /// The answer to a `filter`. The event also needs the kinds, which the command has.
    Filtered {
        reference: String,
        cursor: Option<Cursor>,
    },
}

/// A command of the client.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ClientMessage<'a> {
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

/// The JSON of a server's message.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum WireMessage {
    Snapshot {
        people: Vec<PersonRecord>,
    },
    Live {
        #[serde(deserialize_with = "parsed")]
        cursor: Cursor,
    },
    Create(WireRecord),
    Enter(WireRecord),
    Update(WireRecord),
    Leave(WireRemoval),
    Delete(WireRemoval),
    Batch {
        #[serde(deserialize_with = "parsed")]
        cursor: Cursor,
        changes: Vec<ViewChange>,
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
        #[serde(default, deserialize_with = "parsed_option")]
        cursor: Option<Cursor>,
    },
    Error {
        #[serde(rename = "ref")]
        reference: Option<String>,
        problem: ProblemDetails,
    },
    Pong {
        #[serde(rename = "ref")]
        reference: Option<String>,
        #[serde(default, deserialize_with = "parsed_option")]
        cursor: Option<Cursor>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct WireRecord {
    #[serde(deserialize_with = "parsed")]
    at: LogPosition,
    person: PersonRecord,
}

#[derive(Deserialize)]
struct WireRemoval {
    #[serde(deserialize_with = "parsed")]
    at: LogPosition,
    #[serde(flatten)]
    removal: Removal,
}

/// A change in a batch, which has no position of its own.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum BatchChange {
    Create { person: PersonRecord },
    Enter { person: PersonRecord },
    Update { person: PersonRecord },
    Leave(Removal),
    Delete(Removal),
}

/// Reads a message of the server.
pub(crate) fn read(text: &str) -> Result<ServerMessage, serde_json::Error> {
    let change = |at, change| LiveEvent::Change { at, change };
    Ok(ServerMessage::Event(match serde_json::from_str(text)? {
        WireMessage::Filtered { reference, cursor } => {
            return Ok(ServerMessage::Filtered { reference, cursor });
        }
        WireMessage::Snapshot { people } => LiveEvent::Snapshot { people },
        WireMessage::Live { cursor } => LiveEvent::Live { cursor },
        WireMessage::Create(wire) => change(wire.at, ViewChange::Create(wire.person)),
        WireMessage::Enter(wire) => change(wire.at, ViewChange::Enter(wire.person)),
        WireMessage::Update(wire) => change(wire.at, ViewChange::Update(wire.person)),
        WireMessage::Leave(wire) => change(wire.at, ViewChange::Leave(wire.removal)),
        WireMessage::Delete(wire) => change(wire.at, ViewChange::Delete(wire.removal)),
        WireMessage::Batch { cursor, changes } => LiveEvent::Batch { cursor, changes },
        WireMessage::Position { cursor } => LiveEvent::Position { cursor },
        WireMessage::Reset { reason } => LiveEvent::Reset { reason },
        WireMessage::Stale { seconds } => LiveEvent::Stale { seconds },
        WireMessage::Fresh => LiveEvent::Fresh,
        WireMessage::Error { reference, problem } => LiveEvent::Error { reference, problem },
        WireMessage::Pong { reference, cursor } => LiveEvent::Pong { reference, cursor },
        WireMessage::Unknown => LiveEvent::Unknown,
    }))
}

impl ClientMessage<'_> {
    /// The message as JSON.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a struct of strings is always valid JSON")
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

fn parsed_option<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

impl<'de> Deserialize<'de> for PersonRecord {
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

impl<'de> Deserialize<'de> for Removal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct RemovalMembers {
            #[serde(deserialize_with = "parsed")]
            id: PersonId,
            #[serde(deserialize_with = "parsed")]
            revision: Position,
        }
        RemovalMembers::deserialize(deserializer)
            .map(|RemovalMembers { id, revision }| Self { id, revision })
    }
}

impl<'de> Deserialize<'de> for ViewChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BatchChange::deserialize(deserializer).map(|change| match change {
            BatchChange::Create { person } => Self::Create(person),
            BatchChange::Enter { person } => Self::Enter(person),
            BatchChange::Update { person } => Self::Update(person),
            BatchChange::Leave(removal) => Self::Leave(removal),
            BatchChange::Delete(removal) => Self::Delete(removal),
        })
    }
}
