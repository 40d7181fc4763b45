//! The view that a client folds, and what an exact stream can never say to it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a client knows.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Everyone in it, by id.
    pub(super) people: BTreeMap<String, Value>,
    /// The cursor, by partition; none where the client holds none.
    pub(super) cursor: Option<BTreeMap<String, String>>,
    pub(super) is_live: bool,
    /// The last `at` of each partition since the stream began.
    last: BTreeMap<String, String>,
    /// Whether who is in is known: changes must then fit.
    is_exact: bool,
    shows_all_kinds: bool,
}

impl View {
    /// A client that connects so; with `shows_all_kinds` it misses no kind of change.
    pub(super) fn from(from: &str, shows_all_kinds: bool) -> Self {
        Self {
            people: BTreeMap::new(),
            cursor: from.contains(':').then(|| positions(from)),
            is_live: false,
            last: BTreeMap::new(),
            is_exact: from == "snapshot" && shows_all_kinds,
            shows_all_kinds,
        }
    }

    /// The same client connecting again with its cursor: it keeps what it knows.
    pub(super) fn resumed(&self) -> Self {
        Self {
            is_live: false,
            last: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The cursor as text, laid together from the last one and the `at`s since.
    pub(super) fn cursor(&self) -> String {
        let cursor = self.cursor.as_ref().expect("the client holds a cursor");
        let ats: Vec<_> = cursor
            .iter()
            .map(|(partition, position)| format!("{partition}:{position}"))
            .collect();
        ats.join(",")
    }

    /// Folds a message, or fails the test where an exact stream cannot say it now.
    pub(super) fn apply(&mut self, message: &Value) {
        let text = |name: &str| {
            message[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name}: {message}"))
        };
        match text("type") {
            "snapshot" => {
                assert!(!self.is_live, "a page to who is live: {message}");
                self.cursor = None;
                for person in message["people"].as_array().expect("people") {
                    let twice = self.people.insert(id_of(person), person.clone());
                    assert!(twice.is_none(), "shown twice: {person}");
                }
            }
            "live" => {
                assert!(!self.is_live, "one live per start");
                self.is_live = true;
                self.moves(text("cursor"));
            }
            "create" | "enter" | "update" | "leave" | "delete" => {
                self.passes(text("at"));
                self.change(message);
            }
            "batch" => {
                for change in message["changes"].as_array().expect("changes") {
                    assert!(change.get("at").is_none(), "{change}");
                    self.change(change);
                }
                self.moves(text("cursor"));
            }
            "position" => self.moves(text("cursor")),
            "reset" => self.begins_again(true),
            "filtered" => match message.get("cursor") {
                Some(cursor) => {
                    // The people of the new view are not known.
                    (self.is_exact, self.people) = (false, BTreeMap::new());
                    self.moves(cursor.as_str().expect("text"));
                }
                None => self.begins_again(self.shows_all_kinds),
            },
            "pong" => {
                if let Some(cursor) = message.get("cursor") {
                    self.moves(cursor.as_str().expect("text"));
                }
            }
            "error" | "stale" | "fresh" => {}
            other => panic!("{other}: {message}"),
        }
    }

    fn begins_again(&mut self, is_exact: bool) {
        (self.people, self.last) = (BTreeMap::new(), BTreeMap::new());
        (self.is_live, self.is_exact, self.cursor) = (false, is_exact, None);
    }

    fn change(&mut self, change: &Value) {
        let kind = change["type"].as_str().expect("a type");
        let id = change.get("person").map_or_else(|| id_of(change), id_of);
        let is_in = self.people.contains_key(&id);
        if self.is_exact {
            assert_eq!(
                is_in,
                !matches!(kind, "create" | "enter"),
                "does not fit who is in: {change}"
            );
        }
        if matches!(kind, "leave" | "delete") {
            self.people.remove(&id);
        } else {
            self.people.insert(id, change["person"].clone());
        }
    }

    fn passes(&mut self, at: &str) {
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

    /// Replaces the cursor by one that is as far or further.
    pub(super) fn moves(&mut self, cursor: &str) {
        let cursor = positions(cursor);
        for (partition, position) in self.cursor.iter().flatten().chain(&self.last) {
            let now = &cursor[partition];
            assert!(
                seq(now) >= seq(position) || epoch(now) != epoch(position),
                "{now} after {position}"
            );
        }
        self.cursor = Some(cursor);
    }
}

/// A cursor's positions by partition.
pub(super) fn positions(cursor: &str) -> BTreeMap<String, String> {
    let ats = cursor
        .split(',')
        .map(|at| at.split_once(':').expect("an at"));
    ats.map(|(partition, position)| (partition.to_owned(), position.to_owned()))
        .collect()
}

pub(super) fn seq(position: &str) -> u64 {
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
