//! Nodes of a cluster that come, go, restart, lose their data, are slow, or cut their connections.

use std::time::Duration;

use people_testing::cluster::{Cluster, ClusterOptions};

use super::Stage;
use super::cluster::{OPTIONS, TAKES_WRITES, at, slot_with_data};
use crate::checks::RunReport;
use crate::world::{Case, StoreAt};

pub(super) async fn replaced(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    let home = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, home).await;
    let node = cluster.add_node().await;
    cluster.move_slot(slot, node).await;
    stage.world.write(0, 20).await;
    cluster.move_slot(slot, (home + 1) % 3).await;
    cluster.remove_node(node).await;
    stage.end().await
}

pub(super) async fn all_killed(case: Case) -> RunReport {
    let options = ClusterOptions {
        redis: &["--appendonly", "yes", "--appendfsync", "always"],
        ..OPTIONS
    };
    let mut cluster = Cluster::start_with(3, 0, options).await;
    let stage = Stage::set(&case, at(&cluster), &[]).await;
    (0..3).for_each(|node| cluster.kill9(node));
    stage.pause(500).await;
    for node in 0..3 {
        cluster.restart(node).await;
    }
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn flushed(case: Case) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    stage.world.allowed = TAKES_WRITES;
    let victim = stage.world.number(0..3);
    cluster.command::<()>(victim, &["FLUSHALL"]).await;
    stage.end().await
}

pub(super) async fn slow(case: Case) -> RunReport {
    let options = ClusterOptions {
        node_timeout_ms: 5000,
        ..OPTIONS
    };
    let cluster = Cluster::start_behind_proxies(3, 1, options).await;
    let patient = [
        ("store.command_timeout_ms", "4000"),
        ("store.connect_timeout_ms", "3000"),
        ("store.pool_wait_ms", "4000"),
        ("store.subscription.ping_timeout_ms", "4000"),
        ("live.ready_limit_ms", "9000"),
    ];
    let mut stage = Stage::set(&case, at(&cluster), &patient).await;
    let victim = stage.world.number(0..3);
    cluster.slow(victim, Duration::from_millis(200), 20 * 1024);
    stage.world.write(0, 5).await;
    stage.pause(2000).await;
    cluster.full_speed(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn cut(case: Case) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let stage = Stage::set(&case, at(&cluster), &[]).await;
    for round in 0..66 {
        let kind = if round < 60 { "normal" } else { "pubsub" };
        let kill = ["CLIENT", "KILL", "TYPE", kind];
        cluster.command::<()>(round % 3, &kill).await;
        stage.world.load_goes_on(8).await;
    }
    stage.end().await
}

pub(super) async fn stale_seeds(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let replica = cluster.replica_of(1).await;
    cluster.kill9(0);
    cluster.wait_stable().await;
    let seeds = StoreAt::url(cluster.url_of(&[0, replica]));
    let mut stage = Stage::set(&case, seeds, &[]).await;
    let planned = cluster.replica_of(2).await;
    let ((), ()) = tokio::join!(cluster.failover(planned), stage.world.write(0, 40));
    stage.end().await
}
