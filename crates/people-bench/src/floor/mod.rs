//! The floor: a server of one thread that does nothing but write prepared frames.
//!
//! It answers every handshake and every request without reading more of them than their ends, their
//! topic (`x-group`) and the number of the change, which it writes over the one in its frame. For
//! each request it sends one frame of the gateway's size to each client of that topic, and to those
//! without one. Where the changes are made on a gateway, it learns of them on that one's channel.

mod channel;

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use people_bench::person::id;
use people_gateway::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, Position, Seq, Tag, Timestamp,
};
use people_gateway::filter::Verdict;
use people_gateway::protocol::format::WireFormat;
use rustix::net::SendFlags;

use crate::load::plan::{ClientFormat, Topics};
use crate::load::rest::{MARK_DIGITS, body};
use crate::poller::{Interest, Poller};
use crate::say::say;
use channel::Channel;

const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";
/// The number under which the listener is watched.
const LISTENER: usize = usize::MAX;
/// The number under which the channel is watched.
const CHANNEL: usize = usize::MAX - 1;

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Writes {
    /// One call a frame
    Each,
    /// One call for all frames that a client is due
    Together,
}

/// Tells its address, then serves until it is killed. Changes come as requests, or on the channel
/// of this Redis.
pub(crate) fn run(
    writes: Writes,
    format: ClientFormat,
    topics: Topics,
    redis: Option<SocketAddr>,
) -> anyhow::Result<()> {
    // Whoever measures may be killed: nobody else would end this.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    rustix::net::listen(&listener, 4096)?;
    let mut poller = Poller::new()?;
    let mut channel = redis.map(Channel::subscribe).transpose()?;
    if let Some(channel) = &channel {
        poller.add(&channel.stream, CHANNEL, Interest::Read)?;
    }
    say(&format!("http://{}\n", listener.local_addr()?))?;
    poller.add(&listener, LISTENER, Interest::Read)?;
    let (frame, mark) = frame(format, topics)?;
    let mut floor = Floor {
        writes,
        connections: Vec::new(),
        clients: BTreeMap::new(),
        frame,
        mark,
    };
    let (mut ready, mut due) = (Vec::new(), Vec::new());
    loop {
        poller.wait(Duration::from_secs(1), &mut ready)?;
        for number in &ready {
            if *number == LISTENER {
                floor.accept(&listener, &poller)?;
            } else if *number == CHANNEL {
                channel
                    .iter_mut()
                    .try_for_each(|channel| channel.heard(&mut due))?;
            } else {
                due.extend(floor.heard(*number)?);
            }
        }
        floor.send(&due)?;
        due.clear();
    }
}

/// What the gateway sends when a person of a middling topic is created, and where in it the number
/// of the change stands.
fn frame(format: ClientFormat, topics: Topics) -> anyhow::Result<(Vec<u8>, usize)> {
    let topic = match topics {
        Topics::Everything => None,
        Topics::Filters { count, .. } => Some(count / 2),
    };
    let (epoch, tag) = (
        Epoch::new(0x9e37_79b9_7f4a_7c15),
        Tag::new(0xc2b2_ae3d_27d4_eb4f),
    );
    let position = Position {
        epoch,
        seq: Seq::new(10_000).context("small")?,
        tag,
    };
    let time = Timestamp::from_millis(1_795_342_200_123);
    let change = Change {
        at: LogPosition::new(Partition::new(0), position),
        previous: tag,
        id: id(0).parse()?,
        time,
        created_at: time,
        before: None,
        after: Some(FieldsJson::from_stored(&body(topic))?),
        trace: None,
    };
    let wire = match format {
        ClientFormat::Text => WireFormat::Text,
        ClientFormat::Json => WireFormat::Json,
    };
    let frame = wire
        .change(Verdict::Create, &change, None)
        .context("a creation is shown")?
        .to_vec();
    let hash = frame
        .iter()
        .rposition(|byte| *byte == b'#')
        .context("the person's job is shown")?;
    Ok((frame, hash + 1))
}

struct Floor {
    writes: Writes,
    /// All that were accepted, by number; none once they are gone.
    connections: Vec<Option<Connection>>,
    /// The numbers of those that are clients, by topic.
    clients: BTreeMap<Option<u32>, Vec<usize>>,
    frame: Vec<u8>,
    mark: usize,
}

