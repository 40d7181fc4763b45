//! Clients stop reading while large changes are written. Those that read again in time keep their
//! connection. The gateway ends the connection of the others (4010), and they resume.

use std::time::{Duration, Instant};

use people_gateway::filter::Kinds;
use people_testing::wait::eventually;
use serde_json::json;

use super::set;
use crate::checks::RunReport;
use crate::clients::{ClientOptions, Format, Kind, Violation};
use crate::world::{Case, World};

/// How long a client may stop.
const LIMIT: Duration = Duration::from_secs(5);
const SETTINGS: &[(&str, &str)] = &[
    ("live.silence_limit_ms", "5000"),
    ("live.ping_interval_ms", "500"),
];
/// How long the others stop.
const SHORT: Duration = Duration::from_millis(1500);
/// Clients that stop, and the gateways at which they are.
const STOPPING: usize = 24;
const GATEWAYS: usize = 2;
/// People of a burst of large changes, the bytes of each, and the bursts.
const PEOPLE: usize = 40;
const BYTES: usize = 6000;
const BURSTS: usize = 4;

pub(super) async fn stop(case: Case) -> RunReport {
    let (_redis, mut stage) = set(&case, SETTINGS).await;
    let world = &mut stage.world;
    // Connections end where the documents say so: 4010, or without a frame where none got through.
    world.allowed.closes = true;
    world.close_codes = Some(&[4010, 0]);
    let first = world.watchers.len();
    for number in 0..STOPPING {
        join(world, number);
    }
    world.all_live().await;
    let stopped_at = Instant::now();
    for watcher in &mut world.watchers[first..] {
        watcher.pause().await;
    }
    write_large(world).await;
    tokio::time::sleep(SHORT.saturating_sub(stopped_at.elapsed())).await;
    let middle = first + STOPPING / 2;
    for watcher in &mut world.watchers[first..middle] {
        watcher.unpause().await;
    }
    // A machine may have been too slow for the promise to hold.
    let were_in_time = stopped_at.elapsed() < LIMIT;
    eventually("the gateways end the others' connections", async || {
        let mut ended = 0;
        for node in &world.nodes[..GATEWAYS] {
            ended += node
                .gateway
                .count_at("sessions_closed_total", r#"code="4010""#)
                .await;
        }
        usize::try_from(ended).expect("few") >= STOPPING / 2
    })
    .await;
    write_large(world).await;
    world.unpause().await;
    let mut violations = Vec::new();
    for (number, watcher) in world.watchers.iter().enumerate() {
        if number >= middle {
            let name = format!("{} resumes after 4010", watcher.name);
            eventually(&name, async || {
                watcher.is_live() && !watcher.state().closes.is_empty()
            })
            .await;
        }
        let closes = watcher.state().closes;
        let is_wrong = number >= first && number < middle && were_in_time && !closes.is_empty();
        if is_wrong {
            let what = format!(
                "{} read again in time, and was closed {closes:?}",
                watcher.name
            );
            violations.push(Violation::new(Kind::Refused, what));
        }
    }
    let mut report = stage.end().await;
    report.violations.extend(violations);
    report
}

/// A client of each format in turn, at each gateway in turn.
fn join(world: &mut World, number: usize) {
    use Format::{CloudEvents, Json, Sse, Text};
    let format = [Json, CloudEvents, Sse, Text][number % 4];
    let options = ClientOptions {
        format,
        kinds: Kinds::All,
        condition: String::new(),
        begins_with_snapshot: true,
        has_small_buffer: true,
    };
    world.watch(number / 4 % GATEWAYS, "stops reading", options);
}

/// More than queues and sockets hold.
async fn write_large(world: &World) {
    for burst in 0..BURSTS {
        let lines = (0..PEOPLE).map(|number| {
            let person = json!({
                "id": format!("00000000-0000-7000-8000-{number:012x}"),
                "firstName": "Ada",
                "lastName": "Lovelace",
                "age": burst,
                "job": "Engineer",
                "attributes": {"note": "x".repeat(BYTES)},
            });
            person.to_string()
        });
        let lines: Vec<_> = lines.collect();
        let gateway = &world.nodes[burst % world.nodes.len()].gateway;
        let answer = gateway.import(lines.join("\n")).await;
        assert!(answer.contains(r#""refused":0"#), "{answer}");
    }
}
