//! A WebSocket peer that works byte by byte: it can send frames that no library sends, and panics
//! on frames that RFC 6455 forbids. It answers neither pings nor close frames by itself.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use people_testing::wait::DEADLINE;

/// First bytes of frames: final, with their opcode.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// The last fragment of a message.
pub(crate) const LAST: u8 = 0x80;
/// The first fragment of a text.
pub(crate) const FIRST: u8 = 0x01;
/// A fragment that is neither first nor last.
pub(crate) const MIDDLE: u8 = 0x00;

/// Bytes that the kernel buffers for a slow peer.
const SMALL_BUFFER: u32 = 4096;

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// A frame from the server, or the end of the connection between two frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Ping,
    Pong(Vec<u8>),
    /// Code (none where the frame was empty) and reason.
    Close(Option<u16>, String),
    End,
}

/// An answer that refuses a handshake.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// Header lines, in lower case.
    pub(crate) head: String,
    pub(crate) problem: Value,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_socket(TcpSocket::new_v4().expect("a socket"), address).await
    }

    async fn connect_socket(socket: TcpSocket, address: SocketAddr) -> Self {
        let stream = timeout(DEADLINE, socket.connect(address))
            .await
            .expect("in time")
            .expect("a connection");
        stream.set_nodelay(true).expect("a socket of ours");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Opens a WebSocket.
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Self {
        let mut peer = Self::connect(address).await;
        peer.upgrade(path).await;
        peer
    }

    /// Opens a WebSocket for which the kernel buffers little.
    pub(crate) async fn open_small(address: SocketAddr, path: &str) -> Self {
        let mut peer = Self::connect_small(address).await;
        peer.upgrade(path).await;
        peer
    }

    /// Connects; the kernel buffers little.
    pub(crate) async fn connect_small(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_recv_buffer_size(SMALL_BUFFER)
            .expect("a socket of ours");
        Self::connect_socket(socket, address).await
    }

    async fn upgrade(&mut self, path: &str) {
        self.send(handshake(path, &[]).as_bytes()).await;
        self.expect_upgrade().await;
    }

    /// Reads the answer to a handshake; it must be 101.
    pub(crate) async fn expect_upgrade(&mut self) {
        let (status, head) = self.head().await;
        assert_eq!(status, 101, "{head}");
        assert!(
            head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(DEADLINE, self.stream.write_all(bytes))
            .await
            .expect("in time")
            .expect("an open connection");
    }

    /// Sends; returns an error if the connection is closed.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(DEADLINE, self.stream.write_all(bytes))
            .await
            .expect("in time")
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(&frame(TEXT, text.as_bytes())).await;
    }

    /// Closes the sending half of the connection.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.expect("an open connection");
    }

    /// Reads the head of an answer: status and header lines, in lower case.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let end = loop {
            if let Some(end) = self
                .read
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break end + 4;
            }
            assert!(
                self.read_more().await,
                "no answer: {:?}",
                String::from_utf8_lossy(&self.read)
            );
        };
        let head = String::from_utf8(self.read.drain(..end).collect())
            .expect("ASCII")
            .to_lowercase();
        (head[9..12].parse().expect("a status"), head)
    }

    /// Reads an answer that refuses a handshake.
    pub(crate) async fn refusal(&mut self) -> Refusal {
        let (status, head) = self.head().await;
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split('\r').next());
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        while self.read.len() < length {
            assert!(self.read_more().await, "the body is cut");
        }
        let body: Vec<u8> = self.read.drain(..length).collect();
        Refusal {
            status,
            head,
            problem: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// Reads lines up to the next empty one, from a body that ends with the connection; `None` at
    /// its end.
    pub(crate) async fn paragraph(&mut self) -> Option<String> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.read[searched..]
                .windows(2)
                .position(|pair| pair == b"\n\n")
            {
                let end = searched + found;
                let lines: Vec<u8> = self.read.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(lines).expect("UTF-8"));
            }
            searched = self.read.len().saturating_sub(1);
            if !self.read_more().await {
                // Comments may come before an event that never came.
                let rest = String::from_utf8_lossy(&self.read).replace(":\n", "");
                assert_eq!(rest, "", "cut within an event");
                return None;
            }
        }
    }

    /// Reads the next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.parse() {
                return frame;
            }
            if !self.read_more().await {
                assert!(
                    self.read.is_empty(),
                    "cut within a frame, after {} bytes of it",
                    self.read.len()
                );
                return Frame::End;
            }
        }
    }

    /// Reads the next frame that is not a ping. The deadline includes the pings before it.
    pub(crate) async fn next_non_ping(&mut self) -> Frame {
        let frame = async {
            loop {
                match self.next().await {
                    Frame::Ping => {}
                    other => return other,
                }
            }
        };
        timeout(DEADLINE, frame)
            .await
            .expect("more than pings in time")
    }

    /// Reads to the end of the connection; leaves out pings.
    pub(crate) async fn rest(&mut self) -> Vec<Frame> {
        let mut all = Vec::new();
        while all.last() != Some(&Frame::End) {
            all.push(self.next_non_ping().await);
        }
        all
    }

    /// Reads at most so many bytes, to be parsed later; returns false at the end of the connection.
    pub(crate) async fn read_some(&mut self, max_bytes: usize) -> bool {
        let mut bytes = vec![0; max_bytes];
        match timeout(DEADLINE, self.stream.read(&mut bytes))
            .await
            .expect("something comes in time")
        {
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(_) => false,
        }
    }

    /// The bytes read and not parsed.
    pub(crate) fn unparsed(&self) -> &[u8] {
        &self.read
    }

    async fn read_more(&mut self) -> bool {
        self.read_some(64 * 1024).await
    }

    /// Takes the first frame out of the bytes read, once it is complete.
    fn parse(&mut self) -> Option<Frame> {
        let (first, second) = (*self.read.first()?, *self.read.get(1)?);
        assert_eq!(
            first & 0xf0,
            0x80,
            "one piece, no reserved bits: {first:#x}"
        );
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (start, length) = match second {
            126 => (
                4,
                usize::from(u16::from_be_bytes(
                    self.read.get(2..4)?.try_into().expect("two bytes"),
                )),
            ),
            127 => (
                10,
                u64::from_be_bytes(self.read.get(2..10)?.try_into().expect("eight bytes"))
                    .try_into()
                    .ok()?,
            ),
            short => (2, usize::from(short)),
        };
        let shortest = if length < 126 {
            2
        } else {
            4 + 6 * usize::from(length > 65_535)
        };
        assert_eq!(start, shortest, "the shortest form of the length");
        assert!(first & 8 == 0 || length <= 125, "control frames are short");
        if self.read.len() < start + length {
            return None;
        }
        let payload = self.read[start..start + length].to_vec();
        self.read.drain(..start + length);
        Some(decode(first, payload))
    }
}

