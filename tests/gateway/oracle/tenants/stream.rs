//! A stream in any format that has a cursor, as the bytes that came. The gateway may be away.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use super::access::SECRET;
use crate::views::members;
use crate::views::reader::{ViewFormat, from_cloud_event, read_event};
use people_testing::socket::{End, Listener};
use people_testing::wait::DEADLINE;

/// The close codes of a gateway that ends, or that is not ready.
const AWAY: [u16; 2] = [1012, 1013];

/// An open stream.
pub(super) enum TenantStream {
    Socket(Box<Listener>, ViewFormat),
    Events(EventSource),
}

/// A message: as it came, and in its people.v1.json form.
pub(super) struct Received {
    pub(super) raw: String,
    pub(super) message: Value,
    /// The id of a server-sent event, a cursor.
    pub(super) id: Option<String>,
}

impl TenantStream {
    /// Connects; `None` while the gateway is away.
    pub(super) async fn open(
        address: SocketAddr,
        path: &str,
        format: ViewFormat,
        token: &str,
    ) -> Option<Self> {
        let name = match format {
            ViewFormat::Sse => {
                return EventSource::open(address, path, token)
                    .await
                    .map(Self::Events);
            }
            ViewFormat::Json => "people.v1.json",
            ViewFormat::CloudEvents => "cloudevents.json",
        };
        // A browser's way to send a token, and that of all others.
        let offered = format!("{name}, bearer.{token}");
        let bearer = format!("Bearer {token}");
        let headers = if format == ViewFormat::Json {
            vec![("sec-websocket-protocol", &*offered)]
        } else {
            vec![("sec-websocket-protocol", name), ("authorization", &bearer)]
        };
        match Listener::try_open_with(address, path, &headers).await {
            Ok((listener, chosen)) => {
                assert_eq!(chosen.as_deref(), Some(name));
                Some(Self::Socket(Box::new(listener), format))
            }
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().as_deref().map(String::from_utf8_lossy);
                assert_eq!(answer.status(), 503, "{body:?}");
                None
            }
            Err(_) => None,
        }
    }

    /// The next message; `None` when the gateway is away. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Received> {
        match self {
            Self::Socket(listener, format) => match listener.next().await {
                Ok(raw) => {
                    let message = serde_json::from_str(&raw).expect("JSON");
                    let message = match format {
                        ViewFormat::CloudEvents => {
                            assert_plain_envelope(&message);
                            from_cloud_event(message)
                        }
                        _ => message,
                    };
                    let id = None;
                    Some(Received { raw, message, id })
                }
                Err(End::Closed(code, reason)) => {
                    assert!(AWAY.contains(&code), "{code} {reason}");
                    None
                }
                Err(End::Cut) => None,
            },
            Self::Events(events) => timeout(DEADLINE, events.next())
                .await
                .expect("an event in time"),
        }
    }

    /// Sends a message; false if the stream has ended or has no way to.
    pub(super) async fn send(&mut self, message: &Value) -> bool {
        match self {
            Self::Socket(listener, _) => listener.try_say(&message.to_string()).await.is_ok(),
            Self::Events(_) => false,
        }
    }
}

/// Asserts that an event tells nothing of a person outside of its data but the id and the time of
/// the change.
#[track_caller]
fn assert_plain_envelope(event: &Value) {
    let about = ["subject", "time"];
    let about = about.iter().filter(|name| event.get(**name).is_some());
    let mut names = vec!["specversion", "id", "source", "type"];
    names.extend(about);
    names.extend(["datacontenttype", "data"]);
    assert_eq!(members(event), names, "{event}");
}

/// Server-sent events over HTTP/1.0, which has no chunked encoding: the body is the events alone.
pub(super) struct EventSource {
    stream: TcpStream,
    read: Vec<u8>,
}

impl EventSource {
    async fn open(address: SocketAddr, path: &str, token: &str) -> Option<Self> {
        let get = format!(
            "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        let opening = async {
            let mut stream = TcpStream::connect(address).await.ok()?;
            stream.write_all(get.as_bytes()).await.ok()?;
            let read = Vec::new();
            let mut this = Self { stream, read };
            let head = this.up_to("\r\n\r\n").await?;
            let status = head.split(' ').nth(1).expect("a status");
            assert!(["200", "503"].contains(&status), "{head}");
            (status == "200").then_some(this)
        };
        timeout(DEADLINE, opening).await.expect("an answer in time")
    }

    async fn next(&mut self) -> Option<Received> {
        let raw = self.up_to("\n\n").await?;
        let (message, id) = read_event(raw.lines());
        Some(Received { raw, message, id })
    }

    /// Reads up to and including this mark. What was read before it is kept if the caller stops
    /// waiting.
    async fn up_to(&mut self, mark: &str) -> Option<String> {
        loop {
            let text = std::str::from_utf8(&self.read).unwrap_or_default();
            if let Some(found) = text.find(mark) {
                let bytes = self.read.drain(..found + mark.len()).collect();
                return Some(String::from_utf8(bytes).expect("UTF-8"));
            }
            let more = self.stream.read_buf(&mut self.read).await;
            // What is cut within an event is looked at, too.
            assert!(
                !String::from_utf8_lossy(&self.read).contains(SECRET),
                "a secret"
            );
            if !matches!(more, Ok(1..)) {
                return None;
            }
        }
    }
}
