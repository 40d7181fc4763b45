//! Clients that resume together, from a cursor that is many changes old.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::changes::Changes;
use super::clients::{ClientPool, ConnectPlan};
use super::plan::{
    Cleanup, ClientFormat, LoadMessage, LoadOutcome, LoadPlan, PATIENCE, Pace, RunLength, Topics,
};
use super::progress::{begin, connect_plan, report};

/// The most changes in flight while the missed changes are made.
const IN_FLIGHT: u32 = 64;

/// Takes a cursor, makes the changes, and connects all clients with the cursor. Ends when all of
/// them are live and have the missed changes.
pub(super) fn run(plan: &LoadPlan, missed: u64) -> anyhow::Result<LoadOutcome> {
    let all = connect_plan(plan)?;
    let everything = ConnectPlan {
        topics: Topics::Everything,
        ..all.clone()
    };
    let cursor = cursor(plan, everything.token(0))?;
    let observer = ClientPool::connect(everything, 1)?;
    report(&LoadMessage::Open(Duration::ZERO))?;
    let mut changes = Changes::new(
        observer,
        plan.writer,
        plan.topics,
        Pace::InFlight(IN_FLIGHT),
        plan.writer_token.as_deref(),
    )?;
    changes.make(RunLength::Count(missed))?;
    begin()?;
    let started = Instant::now();
    let mut pool = ClientPool::connect(
        ConnectPlan {
            from: Some(cursor),
            ..all
        },
        plan.clients,
    )?;
    let due: u64 = (0..missed).map(|change| pool.receivers(change)).sum();
    // The text format has no `live`.
    let live = if plan.format == ClientFormat::Json {
        pool.clients()
    } else {
        0
    };
    let mut progressed = Instant::now();
    let is_missing = |pool: &ClientPool| pool.counts.changes < due || pool.counts.live < live;
    while is_missing(&pool) && progressed.elapsed() < PATIENCE {
        let before = (pool.counts.changes, pool.counts.live);
        pool.poll(PATIENCE)?;
        pool.arrived.clear();
        if (pool.counts.changes, pool.counts.live) != before {
            progressed = Instant::now();
        }
    }
    let lasted = started.elapsed();
    report(&LoadMessage::Done)?;
    ensure!(
        pool.counts.live >= live,
        "{} of {live} clients are live, then no more",
        pool.counts.live
    );
    let ((lost, doubled), past) = (pool.faults(missed)?, changes.faults()?);
    let (deliveries, bytes) = (pool.counts.changes, pool.counts.bytes);
    drop(pool);
    if plan.cleanup == Cleanup::Delete {
        changes.delete_people()?;
    }
    let (lost, doubled) = (lost + past.0, doubled + past.1);
    Ok(LoadOutcome {
        changes: missed,
        deliveries,
        bytes,
        lost,
        doubled,
        lasted,
        latency: None,
    })
}

/// The server's current cursor.
fn cursor(plan: &LoadPlan, token: Option<&str>) -> anyhow::Result<String> {
    let stream = TcpStream::connect(plan.server)
        .with_context(|| format!("cannot connect to {}", plan.server))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("ws://{}/people", plan.server).into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "people.v1.json".parse()?);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse()?;
        request.headers_mut().insert("authorization", value);
    }
    let (mut socket, _) =
        tungstenite::client(request, stream).map_err(|error| anyhow::anyhow!("{error}"))?;
    let Message::Text(text) = socket.read()? else {
        anyhow::bail!("the server's first message is no text")
    };
    let message: serde_json::Value = serde_json::from_str(&text)?;
    let cursor = message["cursor"]
        .as_str()
        .filter(|_| message["type"] == "live");
    cursor
        .map(str::to_owned)
        .with_context(|| format!("not live: {text}"))
}