struct Connection {
    stream: TcpStream,
    is: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    New,
    Client,
}

/// A change that clients are owed.
struct Due {
    topic: Option<u32>,
    mark: [u8; MARK_DIGITS],
}

impl Due {
    /// What a text with a person in it, marked with the number of the change, comes to.
    fn of(text: &[u8], topic: Option<u32>) -> Option<Self> {
        let hash = text.iter().rposition(|byte| *byte == b'#')?;
        Some(Self {
            topic,
            mark: *text[hash + 1..].first_chunk()?,
        })
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, poller: &Poller) -> anyhow::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nodelay(true)?;
            poller.add(&stream, self.connections.len(), Interest::Read)?;
            self.connections.push(Some(Connection {
                stream,
                is: Role::New,
            }));
        }
    }

    /// A request or a handshake comes in one piece: the load writes it so, and it is smaller than
    /// any buffer.
    fn heard(&mut self, number: usize) -> anyhow::Result<Option<Due>> {
        let Some(connection) = &mut self.connections[number] else {
            return Ok(None);
        };
        let mut buffer = [0; 2048];
        // A load that ends resets its connections.
        let count = connection.stream.read(&mut buffer).unwrap_or(0);
        let text = &buffer[..count];
        if count == 0 {
            self.connections[number] = None;
        } else if connection.is == Role::Client {
            // A pong, or nothing that matters.
        } else if text.starts_with(b"GET ") {
            connection.stream.write_all(UPGRADED)?;
            connection.is = Role::Client;
            self.clients.entry(topic(text)).or_default().push(number);
        } else {
            connection.stream.write_all(CREATED)?;
            ensure!(text.ends_with(b"}"), "a request in pieces");
            return Due::of(text, topic(text))
                .context("a request in pieces")
                .map(Some);
        }
        Ok(None)
    }

    fn send(&mut self, due: &[Due]) -> anyhow::Result<()> {
        match self.writes {
            Writes::Each => {
                for one in due {
                    self.frame[self.mark..][..MARK_DIGITS].copy_from_slice(&one.mark);
                    let topics = [None, one.topic];
                    // Those without a topic once, also where the change has none.
                    for topic in &topics[usize::from(one.topic.is_none())..] {
                        let clients = self.clients.get(topic).map_or(&[][..], Vec::as_slice);
                        send_all(&self.connections, clients, &self.frame)?;
                    }
                }
            }
            Writes::Together => {
                for (topic, clients) in &self.clients {
                    let mut frames = Vec::new();
                    for one in due
                        .iter()
                        .filter(|one| topic.is_none() || *topic == one.topic)
                    {
                        let start = frames.len();
                        frames.extend_from_slice(&self.frame);
                        frames[start + self.mark..][..MARK_DIGITS].copy_from_slice(&one.mark);
                    }
                    if !frames.is_empty() {
                        send_all(&self.connections, clients, &frames)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn send_all(
    connections: &[Option<Connection>],
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
                "a client does not read: too slow for a floor without queues"
            ),
        }
    }
    Ok(())
}

/// The number in the header `x-group`.
fn topic(request: &[u8]) -> Option<u32> {
    number_behind(b"\r\nx-group: ", request)
}

/// The number that stands behind the first `name` in a text.
fn number_behind(name: &[u8], text: &[u8]) -> Option<u32> {
    let at = text.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::FilterKind;

    #[test]
    fn its_frames_are_as_long_as_the_gateways_and_can_be_marked() {
        for (format, topics) in [
            (ClientFormat::Text, Topics::Everything),
            (
                ClientFormat::Json,
                Topics::Filters {
                    kind: FilterKind::Equal,
                    count: 100,
                },
            ),
        ] {
            let (frame, mark) = frame(format, topics).unwrap();
            assert_eq!(&frame[mark - 1..][..=MARK_DIGITS], b"#0000000000");
        }
        assert_eq!(
            frame(ClientFormat::Text, Topics::Everything)
                .unwrap()
                .0
                .len(),
            4 + 186
        );
    }

    #[test]
    fn the_topic_is_read_from_the_header_only() {
        assert_eq!(
            topic(b"GET /x-group: 3 HTTP/1.1\r\nhost: a\r\nx-group: 170\r\n\r\n"),
            Some(170)
        );
        assert_eq!(topic(b"GET /people HTTP/1.1\r\nhost: a\r\n\r\n"), None);
    }
}
