//! A client in any format that has a cursor: it has hardly any room in its kernel, reads only when
//! it is asked to, and folds what it reads as a client of people.v1.json would.

use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use super::view::View;
use super::{Written, path};
use crate::live::websocket::peer::{Got, Peer, handshake};
use people_testing::process::Gateway;
use people_testing::wait::DEADLINE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViewFormat {
    Json,
    CloudEvents,
    Sse,
}

pub(super) struct Reader {
    peer: Peer,
    format: ViewFormat,
    pub(super) view: View,
    /// The id of the last message, where it is a server-sent event and has one.
    pub(super) last_id: Option<String>,
}

impl Reader {
    /// Connects, and reads nothing but the answer to that.
    pub(super) async fn open(
        gateway: &Gateway,
        format: ViewFormat,
        parameters: &[(&str, &str)],
    ) -> Self {
        let path = path("/updates", parameters);
        let mut peer = Peer::connect_small(gateway.address).await;
        match format {
            ViewFormat::Json | ViewFormat::CloudEvents => {
                let name = if format == ViewFormat::Json {
                    "people.v1.json"
                } else {
                    "cloudevents.json"
                };
                peer.send(handshake(&path, &[("Sec-WebSocket-Protocol", name)]).as_bytes())
                    .await;
                peer.shaken().await;
            }
            ViewFormat::Sse => {
                // To a client of HTTP/1.0 the events come as they are, without the lengths of
                // chunks between them.
                peer.send(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())
                    .await;
                let (status, head) = peer.head().await;
                assert_eq!(status, 200, "{head}");
            }
        }
        let parameter = |name: &str| {
            parameters
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let view = View::from(
            parameter("from").unwrap_or("now"),
            matches!(parameter("kinds"), None | Some("all")),
        );
        Self {
            peer,
            format,
            view,
            last_id: None,
        }
    }

    /// Connects, and reads up to `live`.
    pub(super) async fn live(
        gateway: &Gateway,
        format: ViewFormat,
        parameters: &[(&str, &str)],
    ) -> Self {
        let mut this = Self::open(gateway, format, parameters).await;
        this.until("live").await;
        this
    }

    /// Says a message; not in server-sent events.
    pub(super) async fn say(&mut self, message: &Value) {
        self.peer.say(&message.to_string()).await;
    }

    /// The next message as people.v1.json has it, folded; or how the stream ended.
    pub(super) async fn next(&mut self) -> Result<Value, Got> {
        let message = match self.format {
            ViewFormat::Sse => timeout(DEADLINE, self.event())
                .await
                .expect("more than comments in time")
                .ok_or(Got::End)?,
            ViewFormat::Json | ViewFormat::CloudEvents => match self.peer.told().await {
                Got::Text(text) if self.format == ViewFormat::Json => {
                    serde_json::from_str(&text).expect("JSON")
                }
                Got::Text(text) => plain(serde_json::from_str(&text).expect("JSON")),
                end => return Err(end),
            },
        };
        self.view.apply(&message);
        if let Some(id) = &self.last_id {
            // Where changes are not shown, it is further than all that is.
            self.view.moves(id);
        }
        Ok(message)
    }

    /// The next message; there must be one.
    pub(super) async fn message(&mut self) -> Value {
        self.next().await.expect("a message")
    }

    /// The messages up to and with the first of this type.
    pub(super) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        while messages
            .last()
            .is_none_or(|last: &Value| last["type"] != kind)
        {
            messages.push(self.message().await);
        }
        messages
    }

    /// What is shown until the cursor has passed what was written. The gateway must tell positions.
    pub(super) async fn passes(&mut self, written: &Written) -> Vec<Value> {
        let (mut shown, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        while !self.view.is_live || !written.is_passed(&self.view.cursor()) {
            assert!(Instant::now() < deadline, "{written:?} is never passed");
            shown.push(self.message().await);
        }
        shown
    }

    /// The next event; comments, and how long to wait before connecting again, may stand in front
    /// of it.
    async fn event(&mut self) -> Option<Value> {
        let block = self.peer.paragraph().await?;
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
        };
        let message: Value = serde_json::from_str(&field("data: ").expect("data")).expect("JSON");
        assert_eq!(
            field("event: ").as_deref(),
            message["type"].as_str(),
            "{block}"
        );
        self.last_id = field("id: ");
        Some(message)
    }
}

/// What people.v1.json says instead of this event.
fn plain(event: Value) -> Value {
    assert_eq!(
        (&event["specversion"], &event["source"]),
        (&json!("1.0"), &json!("/people"))
    );
    let kind = event["type"]
        .as_str()
        .and_then(|kind| kind.strip_prefix("people."))
        .expect("a type of ours");
    let mut message = Map::from_iter([("type".to_owned(), json!(kind))]);
    match kind {
        "create" | "enter" | "update" => {
            message.extend([
                ("at".to_owned(), event["id"].clone()),
                ("person".to_owned(), event["data"].clone()),
            ]);
        }
        _ => {
            if matches!(kind, "leave" | "delete") {
                message.insert("at".to_owned(), event["id"].clone());
            } else {
                let id: uuid::Uuid = event["id"].as_str().expect("text").parse().expect("a UUID");
                assert!(!id.is_nil() && event.get("subject").is_none(), "{event}");
            }
            message.extend(event["data"].as_object().expect("an object").clone());
        }
    }
    message.into()
}
