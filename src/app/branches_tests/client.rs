//! A client of the model's gateway: reads the frames of its socket, folds them, and fails on a
//! frame that contradicts an earlier one.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::net::UnixStream;

use super::store::{ModelStore, People};
use crate::domain::{LogPosition, Partition, PersonId, Position};

/// The view that the frames of one connection add up to.
pub(super) struct Client {
    socket: UnixStream,
    bytes: Vec<u8>,
    is_text: bool,
    /// Whether `people` is the whole view.
    knows_all: bool,
    pub(super) people: People,
    /// The client's cursor; none before `live`.
    pub(super) cursor: Option<BTreeMap<Partition, Position>>,
    /// The last announced position of each partition.
    announced: BTreeMap<Partition, Position>,
    pub(super) resets: usize,
    pub(super) closed: Option<u16>,
    /// All messages, for the report of a failure.
    pub(super) log: Vec<String>,
}

/// A client's view at a cursor, to be resumed.
#[derive(Clone)]
pub(super) struct SavedView {
    pub(super) cursor: BTreeMap<Partition, Position>,
    pub(super) people: Option<People>,
}

impl SavedView {
    pub(super) fn text(&self) -> String {
        let parts = self
            .cursor
            .iter()
            .map(|(partition, position)| LogPosition::new(*partition, *position).to_string());
        parts.collect::<Vec<_>>().join(",")
    }
}

impl Client {
    /// A client that begins with a snapshot, now, or at a saved view.
    pub(super) fn new(
        socket: UnixStream,
        is_text: bool,
        snapshot: bool,
        saved: Option<&SavedView>,
    ) -> Self {
        let people = saved.and_then(|saved| saved.people.clone());
        Self {
            socket,
            bytes: Vec::new(),
            is_text,
            knows_all: snapshot || people.is_some(),
            people: people.unwrap_or_default(),
            cursor: None,
            announced: saved.map(|saved| saved.cursor.clone()).unwrap_or_default(),
            resets: 0,
            closed: None,
            log: Vec::new(),
        }
    }

    /// The view, to be resumed later; none before `live`.
    pub(super) fn save(&self) -> Option<SavedView> {
        let cursor = self.cursor.clone()?;
        Some(SavedView {
            cursor,
            people: self.knows_all.then(|| self.people.clone()),
        })
    }

    /// Whether the client holds the view exactly.
    pub(super) fn is_exact(&self) -> bool {
        self.knows_all && (self.is_text || self.cursor.is_some())
    }

    /// Reads and folds all frames that the socket has.
    pub(super) fn read(&mut self, store: &ModelStore) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.socket.try_read(&mut buffer) {
            self.bytes.extend_from_slice(&buffer[..count]);
        }
        while let Some((opcode, payload)) = self.frame() {
            match opcode {
                1 if self.is_text => self.sentence(&String::from_utf8(payload).expect("text")),
                1 => self.message(&String::from_utf8(payload).expect("text"), store),
                8 => self.closed = Some(u16::from_be_bytes([payload[0], payload[1]])),
                _ => {}
            }
        }
    }

    /// A whole frame of the server (RFC 6455, section 5.2), if there is one.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, length) = (*self.bytes.first()?, *self.bytes.get(1)?);
        let (header, length) = match length {
            126 => (
                4,
                usize::from(u16::from_be_bytes([
                    *self.bytes.get(2)?,
                    *self.bytes.get(3)?,
                ])),
            ),
            127 => (
                10,
                usize::try_from(u64::from_be_bytes(self.bytes.get(2..10)?.try_into().ok()?))
                    .ok()?,
            ),
            short => (2, usize::from(short)),
        };
        let payload = self.bytes.get(header..header + length)?.to_vec();
        self.bytes.drain(..header + length);
        Some((first & 0x0f, payload))
    }

    fn sentence(&mut self, text: &str) {
        self.log.push(text.to_owned());
        let id = text
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'))
            .expect("an id")
            .0;
        let id: PersonId = id.parse().expect("an id");
        if text.starts_with("Saved person") {
            let age = text
                .split_once("age=")
                .and_then(|(_, rest)| rest.split_once(','))
                .expect("an age")
                .0;
            // Text has no revisions.
            let revision = "0.0.0".parse().expect("a position");
            self.people
                .insert(id, (age.parse().expect("a number"), revision));
        } else {
            self.people.remove(&id);
        }
    }

    fn message(&mut self, text: &str, store: &ModelStore) {
        self.log.push(text.to_owned());
        let message: Value = serde_json::from_str(text).expect("JSON");
        match message["type"].as_str().expect("a type") {
            "snapshot" => {
                assert!(self.cursor.is_none(), "a page to a live view");
                for person in message["people"].as_array().expect("people") {
                    assert!(
                        self.save_person(person),
                        "someone is in two pages of a snapshot"
                    );
                }
            }
            "live" => {
                assert!(self.cursor.is_none(), "live twice");
                self.cursor = Some(BTreeMap::new());
                self.advance(&message, store);
            }
            "reset" => {
                self.people.clear();
                self.announced.clear();
                self.cursor = None;
                self.knows_all = true;
                self.resets += 1;
            }
            "position" => self.advance(&message, store),
            "batch" => {
                for change in message["changes"].as_array().expect("changes") {
                    self.fold(change);
                }
                self.advance(&message, store);
            }
            "create" | "enter" | "update" | "leave" | "delete" => {
                let at: LogPosition = message["at"]
                    .as_str()
                    .expect("an at")
                    .parse()
                    .expect("an at");
                self.pass(at, false);
                if let Some(cursor) = &mut self.cursor {
                    cursor.insert(at.partition, at.position);
                }
                self.fold(&message);
            }
            _ => {}
        }
    }

    /// Moves to a cursor, which must be in some history and not before the last announced one.
    fn advance(&mut self, message: &Value, store: &ModelStore) {
        let text = message["cursor"].as_str().expect("a cursor");
        for at in text
            .split(',')
            .map(|at| at.parse::<LogPosition>().expect("an at"))
        {
            assert!(store.had(at), "no history ever had {at}");
            self.pass(at, true);
            if let Some(cursor) = &mut self.cursor {
                cursor.insert(at.partition, at.position);
            }
        }
    }

    fn pass(&mut self, at: LogPosition, may_stay: bool) {
        if let Some(before) = self.announced.insert(at.partition, at.position) {
            let stays = may_stay && before == at.position;
            assert!(
                stays || (before.epoch == at.position.epoch && before.seq < at.position.seq),
                "{at} after {before}"
            );
        }
    }

    fn fold(&mut self, change: &Value) {
        let kind = change["type"].as_str().expect("a type");
        let was_in = match kind {
            "leave" | "delete" => self
                .people
                .remove(
                    &change["id"]
                        .as_str()
                        .expect("an id")
                        .parse()
                        .expect("an id"),
                )
                .is_some(),
            _ => !self.save_person(&change["person"]),
        };
        if self.knows_all {
            assert_eq!(
                was_in,
                !matches!(kind, "create" | "enter"),
                "{change} does not fit the view"
            );
        }
    }

    /// Saves a person; returns whether the person is new.
    fn save_person(&mut self, person: &Value) -> bool {
        let id = person["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id");
        let age = u8::try_from(person["age"].as_u64().expect("an age")).expect("a small number");
        let revision = person["revision"]
            .as_str()
            .expect("a revision")
            .parse()
            .expect("a position");
        self.people.insert(id, (age, revision)).is_none()
    }
}
