//! One connection of a client: the handshake, and the messages that follow, in each format.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use people_client::Cursor;
use people_gateway::filter::Kinds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::message::ServerMessage;
use super::watcher::ClientOptions;

/// Time limit of a handshake. The client tries again after that.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Time limit of the gateway's answer to FIN.
const FINISH_LIMIT: Duration = Duration::from_secs(2);
/// Receive buffer of a slow client, in bytes. With 4 KB the kernel tells the sender of free space
/// so late that 10 KB/s get through.
const SMALL_BUFFER: u32 = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    CloudEvents,
    Sse,
    Text,
}

impl Format {
    /// Whether a client that falls behind is sent net changes.
    pub fn is_composed(self) -> bool {
        match self {
            Self::Json | Self::Sse => true,
            Self::CloudEvents | Self::Text => false,
        }
    }
}

/// How a client ends its connection without a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It sends FIN, and reads until the gateway ends the connection too.
    Finish,
    /// It sends RST.
    Reset,
}

/// An open connection.
pub(super) enum Stream {
    Socket(Format, Box<WebSocketStream<TcpStream>>),
    Events { stream: TcpStream, buffer: Vec<u8> },
}

pub(super) enum HandshakeResult {
    Stream(Box<Stream>),
    /// With the status of the answer.
    Refused(u16),
    Unreachable,
}

impl Stream {
    /// Connects, with `start` as `from`.
    pub(super) async fn open(
        options: &ClientOptions,
        address: SocketAddr,
        start: &str,
    ) -> HandshakeResult {
        let opening = async {
            let socket = TcpSocket::new_v4().ok()?;
            if options.has_small_buffer {
                socket.set_recv_buffer_size(SMALL_BUFFER).ok()?;
            }
            let stream = socket.connect(address).await.ok()?;
            let path = path(options, start);
            if options.format == Format::Sse {
                return Self::events(stream, &path).await;
            }
            Self::socket(options.format, stream, &format!("ws://{address}{path}")).await
        };
        timeout(HANDSHAKE_LIMIT, opening)
            .await
            .ok()
            .flatten()
            .unwrap_or(HandshakeResult::Unreachable)
    }

    async fn socket(format: Format, stream: TcpStream, url: &str) -> Option<HandshakeResult> {
        let mut request = url.into_client_request().expect("a request");
        let protocol = match format {
            Format::Json => Some("people.v1.json"),
            Format::CloudEvents => Some("cloudevents.json"),
            Format::Sse | Format::Text => None,
        };
        if let Some(protocol) = protocol {
            request.headers_mut().insert(
                "sec-websocket-protocol",
                protocol.parse().expect("a header"),
            );
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Some(HandshakeResult::Stream(Box::new(Self::Socket(
                format,
                Box::new(socket),
            )))),
            Err(Error::Http(answer)) => Some(HandshakeResult::Refused(answer.status().as_u16())),
            Err(_) => None,
        }
    }

    /// Opens an event stream. HTTP/1.0 has no chunked encoding: the body is the events alone.
    async fn events(mut stream: TcpStream, path: &str) -> Option<HandshakeResult> {
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("text");
        match head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())?
        {
            200 => Some(HandshakeResult::Stream(Box::new(Self::Events {
                stream,
                buffer: Vec::new(),
            }))),
            status => Some(HandshakeResult::Refused(status)),
        }
    }

    /// Ends the connection without a close frame.
    pub(super) async fn cut(self, cut: Cut) {
        let mut stream = match self {
            Self::Socket(_, socket) => socket.into_inner(),
            Self::Events { stream, .. } => stream,
        };
        match cut {
            Cut::Reset => stream.set_zero_linger().expect("a socket"),
            Cut::Finish => {
                let mut rest = [0; 4096];
                let end = async {
                    stream.shutdown().await.ok()?;
                    while stream.read(&mut rest).await.ok()? > 0 {}
                    Some(())
                };
                // Dropping the socket ends what the gateway does not.
                let _ = timeout(FINISH_LIMIT, end).await;
            }
        }
    }

    /// The next message, and the cursor in its event id if it has one. The error is the code of a
    /// close frame, none if the connection ended without one. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<(ServerMessage, Option<Cursor>), Option<u16>> {
        match self {
            Self::Socket(format, socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok((parse(*format, &text), None)),
                    Some(Ok(Message::Close(frame))) => {
                        // The answer to a close frame may be lost.
                        let _ = socket.flush().await;
                        return Err(frame.map(|frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            },
            Self::Events { stream, buffer } => loop {
                if let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let block: Vec<u8> = buffer.drain(..end + 2).collect();
                    if let Some(event) = event(&String::from_utf8(block).expect("text")) {
                        return Ok(event);
                    }
                } else if !matches!(stream.read_buf(buffer).await, Ok(1..)) {
                    return Err(None);
                }
            },
        }
    }
}

/// The status of the answer to a handshake with `start` as `from`: 200 where the connection opens,
/// 0 without an answer.
pub async fn handshake(options: &ClientOptions, address: SocketAddr, start: &str) -> u16 {
    match Stream::open(options, address, start).await {
        HandshakeResult::Stream(_) => 200,
        HandshakeResult::Refused(status) => status,
        HandshakeResult::Unreachable => 0,
    }
}

fn parse(format: Format, text: &str) -> ServerMessage {
    match format {
        Format::Text => ServerMessage::from_sentence(text),
        Format::CloudEvents => ServerMessage::from_cloud_event(text),
        Format::Json | Format::Sse => ServerMessage::from_json(text),
    }
}

/// A server-sent event and the cursor in its id; none for a block without data, such as a comment.
fn event(block: &str) -> Option<(ServerMessage, Option<Cursor>)> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let cursor = field("id").map(|id| id.parse().expect("a cursor"));
    Some((ServerMessage::from_json(field("data")?), cursor))
}

fn path(options: &ClientOptions, start: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("from", start);
    match options.kinds {
        Kinds::All => {}
        Kinds::Saves => drop(query.append_pair("kinds", "saves")),
        Kinds::Deletes => drop(query.append_pair("kinds", "deletes")),
    }
    if !options.condition.is_empty() {
        query.append_pair("where", &options.condition);
    }
    format!("/updates?{}", query.finish())
}
