//! Connections that ask for much and never read: the server's memory for each.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use people_bench::person::id;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::cli::{Target, WrongUse};
use crate::machine::Resident;
use crate::report::figure::Figure;
use crate::report::{Report, Turn};
use crate::servers::{Contestant, Remote};

/// What the kernel keeps for each of them.
const BUFFER_BYTES: u32 = 4096;
/// People in the store, of about 8 KiB each.
const PEOPLE: u64 = 1000;
const ATTRIBUTE_BYTES: usize = 8000;
/// People that are saved while clients wait for changes: more than their queues hold.
const CHANGED: u64 = 100;
/// Memory is looked at so often, and is at rest when it has not grown for so many looks.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 12;
/// For memory to come to rest, and for an answer.
const LIMIT: Duration = Duration::from_secs(60);

/// What each connection asks for.
const CALLS: [Call; 10] = [
    Call::get("list", "GET /people", "/people"),
    Call::get("lines", "GET /people as NDJSON", "/people").with("accept: application/x-ndjson\r\n"),
    Call::get(
        "where",
        "GET /people?where=",
        "/people?where=age%20%3E%3D%200",
    ),
    Call::get("page", "GET /people?limit=1000", "/people?limit=1000"),
    Call::get("description", "GET /openapi.json", "/openapi.json"),
    Call::get("console", "GET /console/main.js", "/console/main.js"),
    Call::get(
        "import",
        "POST /people/import, all refused",
        "/people/import",
    ),
    Call::get(
        "events",
        "events, snapshot and changes",
        "/updates?from=snapshot",
    ),
    Call::socket(
        "socket",
        "WebSocket, snapshot and changes",
        "/people?from=snapshot",
    ),
    Call::socket("changes", "WebSocket, changes", "/people"),
];

#[derive(Clone, Copy)]
struct Call {
    figure: Figure,
    path: &'static str,
    headers: &'static str,
}

impl Call {
    const fn get(key: &'static str, title: &'static str, path: &'static str) -> Self {
        Self {
            figure: Figure {
                key,
                title,
                decimals: 1,
            },
            path,
            headers: "",
        }
    }

    const fn socket(key: &'static str, title: &'static str, path: &'static str) -> Self {
        Self::get(key, title, path).with(
            "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: people.v1.json\r\n",
        )
    }

    const fn with(self, headers: &'static str) -> Self {
        Self { headers, ..self }
    }

    fn is_import(&self) -> bool {
        self.path == "/people/import"
    }

    fn is_live(&self) -> bool {
        matches!(self.figure.key, "events" | "socket" | "changes")
    }

    fn request(&self) -> Vec<u8> {
        let (path, headers) = (self.path, self.headers);
        if self.is_import() {
            // As many lines as an import refuses before it stops, each with many faults.
            let line = format!(
                "{}\n",
                json!({
                    "firstName": "", "lastName": "", "age": -1, "job": "x".repeat(300),
                    "a": 1, "b": 2,
                })
            );
            return post(&line.repeat(1000));
        }
        format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n").into_bytes()
    }
}

/// Memory for each of so many connections, call by call; the gateway is started anew for each.
pub(super) async fn unread(connections: u32, target: Target) -> anyhow::Result<()> {
    if let [Contestant::Remote(Remote { pid: None, .. })] = target.gateways[..] {
        return Err(WrongUse(
            "slow --unread measures memory: with --url it needs --pid".to_owned(),
        )
        .into());
    }
    let title = format!(
        "slow: memory of {connections} connections that never read, KiB each; {PEOPLE} people of 8 \
         KiB; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings =
        json!({ "connections": connections, "people": PEOPLE, "turns": target.rounds.number });
    let report = Report::new("unread", title, settings);
    target
        .take_turns(report, None, async |contestant| {
            let mut turn = Turn::default();
            for call in CALLS {
                turn.tell(
                    call.figure,
                    kib_each(contestant, &target, call, connections).await?,
                );
            }
            Ok(turn)
        })
        .await
}

async fn kib_each(
    contestant: Contestant,
    target: &Target,
    call: Call,
    connections: u32,
) -> anyhow::Result<f64> {
    let server = contestant.start(&target.starts).await?;
    let pid = server.pid.context("the server's process is not known")?;
    save(server.address, 0..PEOPLE).await?;
    // Once is warm: pools, caches and what is made when it is first asked for are not a
    // connection's.
    let warm = hold(server.address, &call).await?;
    let before = at_rest(pid).await?;
    let mut held = vec![warm];
    for _ in 0..connections {
        held.push(hold(server.address, &call).await?);
    }
    if call.is_live() {
        save(server.address, 0..CHANGED).await?;
    }
    let after = at_rest(pid).await?;
    Ok(after.saturating_sub(before) as f64 / 1024.0 / f64::from(connections))
}

/// A connection that has asked, and reads nothing.
async fn hold(address: SocketAddr, call: &Call) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    let mut stream = socket.connect(address).await?;
    timeout(LIMIT, stream.write_all(&call.request()))
        .await
        .context("a request is not taken")??;
    Ok(stream)
}

/// The server's memory once it does not grow any more.
async fn at_rest(pid: u32) -> anyhow::Result<u64> {
    let rest = async {
        let (mut most, mut looks) = (0, 0);
        while looks < LOOKS {
            sleep(LOOK).await;
            let now = Resident::of(pid)?.now;
            looks = if now > most { 0 } else { looks + 1 };
            most = most.max(now);
        }
        // What connecting took for a moment is given back meanwhile.
        Ok(Resident::of(pid)?.now)
    };
    timeout(LIMIT, rest)
        .await
        .context("the server's memory does not come to rest")?
}

/// Saves people of about 8 KiB.
async fn save(address: SocketAddr, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
    let note = "x".repeat(ATTRIBUTE_BYTES);
    let mut lines = String::new();
    for number in numbers {
        let person = json!({
            "id": id(number), "firstName": "A", "lastName": "L", "age": 36, "job": "",
            "attributes": {"note": note},
        });
        writeln!(lines, "{person}")?;
    }
    let mut stream = TcpStream::connect(address).await?;
    let exchange = async {
        let mut answer = String::new();
        stream.write_all(&post(&lines)).await?;
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(LIMIT, exchange)
        .await
        .context("saving takes too long")??;
    ensure!(
        answer.contains("\"refused\":0"),
        "people are refused: {answer}"
    );
    Ok(())
}

fn post(lines: &str) -> Vec<u8> {
    format!(
        "POST /people/import HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n{lines}",
        lines.len()
    )
    .into_bytes()
}
