//! Connections that request much and never read: the server's memory for each.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use people_bench::person::id;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::machine::ResidentMemory;
use crate::report::figure::Figure;
use crate::report::{BenchReport, Turn};
use crate::servers::Contestant;
use crate::workloads::target::BenchTarget;

/// The kernel's receive buffer of each connection.
const BUFFER_BYTES: u32 = 4096;
/// People in the store, of about 8 KiB each.
const PEOPLE: u64 = 1000;
const ATTRIBUTE_BYTES: usize = 8000;
/// People that are saved while clients wait for changes. Their queues hold fewer.
const CHANGED: u64 = 100;
/// The time between two samples of memory.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
/// The samples without growth after which memory is stable.
const STABLE_SAMPLES: u32 = 12;
/// The time limit for memory to be stable, and for an answer.
const LIMIT: Duration = Duration::from_secs(60);

/// The measured requests.
const REQUESTS: [UnreadRequest; 10] = [
    UnreadRequest::get("list", "GET /people", "/people"),
    UnreadRequest::get("lines", "GET /people as NDJSON", "/people")
        .with("accept: application/x-ndjson\r\n"),
    UnreadRequest::get(
        "where",
        "GET /people?where=",
        "/people?where=age%20%3E%3D%200",
    ),
    UnreadRequest::get("page", "GET /people?limit=1000", "/people?limit=1000"),
    UnreadRequest::get("description", "GET /openapi.json", "/openapi.json"),
    UnreadRequest::get("console", "GET /console/main.js", "/console/main.js"),
    UnreadRequest::get(
        "import",
        "POST /people/import, all refused",
        "/people/import",
    ),
    UnreadRequest::get(
        "events",
        "events, snapshot and changes",
        "/updates?from=snapshot",
    ),
    UnreadRequest::socket(
        "socket",
        "WebSocket, snapshot and changes",
        "/people?from=snapshot",
    ),
    UnreadRequest::socket("changes", "WebSocket, changes", "/people"),
];

#[derive(Clone, Copy)]
struct UnreadRequest {
    figure: Figure,
    path: &'static str,
    headers: &'static str,
}

impl UnreadRequest {
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

    fn bytes(&self) -> Vec<u8> {
        let (path, headers) = (self.path, self.headers);
        if self.is_import() {
            // An import stops after this number of refused lines. Each line has many faults.
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

/// Measures the memory for each connection, request by request, each with a new gateway.
pub(super) async fn unread(connections: u32, target: BenchTarget) -> anyhow::Result<()> {
    target.check_pid("slow --unread")?;
    let title = format!(
        "slow: memory of {connections} connections that never read, KiB each; {PEOPLE} people of 8 \
         KiB; median (lowest-highest) of {} turns",
        target.rounds.number
    );
    let settings =
        json!({ "connections": connections, "people": PEOPLE, "turns": target.rounds.number });
    let report = BenchReport::new("unread", title, settings);
    target
        .take_turns(report, None, async |contestant| {
            let mut turn = Turn::default();
            for request in REQUESTS {
                turn.add(
                    request.figure,
                    kib_each(contestant, &target, request, connections).await?,
                );
            }
            Ok(turn)
        })
        .await
}

async fn kib_each(
    contestant: Contestant,
    target: &BenchTarget,
    request: UnreadRequest,
    connections: u32,
) -> anyhow::Result<f64> {
    let server = contestant.start(&target.options).await?;
    let pid = server.pid.context("the server's process is unknown")?;
    save(server.address, 0..PEOPLE).await?;
    // The first request warms up pools and caches, which are no cost of a connection.
    let warm_up = hold(server.address, &request).await?;
    let before = stable_memory(pid).await?;
    let mut held = vec![warm_up];
    for _ in 0..connections {
        held.push(hold(server.address, &request).await?);
    }
    if request.is_live() {
        save(server.address, 0..CHANGED).await?;
    }
    let after = stable_memory(pid).await?;
    Ok(after.saturating_sub(before) as f64 / 1024.0 / f64::from(connections))
}

/// Sends a request, and returns the connection without reading.
async fn hold(address: SocketAddr, request: &UnreadRequest) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    let mut stream = socket.connect(address).await?;
    timeout(LIMIT, stream.write_all(&request.bytes()))
        .await
        .context("the server does not read a request")??;
    Ok(stream)
}

/// The server's memory once it no longer grows.
async fn stable_memory(pid: u32) -> anyhow::Result<u64> {
    let stable = async {
        let (mut most, mut samples) = (0, 0);
        while samples < STABLE_SAMPLES {
            sleep(SAMPLE_INTERVAL).await;
            let now = ResidentMemory::of(pid)?.now;
            samples = if now > most { 0 } else { samples + 1 };
            most = most.max(now);
        }
        // The allocator has returned the temporary memory of connecting.
        Ok(ResidentMemory::of(pid)?.now)
    };
    timeout(LIMIT, stable)
        .await
        .context("the server's memory is not stable")?
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
