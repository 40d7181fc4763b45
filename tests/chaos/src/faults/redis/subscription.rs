//! The subscriptions: cut, slow, with frames that come twice, and with a buffer that overflows.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use people_testing::redis::RedisServer;
use redis::Client;
use redis::aio::MultiplexedConnection;

use super::{DURABLE, set};
use crate::checks::RunReport;
use crate::faults::stage::{PATIENT, Stage};
use crate::world::{Case, LinkState, World};

pub(super) async fn cut(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    for _ in 0..20 {
        let kill = ["CLIENT", "KILL", "TYPE", "pubsub"];
        redis.command::<u64>(&kill).await;
        stage.world.load_goes_on(4).await;
    }
    stage.end().await
}

/// The frame of one change is lost, and no other change comes: the heads tell. They are compared as
/// often as by default.
pub(super) async fn last_frame_lost(case: Case) -> RunReport {
    let redis = RedisServer::start(DURABLE).await;
    let by_default = [PATIENT, &[("live.head_interval_ms", "1000")]].concat();
    let world = World::linked(&case, redis.port(), 3, &by_default).await;
    let mut stage = Stage::fill(world, redis.port().into()).await;
    let held = stage.world.hold_load().await;
    for _ in 0..5 {
        all_caught_up(&stage, &redis).await;
        set_all(&stage.world, LinkState::Lost);
        stage.world.write(2, 1).await;
        let written = Instant::now();
        stage.pause(20).await;
        set_all(&stage.world, LinkState::Open);
        all_caught_up(&stage, &redis).await;
        stage.took(written.elapsed());
    }
    stage.world.release_load(held);
    stage.end().await
}

fn set_all(world: &World, state: LinkState) {
    let nodes = world.nodes.iter();
    nodes.for_each(|node| node.link().set_subscription(state));
}

async fn all_caught_up(stage: &Stage, redis: &RedisServer) {
    for gateway in 0..stage.world.nodes.len() {
        stage.world.all_caught_up(gateway, redis.port()).await;
    }
}

pub(super) async fn slow(case: Case) -> RunReport {
    let redis = RedisServer::start(DURABLE).await;
    let world = World::linked(&case, redis.port(), 3, PATIENT).await;
    let mut stage = Stage::fill(world, redis.port().into()).await;
    let gateway = stage.world.number(0..2);
    let delay = Duration::from_millis(150);
    stage.world.nodes[gateway]
        .link()
        .set_subscription(LinkState::Delayed(delay));
    stage.pause(2500).await;
    stage.world.nodes[gateway]
        .link()
        .set_subscription(LinkState::Open);
    stage.end().await
}

/// Every frame is published a second time, some late.
pub(super) async fn doubled(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    let client = Client::open(redis.url()).expect("an address");
    let publisher = redis.connect().await.expect("a connection");
    let repeating = tokio::spawn(repeat(client, publisher));
    stage.world.load_goes_on(150).await;
    repeating.abort();
    stage.end().await
}

async fn repeat(client: Client, mut publisher: MultiplexedConnection) {
    let mut channel = client.get_async_pubsub().await.expect("a connection");
    channel.psubscribe("*:changes:*").await.expect("subscribed");
    let (mut seen, mut late) = (HashSet::new(), Vec::new());
    let mut frames = channel.on_message();
    while let Some(frame) = frames.next().await {
        let again = (
            frame.get_channel_name().to_owned(),
            frame.get_payload_bytes().to_vec(),
        );
        if seen.insert(again.clone()) {
            late.push(again);
        }
        // Each fifth frame, with the four before it.
        if late.len() == 5 {
            for (channel, payload) in late.drain(..).rev() {
                let mut publish = redis::cmd("PUBLISH");
                publish.arg(channel).arg(payload);
                publish.exec_async(&mut publisher).await.expect("an answer");
            }
        }
    }
}

pub(super) async fn overflowing(case: Case) -> RunReport {
    let (redis, stage) = set(&case, &[]).await;
    let limit = async |limit: &str| {
        let words = ["CONFIG", "SET", "client-output-buffer-limit", limit];
        redis.command::<()>(&words).await;
    };
    limit("pubsub 64 64 0").await;
    stage.world.load_goes_on(60).await;
    limit("pubsub 32mb 8mb 60").await;
    stage.end().await
}
