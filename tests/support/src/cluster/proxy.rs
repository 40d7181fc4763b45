//! A proxy in front of a port of a node. It finds out which node speaks on a connection, because a
//! cut of what a node receives is no split: the connections that it opened itself keep it alive.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

use super::network::{Link, Listening};

/// A packet between nodes begins with these bytes.
const BUS_SIGNATURE: &[u8] = b"RCmb";
/// Where a packet between nodes has the id of its sender.
const BUS_SENDER: std::ops::Range<usize> = 40..80;
/// A replica begins with these bytes, and waits for the answer.
const REPLICA_BEGINS: &[u8] = b"*1\r\n$4\r\nPING\r\n";
/// After this word and its length a replica tells the port that its server binds.
const REPLICA_PORT: &[u8] = b"listening-port\r\n";
/// A replica has told its port within so many bytes.
const REPLICA_HEAD_MAX: usize = 1024;
/// Bytes that are held back of a connection that was opened while it was cut.
const HELD_MAX: usize = 64 * 1024;
/// Bytes of one step.
const STEP: usize = 16 * 1024;

/// Listens until it is dropped.
pub(super) struct Proxy(JoinHandle<()>);

impl Proxy {
    /// Passes on to the port of clients and replicas. Clients are never cut.
    pub(super) fn for_clients(listening: Listening, port: u16, link: Link) -> Self {
        Self(tokio::spawn(async move {
            while let Ok(client) = listening.accept().await {
                tokio::spawn(serve_client(client, port, link.renew()));
            }
        }))
    }

    /// Passes on to the port of the cluster's bus.
    pub(super) fn for_bus(listening: Listening, port: u16, link: Link) -> Self {
        Self(tokio::spawn(async move {
            while let Ok(peer) = listening.accept().await {
                tokio::spawn(serve_bus(peer, port, link.renew()));
            }
        }))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn serve_client(client: TcpStream, port: u16, link: Link) {
    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
        relay(client, server, link, Some(Vec::new())).await;
    }
}

async fn serve_bus(mut peer: TcpStream, port: u16, mut link: Link) -> Option<()> {
    let mut head = Vec::with_capacity(STEP);
    while head.len() < BUS_SENDER.end {
        if peer.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    assert!(head.starts_with(BUS_SIGNATURE), "a packet of the bus");
    link.opened_by_id(std::str::from_utf8(&head[BUS_SENDER]).ok()?);
    // Nodes give up a silent connection and open another one. Those that are gone do not pile up.
    loop {
        tokio::select! {
            whole = link.whole() => { whole?; break }
            read = peer.read_buf(&mut head), if head.len() < HELD_MAX => {
                if read.ok()? == 0 { return None }
            }
        }
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    link.pass(head.len(), true).await?;
    server.write_all(&head).await.ok()?;
    relay(peer, server, link, None).await;
    Some(())
}

/// Copies both ways until both have ended. The head is that of a speaker to be found out.
async fn relay(from: TcpStream, to: TcpStream, link: Link, head: Option<Vec<u8>>) {
    let (from_peer, to_peer) = from.into_split();
    let (from_server, to_server) = to.into_split();
    let there = copy(from_peer, to_server, link.clone(), head);
    let back = copy(from_server, to_peer, link, None);
    // An error of one ends both.
    let _ = tokio::try_join!(there, back);
}

/// The link is over, other than by an orderly end of one side.
struct Broken;

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut link: Link,
    mut head: Option<Vec<u8>>,
) -> Result<(), Broken> {
    let mut buffer = vec![0; STEP];
    loop {
        let step = link.step(STEP);
        let mut after_pause = false;
        let read = match from.try_read(&mut buffer[..step]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                after_pause = true;
                from.read(&mut buffer[..step]).await
            }
            read => read,
        };
        let bytes = &buffer[..*read.as_ref().unwrap_or(&0)];
        if let Some(seen) = &mut head {
            seen.extend_from_slice(bytes);
            if find_replica(seen, &link) {
                head = None;
            }
        }
        // The end of a connection does not get through a cut either.
        link.pass(bytes.len(), after_pause).await.ok_or(Broken)?;
        read.map_err(|_| Broken)?;
        if bytes.is_empty() {
            return to.shutdown().await.map_err(|_| Broken);
        }
        to.write_all(bytes).await.map_err(|_| Broken)?;
    }
}

/// Looks for the port of a replica in the first bytes of a connection. True when it is found, and
/// when the speaker is no replica.
fn find_replica(seen: &[u8], link: &Link) -> bool {
    let begins = seen.len().min(REPLICA_BEGINS.len());
    if seen[..begins] != REPLICA_BEGINS[..begins] || seen.len() > REPLICA_HEAD_MAX {
        return true;
    }
    let port = replica_port(seen);
    if let Some(port) = port {
        link.opened_by_port(port);
    }
    port.is_some()
}

/// Reads `listening-port`, the length of the number, and the number.
fn replica_port(seen: &[u8]) -> Option<u16> {
    let word = seen
        .windows(REPLICA_PORT.len())
        .position(|window| window == REPLICA_PORT)?;
    let rest = std::str::from_utf8(&seen[word + REPLICA_PORT.len()..]).ok()?;
    // The number is whole when what follows it has come.
    let (_, rest) = rest.split_once("\r\n")?;
    let (port, _) = rest.split_once("\r\n")?;
    port.parse().ok()
}