fn decode(first: u8, payload: Vec<u8>) -> Frame {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text is UTF-8");
    match first {
        TEXT => Frame::Text(text(&payload)),
        PING => Frame::Ping,
        PONG => Frame::Pong(payload),
        CLOSE if payload.is_empty() => Frame::Close(None, String::new()),
        CLOSE => Frame::Close(
            Some(u16::from_be_bytes([payload[0], payload[1]])),
            text(&payload[2..]),
        ),
        other => panic!("not a frame of the text format: {other:#x}"),
    }
}

/// The request of a handshake. `changed` replaces headers by name; an empty value removes one.
pub(crate) fn handshake(path: &str, changed: &[(&str, &str)]) -> String {
    let usual = [
        ("Host", "localhost"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    let changed = changed.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<_> = kept
        .chain(changed)
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("GET {path} HTTP/1.1\r\n{}\r\n", lines.concat())
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let length = match length {
        0..126 => vec![u8::try_from(length).expect("short")],
        126..65_536 => [
            &[126][..],
            &u16::try_from(length).expect("16 bits").to_be_bytes(),
        ]
        .concat(),
        _ => [&[127][..], &(length as u64).to_be_bytes()].concat(),
    };
    frame_with(first, &length, payload)
}

/// A masked frame with these bytes as its length; the mask bit is added.
pub(crate) fn frame_with(first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first, length[0] | 0x80];
    bytes.extend_from_slice(&length[1..]);
    bytes.extend_from_slice(&MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

/// A masked close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason].concat())
}
