//! A client in any format that has a cursor. Its receive buffer is tiny, it reads only when a test
//! asks for a message, and it folds each message as a client of people.v1.json does.

use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use super::view::View;
use super::{WriteHeads, path};
use crate::live::websocket::peer::{Frame, Peer, handshake};
use people_testing::process::Gateway;
use people_testing::wait::DEADLINE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewFormat {
    Json,
    CloudEvents,
    Sse,
}

pub(crate) struct Reader {
    peer: Peer,
    format: ViewFormat,
    pub(crate) view: View,
    /// The id of the last message, if that was a server-sent event with an id.
    pub(crate) last_id: Option<String>,
}

impl Reader {
    /// Connects, and reads only the response head.
    pub(crate) async fn open(
        gateway: &Gateway,
        format: ViewFormat,
        parameters: &[(&str, &str)],
    ) -> Self {
        Self::open_as(gateway, gateway.token.as_deref(), format, parameters).await
    }

    /// Connects a caller with this token, or without one.
    pub(crate) async fn open_as(
        gateway: &Gateway,
        token: Option<&str>,
        format: ViewFormat,
        parameters: &[(&str, &str)],
    ) -> Self {
        let path = path("/updates", parameters);
        let bearer = token.map_or(String::new(), |token| format!("Bearer {token}"));
        let mut peer = Peer::connect_small(gateway.address).await;
        match format {
            ViewFormat::Json | ViewFormat::CloudEvents => {
                let name = if format == ViewFormat::Json {
                    "people.v1.json"
                } else {
                    "cloudevents.json"
                };
                let headers = [
                    ("Sec-WebSocket-Protocol", name),
                    ("Authorization", bearer.as_str()),
                ];
                peer.send(handshake(&path, &headers).as_bytes()).await;
                peer.expect_upgrade().await;
            }
            ViewFormat::Sse => {
                // HTTP/1.0 has no chunked encoding: the body is the events alone.
                let authorization = match bearer.as_str() {
                    "" => String::new(),
                    bearer => format!("Authorization: {bearer}\r\n"),
                };
                let get = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n{authorization}\r\n");
                peer.send(get.as_bytes()).await;
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
    pub(crate) async fn live(
        gateway: &Gateway,
        format: ViewFormat,
        parameters: &[(&str, &str)],
    ) -> Self {
        let mut this = Self::open(gateway, format, parameters).await;
        this.until("live").await;
        this
    }

    /// Sends a message. Server-sent events have no way to.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.peer.say(&message.to_string()).await;
    }

    /// The next message in its people.v1.json form, folded; or how the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Value, Frame> {
        let message = match self.format {
            ViewFormat::Sse => timeout(DEADLINE, self.event())
                .await
                .expect("an event in time")
                .ok_or(Frame::End)?,
            ViewFormat::Json | ViewFormat::CloudEvents => match self.peer.next_non_ping().await {
                Frame::Text(text) if self.format == ViewFormat::Json => {
                    serde_json::from_str(&text).expect("JSON")
                }
                Frame::Text(text) => from_cloud_event(serde_json::from_str(&text).expect("JSON")),
                end => return Err(end),
            },
        };
        self.view.apply(&message);
        if let Some(id) = &self.last_id {
            // The id may be ahead of every change that the filter lets through.
            self.view.move_cursor(id);
        }
        Ok(message)
    }

    /// The next message. Panics at the end of the stream.
    pub(crate) async fn message(&mut self) -> Value {
        self.next().await.expect("a message")
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

    /// Reads until the cursor has reached these writes. The gateway must send positions.
    pub(crate) async fn read_past(&mut self, written: &WriteHeads) -> Vec<Value> {
        let (mut received, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        while !self.view.is_live || !written.is_reached_by(&self.view.cursor()) {
            assert!(
                Instant::now() < deadline,
                "the stream does not reach {written:?}"
            );
            received.push(self.message().await);
        }
        received
    }

    /// The next event, without the comments and the `retry` line that may precede it.
    async fn event(&mut self) -> Option<Value> {
        let block = self.peer.paragraph().await?;
        let (message, id) = read_event(block.lines());
        self.last_id = id;
        Some(message)
    }
}

/// The people.v1.json form of a `CloudEvent`.
pub(crate) fn from_cloud_event(event: Value) -> Value {
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

/// The message and the id of a server-sent event, whose name is the type of its message.
pub(crate) fn read_event<'l>(
    lines: impl Iterator<Item = &'l str> + Clone,
) -> (Value, Option<String>) {
    let field = |name: &str| {
        let mut values = lines.clone().filter_map(|line| line.strip_prefix(name));
        values.next().map(str::to_owned)
    };
    let message: Value = serde_json::from_str(&field("data: ").expect("data")).expect("JSON");
    assert_eq!(
        field("event: ").as_deref(),
        message["type"].as_str(),
        "{message}"
    );
    (message, field("id: "))
}
