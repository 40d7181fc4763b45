//! Exact views, message by message, as clients see them that know only the wire format.

mod changes;
mod continuity;
mod filters;
mod formats;
mod messages;
mod position;
mod projection;
pub(crate) mod reader;
mod resume;
mod slow_clients;
mod starts;
pub(crate) mod view;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};
use people_testing::wait::{DEADLINE, eventually};
use view::View;

/// The filter of most tests.
pub(crate) const ADULTS: &str = "age >= 18";
/// People whose last save was in an even round of `save_big`.
const EVEN: &str = r#"job.matches("^[0-9]*[02468] ")"#;

/// A client of people.v1.json. Its view folds each message, and fails the test on a message that an
/// exact stream cannot contain.
pub(crate) struct Client {
    pub(crate) listener: Listener,
    pub(crate) view: View,
}

/// The position of a test's last write in each partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteHeads(BTreeMap<String, String>);

/// An endpoint's path with these query parameters, encoded.
pub(crate) fn path(endpoint: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    if query.is_empty() {
        endpoint.to_owned()
    } else {
        format!("{endpoint}?{query}")
    }
}

impl Client {
    pub(crate) async fn open(gateway: &Gateway, parameters: &[(&str, &str)]) -> Self {
        Self::open_as(gateway, gateway.token.as_deref(), parameters).await
    }

    /// Connects a caller with this token, or without one.
    pub(crate) async fn open_as(
        gateway: &Gateway,
        token: Option<&str>,
        parameters: &[(&str, &str)],
    ) -> Self {
        let path = path("/updates", parameters);
        let token = token.map_or(String::new(), |token| format!(", bearer.{token}"));
        let offered = format!("people.v1.json{token}");
        let (listener, chosen) = Listener::open_as(gateway.address, &path, &offered).await;
        assert_eq!(chosen.as_deref(), Some("people.v1.json"));
        let from = parameters
            .iter()
            .find(|(name, _)| *name == "from")
            .map_or("now", |(_, from)| *from);
        let kinds = parameters
            .iter()
            .any(|(name, value)| *name == "kinds" && *value != "all");
        Self {
            listener,
            view: View::from(from, !kinds),
        }
    }

    /// Connects, and reads up to `live`.
    pub(crate) async fn live(gateway: &Gateway, parameters: &[(&str, &str)]) -> Self {
        let mut client = Self::open(gateway, parameters).await;
        client.until("live").await;
        client
    }

    /// The next message, folded into the view.
    pub(crate) async fn message(&mut self) -> Value {
        let text = self.listener.sentence().await;
        let message = serde_json::from_str(&text).expect("JSON");
        self.view.apply(&message);
        message
    }

    /// Reads up to and including the first message of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        while messages
            .last()
            .is_none_or(|last: &Value| last["type"] != kind)
        {
            messages.push(self.message().await);
        }
        messages
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.listener.say(&message.to_string()).await;
    }

    /// Reads until the stream has passed these writes. Returns the messages without positions,
    /// whose number depends on time alone.
    pub(crate) async fn read_past(&mut self, written: &WriteHeads) -> Vec<Value> {
        let mut received = Vec::new();
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            self.send(json!({"type": "ping", "ref": "passes"})).await;
            received.extend(self.until("pong").await);
            let pong = received.pop().expect("a pong");
            assert_eq!(pong["ref"], "passes");
            if written.is_reached_by(pong["cursor"].as_str().expect("a live client has a cursor")) {
                received.retain(|message| message["type"] != "position");
                return received;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the stream does not reach {written:?}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Reads to the end of the connection.
    pub(crate) async fn end(self) -> End {
        self.listener.end().await
    }
}

impl WriteHeads {
    pub(crate) fn add(&mut self, at: &str) {
        let (partition, position) = at.split_once(':').expect("an at");
        let known = self
            .0
            .entry(partition.to_owned())
            .or_insert_with(|| position.to_owned());
        if view::seq(position) > view::seq(known) {
            position.clone_into(known);
        }
    }

    /// Whether the cursor has reached all of these positions.
    pub(crate) fn is_reached_by(&self, cursor: &str) -> bool {
        let cursor = view::positions(cursor);
        self.0
            .iter()
            .all(|(partition, at)| view::seq(&cursor[partition]) >= view::seq(at))
    }

    pub(crate) fn merge(mut self, other: &Self) -> Self {
        for (partition, position) in &other.0 {
            self.add(&format!("{partition}:{position}"));
        }
        self
    }
}

/// A person of this age.
pub(crate) fn aged(age: u64) -> Value {
    let mut ada = person("Ada");
    ada["age"] = json!(age);
    ada
}

/// Creates or replaces a person. Returns the change's log position.
pub(crate) async fn save(gateway: &Gateway, id: &str, person: &Value) -> String {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        for new in [false, true] {
            let mut request = gateway
                .request("PUT", &format!("/people/{id}"))
                .header("content-type", "application/json");
            if new {
                request = request.header("if-none-match", "*");
            }
            let answer = request
                .body(person.to_string())
                .send()
                .await
                .expect("an answer");
            match answer.status().as_u16() {
                200 | 201 => return at(&answer),
                404 | 412 | 503 => {}
                other => panic!("{other}"),
            }
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{id} cannot be saved"
        );
    }
}

/// Deletes a person. Returns the change's log position, none if the person did not exist.
pub(crate) async fn delete(gateway: &Gateway, id: &str) -> Option<String> {
    let answer = gateway
        .request("DELETE", &format!("/people/{id}"))
        .send()
        .await
        .expect("an answer");
    (answer.status() == 204).then(|| at(&answer))
}

pub(crate) fn at(answer: &reqwest::Response) -> String {
    answer.headers()["change-position"]
        .to_str()
        .expect("ASCII")
        .to_owned()
}

/// Saves these people with ages on both sides of 18, and deletes some, in an order that `seed`
/// decides. Returns the last position of each partition.
async fn churn(gateway: &Gateway, people: &[String], changes: usize, seed: u64) -> WriteHeads {
    let (mut written, mut random) = (
        WriteHeads::default(),
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
    );
    for _ in 0..changes {
        // xorshift64: the same history for the same seed.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let id = &people[usize::try_from(random >> 40).expect("24 bits") % people.len()];
        match random >> 8 & 0xff {
            0..50 => {
                if let Some(at) = delete(gateway, id).await {
                    written.add(&at);
                }
            }
            age => written.add(&save(gateway, id, &aged(age % 36)).await),
        }
    }
    written
}

/// The people in the list's answer for this filter, by id.
pub(crate) async fn listed(gateway: &Gateway, filter: &str) -> BTreeMap<String, Value> {
    let answer = gateway
        .request("GET", &path("/people", &[("where", filter)]))
        .send()
        .await
        .expect("an answer");
    let people: Vec<Value> =
        serde_json::from_str(&answer.text().await.expect("a whole list")).expect("JSON");
    people
        .into_iter()
        .map(|person| (person["id"].as_str().expect("an id").to_owned(), person))
        .collect()
}

/// Waits until the gateway's stream has passed these writes: REST may answer a moment earlier.
pub(crate) async fn wait_past(gateway: &Gateway, written: &WriteHeads) {
    Client::live(gateway, &[]).await.read_past(written).await;
}

pub(crate) fn types(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["type"].as_str().expect("a type"))
        .collect()
}

/// The names of a message's members, in order.
pub(crate) fn members(message: &Value) -> Vec<&str> {
    message
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Waits until a counter has this value or more.
async fn wait_for_count(gateway: &Gateway, name: &str, at_least: u64) {
    eventually(name, || async { gateway.count(name).await >= at_least }).await;
}
