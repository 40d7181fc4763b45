//! The view that a client folds. It fails the test on a message that an exact stream cannot
//! contain.

use std::collections::BTreeMap;

use serde_json::Value;

/// The part of a cursor that names no position: the rights under which it was made.
pub(crate) const RIGHTS: &str = "v";

/// A client's people and cursor.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// By id.
    pub(crate) people: BTreeMap<String, Value>,
    /// Positions by partition; none while the client has no cursor.
    pub(crate) cursor: Option<BTreeMap<String, String>>,
    pub(crate) is_live: bool,
    /// The last `at` of each partition since the stream began.
    last: BTreeMap<String, String>,
    /// Whether `people` is complete. Each change must then fit it.
    is_exact: bool,
    has_all_kinds: bool,
}

impl View {
    /// The view of a client that connects with this `from`.
    pub(crate) fn from(from: &str, has_all_kinds: bool) -> Self {
        Self {
            people: BTreeMap::new(),
            cursor: from.contains(':').then(|| positions(from)),
            is_live: false,
            last: BTreeMap::new(),
            is_exact: from == "snapshot" && has_all_kinds,
            has_all_kinds,
        }
    }

    /// The view of the same client when it connects again with its cursor.
    pub(crate) fn resumed(&self) -> Self {
        Self {
            is_live: false,
            last: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The cursor as text: the last one that was sent, advanced by each `at` since.
    pub(crate) fn cursor(&self) -> String {
        let cursor = self.cursor.as_ref().expect("the client holds a cursor");
        let ats: Vec<_> = cursor
            .iter()
            .map(|(partition, position)| format!("{partition}:{position}"))
            .collect();
        ats.join(",")
    }

    /// Folds a message. Panics if an exact stream cannot contain it here.
    pub(crate) fn apply(&mut self, message: &Value) {
        let text = |name: &str| {
            message[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name}: {message}"))
        };
        match text("type") {
            "snapshot" => {
                assert!(!self.is_live, "a page after live: {message}");
                self.cursor = None;
                for person in message["people"].as_array().expect("people") {
                    let twice = self.people.insert(id_of(person), person.clone());
                    assert!(twice.is_none(), "a person is on two pages: {person}");
                }
            }
            "live" => {
                assert!(!self.is_live, "a second live: {message}");
                self.is_live = true;
                self.move_cursor(text("cursor"));
            }
            "create" | "enter" | "update" | "leave" | "delete" => {
                self.advance(text("at"));
                self.apply_change(message);
            }
            "batch" => {
                for change in message["changes"].as_array().expect("changes") {
                    assert!(change.get("at").is_none(), "{change}");
                    self.apply_change(change);
                }
                self.move_cursor(text("cursor"));
            }
            "position" => self.move_cursor(text("cursor")),
            "reset" => self.restart(true),
            "filtered" => match message.get("cursor") {
                Some(cursor) => {
                    // The people of the new view are not known.
                    (self.is_exact, self.people) = (false, BTreeMap::new());
                    self.move_cursor(cursor.as_str().expect("text"));
                }
                None => self.restart(self.has_all_kinds),
            },
            "pong" => {
                if let Some(cursor) = message.get("cursor") {
                    self.move_cursor(cursor.as_str().expect("text"));
                }
            }
            "error" | "stale" | "fresh" | "expiring" | "token" => {}
            other => panic!("{other}: {message}"),
        }
    }

    fn restart(&mut self, is_exact: bool) {
        (self.people, self.last) = (BTreeMap::new(), BTreeMap::new());
        (self.is_live, self.is_exact, self.cursor) = (false, is_exact, None);
    }

    fn apply_change(&mut self, change: &Value) {
        let kind = change["type"].as_str().expect("a type");
        let id = change.get("person").map_or_else(|| id_of(change), id_of);
        let is_in = self.people.contains_key(&id);
        if self.is_exact {
            assert_eq!(
                is_in,
                !matches!(kind, "create" | "enter"),
                "does not fit the people of the view: {change}"
            );
        }
        if matches!(kind, "leave" | "delete") {
            self.people.remove(&id);
        } else {
            self.people.insert(id, change["person"].clone());
        }
    }

    fn advance(&mut self, at: &str) {
        let (partition, position) = at.split_once(':').expect("an at");
        let before = self.last.insert(partition.to_owned(), position.to_owned());
        let known = self
            .cursor
            .as_ref()
            .and_then(|cursor| cursor.get(partition).cloned());
        for before in before.into_iter().chain(known) {
            assert!(
                seq(position) > seq(&before) || epoch(position) != epoch(&before),
                "{at} after {before}"
            );
        }
        if let Some(cursor) = &mut self.cursor {
            cursor.insert(partition.to_owned(), position.to_owned());
        }
    }

    /// Replaces the cursor. No position may go back within its epoch.
    pub(crate) fn move_cursor(&mut self, cursor: &str) {
        let cursor = positions(cursor);
        let known = self.cursor.iter().flatten().chain(&self.last);
        for (partition, position) in known.filter(|(partition, _)| *partition != RIGHTS) {
            let now = &cursor[partition];
            assert!(
                seq(now) >= seq(position) || epoch(now) != epoch(position),
                "{now} after {position}"
            );
        }
        self.cursor = Some(cursor);
    }
}

/// A cursor's positions by partition, and its rights under [`RIGHTS`].
pub(crate) fn positions(cursor: &str) -> BTreeMap<String, String> {
    let ats = cursor
        .split(',')
        .map(|at| at.split_once(':').expect("an at"));
    ats.map(|(partition, position)| (partition.to_owned(), position.to_owned()))
        .collect()
}

pub(crate) fn seq(position: &str) -> u64 {
    position
        .split('.')
        .nth(1)
        .expect("EPOCH.SEQ.TAG")
        .parse()
        .expect("a number")
}

fn epoch(position: &str) -> &str {
    position.split('.').next().expect("EPOCH.SEQ.TAG")
}

fn id_of(named: &Value) -> String {
    named["id"].as_str().expect("an id").to_owned()
}
