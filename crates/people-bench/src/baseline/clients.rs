//! The connections of the baseline, and what it sends to them.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context as _, ensure};
use rustix::net::SendFlags;

use super::due::{DueChange, number_after};
use super::frame::PreparedFrame;
use crate::poller::{Interest, Poller};

const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";

/// How the baseline sends frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SendMode {
    /// One call for each frame
    Each,
    /// One call for all frames that a client is due
    Together,
}

/// The baseline's connections.
pub(super) struct Baseline {
    mode: SendMode,
    /// All accepted connections by number; `None` once they are closed.
    connections: Vec<Option<BaselineConnection>>,
    /// The numbers of the clients, by topic.
    clients: BTreeMap<Option<u32>, Vec<usize>>,
    frame: PreparedFrame,
}

struct BaselineConnection {
    stream: TcpStream,
    /// Whether the connection is a WebSocket.
    is_client: bool,
}

impl Baseline {
    /// A baseline without connections.
    pub(super) fn new(mode: SendMode, frame: PreparedFrame) -> Self {
        Self {
            mode,
            connections: Vec::new(),
            clients: BTreeMap::new(),
            frame,
        }
    }

    /// Accepts all waiting connections.
    pub(super) fn accept(&mut self, listener: &TcpListener, poller: &Poller) -> anyhow::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nodelay(true)?;
            poller.add(&stream, self.connections.len(), Interest::Read)?;
            self.connections.push(Some(BaselineConnection {
                stream,
                is_client: false,
            }));
        }
    }

    /// Reads from a connection, and returns the change of a request. A request or handshake arrives
    /// in one piece: the load writes it so, and it is smaller than any buffer.
    pub(super) fn receive(&mut self, number: usize) -> anyhow::Result<Option<DueChange>> {
        let Some(connection) = &mut self.connections[number] else {
            return Ok(None);
        };
        let mut buffer = [0; 2048];
        // A load that ends resets its connections.
        let count = connection.stream.read(&mut buffer).unwrap_or(0);
        let text = &buffer[..count];
        if count == 0 {
            self.connections[number] = None;
        } else if connection.is_client {
            // Ignores pongs.
        } else if text.starts_with(b"GET ") {
            connection.stream.write_all(UPGRADED)?;
            connection.is_client = true;
            self.clients.entry(topic(text)).or_default().push(number);
        } else {
            connection.stream.write_all(CREATED)?;
            ensure!(text.ends_with(b"}"), "a request in pieces");
            return DueChange::of(text, topic(text))
                .context("a request in pieces")
                .map(Some);
        }
        Ok(None)
    }

    /// Sends the frames of these changes to their clients.
    pub(super) fn send(&mut self, due: &[DueChange]) -> anyhow::Result<()> {
        match self.mode {
            SendMode::Each => {
                for change in due {
                    let frame = self.frame.with_sequence(&change.sequence);
                    let topics = [None, change.topic];
                    // A change without a topic goes to clients without one, once.
                    for topic in &topics[usize::from(change.topic.is_none())..] {
                        let clients = self.clients.get(topic).map_or(&[][..], Vec::as_slice);
                        send_to(&self.connections, clients, frame)?;
                    }
                }
            }
            SendMode::Together => {
                for (topic, clients) in &self.clients {
                    let mut frames = Vec::new();
                    for change in due
                        .iter()
                        .filter(|change| topic.is_none() || *topic == change.topic)
                    {
                        frames.extend_from_slice(self.frame.with_sequence(&change.sequence));
                    }
                    if !frames.is_empty() {
                        send_to(&self.connections, clients, &frames)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn send_to(
    connections: &[Option<BaselineConnection>],
    clients: &[usize],
    bytes: &[u8],
) -> anyhow::Result<()> {
    for client in clients
        .iter()
        .filter_map(|number| connections[*number].as_ref())
    {
        match rustix::net::send(
            &client.stream,
            bytes,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        ) {
            // A load that ends resets its connections.
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => {}
            sent => ensure!(
                sent? == bytes.len(),
                "a client does not read: too slow for a baseline without queues"
            ),
        }
    }
    Ok(())
}

/// The number in the header `x-group`.
fn topic(request: &[u8]) -> Option<u32> {
    number_after(b"\r\nx-group: ", request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_read_from_the_header_only() {
        assert_eq!(
            topic(b"GET /x-group: 3 HTTP/1.1\r\nhost: a\r\nx-group: 170\r\n\r\n"),
            Some(170)
        );
        assert_eq!(topic(b"GET /people HTTP/1.1\r\nhost: a\r\n\r\n"), None);
    }
}
