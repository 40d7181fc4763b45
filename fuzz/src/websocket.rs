//! Frames of WebSocket clients, and the messages in them.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use people_gateway::protocol::close::{Close, CloseCode};
use people_gateway::protocol::request::{Request, TokenText};
use people_gateway::protocol::text::TextCommand;
use people_gateway::session::{FrameReader, Incoming};
use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 1000;

/// What came, in the terms of both readers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Received {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

impl Received {
    /// The same in tungstenite's terms: it has no code 1014, which IANA has registered since, and
    /// reports a wrong code as 1002.
    fn known(&self) -> Self {
        match self {
            Self::Close(Some(1014)) => Self::Close(Some(1002)),
            other => other.clone(),
        }
    }
}

/// Reads the bytes behind the first as what a client sends, whole and in pieces of the length that
/// the first byte says: both must give the same. What is accepted without an error, tungstenite
/// reads as the same messages. Then each text is read as a request.
pub fn websocket(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else {
        return;
    };
    let (whole, end) = read(&[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(*piece).max(1)).collect();
    let (received, end_of_pieces) = read(&pieces);
    assert_eq!((&received, &end_of_pieces), (&whole, &end));
    if end.is_ok() {
        let (received, error) = read_by_tungstenite(bytes);
        // It refuses what is no UTF-8 with the first part of a message, and not with the last.
        let is_early = matches!(error, Error::Utf8(_)) && whole.starts_with(&received);
        let same = received == whole.iter().map(Received::known).collect::<Vec<_>>();
        assert!(is_early || same, "{received:?} {whole:?}");
    }
    for received in whole {
        if let Received::Text(text) = received {
            check_text(&text);
        }
    }
}

/// What the gateway's reader hands over of these pieces, and how it ends.
fn read(pieces: &[&[u8]]) -> (Vec<Received>, Result<ControlFlow<()>, Close>) {
    let (mut reader, mut received) = (FrameReader::default(), Vec::new());
    let mut end = Ok(ControlFlow::Continue(()));
    for piece in pieces {
        end = reader.read(&mut piece.to_vec(), MESSAGE_BYTES_MAX, |incoming| {
            received.extend(match incoming {
                Incoming::Text(text) => Some(Received::Text(text.to_owned())),
                Incoming::Binary => Some(Received::Binary),
                Incoming::Ping(payload) => Some(Received::Ping(payload.to_vec())),
                Incoming::Pong => Some(Received::Pong),
                Incoming::Fragment => None,
                Incoming::Close(code) => Some(Received::Close(code.map(CloseCode::get))),
            });
            Ok(())
        });
        if !matches!(end, Ok(ControlFlow::Continue(()))) {
            break;
        }
    }
    (received, end)
}

/// What tungstenite reads, and the error that ends it: at the latest the end of the bytes.
fn read_by_tungstenite(bytes: &[u8]) -> (Vec<Received>, Error) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX.max(125)));
    let mut socket = WebSocket::from_raw_socket(Bytes(bytes), Role::Server, Some(config));
    let mut received = Vec::new();
    loop {
        let message = match socket.read() {
            Ok(message) => message,
            Err(error) => return (received, error),
        };
        received.extend(match message {
            Message::Text(text) => Some(Received::Text(text.to_string())),
            Message::Binary(_) => Some(Received::Binary),
            Message::Ping(payload) => Some(Received::Ping(payload.to_vec())),
            Message::Pong(_) => Some(Received::Pong),
            Message::Close(frame) => Some(Received::Close(frame.map(|frame| frame.code.into()))),
            Message::Frame(_) => None,
        });
    }
}

/// A stream of these bytes, which takes whatever is written.
struct Bytes<'b>(&'b [u8]);

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A request is what its JSON says, and a refusal has a reason.
fn check_text(text: &str) {
    let kinds = TextCommand::read(text);
    assert_eq!(kinds == TextCommand::Stop, text == "stop");
    let request = match Request::read(text) {
        Ok(request) => request,
        Err(refused) => {
            assert!(refused.problem.to_json(None)["detail"].is_string());
            return;
        }
    };
    let sent: Value = serde_json::from_str(text).expect("JSON");
    let (kind, reference) = match request {
        Request::Filter {
            filter_text,
            reference,
            ..
        } => {
            assert_eq!(sent["where"].as_str().unwrap_or_default(), filter_text);
            ("filter", reference)
        }
        Request::Ping { reference } => ("ping", reference),
        Request::Token {
            token: TokenText(token),
            reference,
        } => {
            assert_eq!(sent["token"], token);
            ("token", reference)
        }
        Request::Stop => ("stop", None),
    };
    assert_eq!(sent["type"], kind);
    assert_eq!(sent["ref"].as_str().map(str::to_owned), reference);
}
