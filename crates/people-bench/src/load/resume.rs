//! Clients that all resume at once, from a cursor that is many changes old.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::changes::Changes;
use super::crowd::{Crowd, PATIENCE, Wish};
use super::plan::{Afterwards, ClientFormat, Length, Outcome, Pace, Plan, Topics, Word};
use super::{begin, tell, wish};

/// Changes that are on their way at once while the past is made.
const IN_FLIGHT: u32 = 64;

/// Takes a cursor, makes the changes, and connects everybody with that cursor. It lasts until all
/// are live and have what they missed.
pub(super) fn run(plan: &Plan, missed: u64) -> anyhow::Result<Outcome> {
    let everything = Wish {
        topics: Topics::Everything,
        ..wish(plan)
    };
    let standing = Crowd::connect(everything, 1)?;
    let cursor = cursor(plan)?;
    tell(&Word::Open(Duration::ZERO))?;
    let mut changes = Changes::new(
        standing,
        plan.writer,
        plan.topics,
        Pace::InFlight(IN_FLIGHT),
    )?;
    changes.make(Length::Count(missed))?;
    begin()?;
    let started = Instant::now();
    let mut crowd = Crowd::connect(
        Wish {
            from: Some(cursor),
            ..wish(plan)
        },
        plan.clients,
    )?;
    let due: u64 = (0..missed).map(|change| crowd.sharing(change)).sum();
    // Text has no word for it.
    let live = if plan.format == ClientFormat::Json {
        crowd.clients()
    } else {
        0
    };
    let mut heard = Instant::now();
    while (crowd.heard.changes < due || crowd.heard.live < live) && heard.elapsed() < PATIENCE {
        let before = (crowd.heard.changes, crowd.heard.live);
        crowd.turn(PATIENCE)?;
        crowd.arrived.clear();
        if (crowd.heard.changes, crowd.heard.live) != before {
            heard = Instant::now();
        }
    }
    let lasted = started.elapsed();
    tell(&Word::Done)?;
    ensure!(
        crowd.heard.live >= live,
        "{} of {live} clients are live, then no more",
        crowd.heard.live
    );
    let ((lost, doubled), past) = (crowd.faults(missed)?, changes.faults()?);
    let (deliveries, bytes) = (crowd.heard.changes, crowd.heard.bytes);
    drop(crowd);
    if plan.afterwards == Afterwards::Delete {
        changes.delete_people()?;
    }
    let (lost, doubled) = (lost + past.0, doubled + past.1);
    Ok(Outcome {
        changes: missed,
        deliveries,
        bytes,
        lost,
        doubled,
        lasted,
        latency: None,
    })
}

/// Where the server is now.
fn cursor(plan: &Plan) -> anyhow::Result<String> {
    let stream = TcpStream::connect(plan.server)
        .with_context(|| format!("cannot connect to {}", plan.server))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("ws://{}/people", plan.server).into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "people.v1.json".parse()?);
    let (mut socket, _) =
        tungstenite::client(request, stream).map_err(|error| anyhow::anyhow!("{error}"))?;
    let Message::Text(text) = socket.read()? else {
        anyhow::bail!("the server did not begin with a text")
    };
    let message: serde_json::Value = serde_json::from_str(&text)?;
    let cursor = message["cursor"]
        .as_str()
        .filter(|_| message["type"] == "live");
    cursor
        .map(str::to_owned)
        .with_context(|| format!("not live: {text}"))
}
