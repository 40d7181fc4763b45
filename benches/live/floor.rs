//! The floor: a server of one thread that does nothing but write prepared frames.
//!
//! It answers every handshake and every request without reading more of them than their ends; for each request it sends
//! one frame of the gateway's size to every client. `each` sends every frame by a call of its own; `together` sends what
//! is due to a client, when several requests came at once, by one call.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::net::SendFlags;

use crate::support::person::{PERSON, sentence_length};
use crate::support::poller::Poller;
use crate::support::report::say;

const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";
/// The number under which the listener is watched.
const LISTENER: usize = usize::MAX;

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// One call a frame.
    Each,
    /// One call for all frames that a client is due.
    Together,
}

impl Writes {
    /// The word that [`TryFrom`] reads.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Together => "together",
        }
    }
}

impl TryFrom<&str> for Writes {
    type Error = anyhow::Error;

    fn try_from(word: &str) -> anyhow::Result<Self> {
        let all = [Self::Each, Self::Together];
        all.into_iter().find(|writes| writes.word() == word).context("each or together?")
    }
}

/// Tells its address, then serves until it is killed.
pub(crate) fn run(writes: Writes) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    rustix::net::listen(&listener, 4096)?;
    say(&format!("http://{}\n", listener.local_addr()?))?;
    let mut poller = Poller::new()?;
    poller.add(&listener, LISTENER)?;
    let mut floor = Floor { writes, connections: Vec::new(), clients: Vec::new(), frame: frame() };
    let mut ready = Vec::new();
    loop {
        poller.wait(Duration::from_secs(1), &mut ready)?;
        let mut due = 0;
        for number in &ready {
            if *number == LISTENER {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                poller.add(&stream, floor.connections.len())?;
                floor.connections.push(Some(stream));
            } else if floor.heard(*number)? == Heard::Request {
                due += 1;
            }
        }
        floor.send(due)?;
    }
}

/// A text frame as long as what the gateway sends when [`PERSON`] was saved.
fn frame() -> Vec<u8> {
    let length = u16::try_from(sentence_length()).unwrap_or(u16::MAX);
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.resize(frame.len() + usize::from(length), b'x');
    frame
}

struct Floor {
    writes: Writes,
    /// All that were accepted, by number; none once they are clients, or gone.
    connections: Vec<Option<TcpStream>>,
    clients: Vec<TcpStream>,
    frame: Vec<u8>,
}

#[derive(PartialEq, Eq)]
enum Heard {
    Request,
    Other,
}

impl Floor {
    /// A request or a handshake comes in one piece: the load writes it so, and it is smaller than any buffer.
    fn heard(&mut self, number: usize) -> anyhow::Result<Heard> {
        let Some(stream) = &mut self.connections[number] else { return Ok(Heard::Other) };
        let mut buffer = [0; 2048];
        let count = stream.read(&mut buffer)?;
        let text = &buffer[..count];
        if count == 0 {
            self.connections[number] = None;
        } else if text.starts_with(b"GET ") {
            stream.write_all(UPGRADED)?;
            self.clients.extend(self.connections[number].take());
        } else {
            ensure!(text.ends_with(PERSON.as_bytes()), "a request in pieces");
            stream.write_all(CREATED)?;
            return Ok(Heard::Request);
        }
        Ok(Heard::Other)
    }

    fn send(&self, due: usize) -> anyhow::Result<()> {
        let (calls, bytes) = match self.writes {
            Writes::Each => (due, self.frame.clone()),
            Writes::Together => (due.min(1), self.frame.repeat(due)),
        };
        for _ in 0..calls {
            for client in &self.clients {
                let sent = rustix::net::send(client, &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
                ensure!(sent == bytes.len(), "a client does not read: the load is too slow for a floor without queues");
            }
        }
        Ok(())
    }
}
