//! A cluster of three masters with a replica each: failovers, splits, and slots that move.

use people_gateway::domain::LogPosition;
use people_testing::cluster::{Cluster, ClusterOptions};
use people_testing::wait::eventually;

use super::Stage;
use crate::checks::RunReport;
use crate::world::{Allowance, Case, History, StoreAt};

pub(super) fn at(cluster: &Cluster) -> StoreAt {
    StoreAt::url(cluster.url())
}

/// Nodes that take a silent master for dead after two seconds, as operators may choose.
pub(super) const OPTIONS: ClusterOptions = ClusterOptions {
    node_timeout_ms: 2000,
    tls: None,
    redis: &[],
};

/// A master answers before its replicas have a write, which may be lost with it. Each of its
/// partitions is another log: clients may be reset once for each.
pub(super) const TAKES_WRITES: Allowance = Allowance {
    discontinuities: 2,
    losses: true,
    closes: false,
};

pub(super) async fn killed(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    stage.world.allowed = TAKES_WRITES;
    let victim = stage.world.number(0..3);
    cluster.kill9(victim);
    stage.world.write(1, 40).await;
    cluster.wait_stable().await;
    if case.seed.is_multiple_of(2) {
        cluster.restart(victim).await;
        cluster.wait_stable().await;
    }
    stage.end().await
}

pub(super) async fn frozen(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let soon_stale = [("live.stale_after_ms", "1000")];
    let mut stage = Stage::set(&case, at(&cluster), &soon_stale).await;
    stage.world.must_be_stale = true;
    stage.world.allowed = TAKES_WRITES;
    let victim = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, victim).await;
    cluster.freeze(victim);
    eventually("another is elected", async || {
        cluster.owner(slot).await != victim
    })
    .await;
    stage.world.write(1, 40).await;
    cluster.thaw(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn frozen_briefly(case: Case) -> RunReport {
    let options = ClusterOptions {
        node_timeout_ms: 4000,
        ..OPTIONS
    };
    let mut cluster = Cluster::start_with(3, 1, options).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    let victim = stage.world.number(0..3);
    cluster.freeze(victim);
    stage.pause(1500).await;
    cluster.thaw(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn lossy(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    stage.world.allowed = TAKES_WRITES;
    let victim = stage.world.number(0..3);
    cluster.cut_replicas(victim).await;
    let lost = stage.world.number(1..40);
    stage.world.write(0, lost).await;
    cluster.kill9(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn split(case: Case) -> RunReport {
    split_of(case, 1, &[], TAKES_WRITES).await
}

/// A split of a cluster with so many replicas of each master.
pub(super) async fn split_of(
    case: Case,
    replicas: usize,
    settings: &[(&str, &str)],
    allowed: Allowance,
) -> RunReport {
    let cluster = Cluster::start_behind_proxies(3, replicas, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), settings).await;
    stage.world.allowed = allowed;
    let victim = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, victim).await;
    cluster.cut_from_nodes(victim);
    // Its partitions are written to at the old master, until that refuses, and then at the new one.
    stage.world.write(0, 20).await;
    eventually("another is elected", async || {
        cluster.owner(slot).await != victim
    })
    .await;
    stage.world.write(0, 40).await;
    let lost = history_of_node(&cluster, victim).await;
    stage.world.lost.push(lost);
    cluster.heal(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn planned(case: Case) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    let replica = cluster.replica_of(stage.world.number(0..3)).await;
    let ((), ()) = tokio::join!(cluster.failover(replica), stage.world.write(0, 40));
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn moved_500(case: Case) -> RunReport {
    moved(case, 500).await
}

pub(super) async fn moved_50_000(case: Case) -> RunReport {
    moved(case, 50_000).await
}

async fn moved(case: Case, people: usize) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set_with_bulk(&case, at(&cluster), people).await;
    let home = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, home).await;
    for round in 0..6 {
        let target = [(home + 1) % 3, home][round % 2];
        let moving = cluster.move_slot(slot, target);
        let ((), ()) = tokio::join!(moving, stage.world.write(1, 5));
    }
    stage.world.join(1, "after the moves");
    stage.end().await
}

pub(super) async fn aborted(case: Case) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), &[]).await;
    let home = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, home).await;
    let open = cluster.begin_move(slot, (home + 1) % 3).await;
    let moved = stage.world.number(1..4);
    cluster.move_keys(open, moved).await;
    stage.pause(300).await;
    if case.seed.is_multiple_of(2) {
        cluster.abort_move(open).await;
    } else {
        cluster.finish_move(open).await;
    }
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn rolling_restart(case: Case) -> RunReport {
    let cluster = Cluster::start_with(3, 1, OPTIONS).await;
    let mut stage = Stage::set_roaming(&case, at(&cluster), &[]).await;
    let home = stage.world.number(0..3);
    let slot = slot_with_data(&cluster, home).await;
    for gateway in 0..stage.world.nodes.len() {
        let target = [(home + 1) % 3, home][gateway % 2];
        let restarting = stage.world.nodes[gateway].gateway.kill9_and_start();
        let ((), ()) = tokio::join!(cluster.move_slot(slot, target), restarting);
        stage.world.nodes[gateway].gateway.wait_ready().await;
        stage.world.load_goes_on(30).await;
    }
    stage.end().await
}

/// The slot of a partition that a node owns.
pub(super) async fn slot_with_data(cluster: &Cluster, node: usize) -> u16 {
    let keys: Vec<String> = cluster.command(node, &["KEYS", "*:meta"]).await;
    let key = keys.first().expect("a partition").as_str();
    cluster.command(node, &["CLUSTER", "KEYSLOT", key]).await
}

/// The entries of all logs that a node has, whether it owns them or not.
async fn history_of_node(cluster: &Cluster, node: usize) -> History {
    let mut history = Vec::new();
    // A node that is cut off answers no question about keys otherwise.
    let reads = ["CONFIG", "SET", "cluster-allow-reads-when-down", "yes"];
    cluster.command::<()>(node, &reads).await;
    let logs: Vec<String> = cluster.command(node, &["KEYS", "*:log"]).await;
    for log in logs {
        let number = log.trim_start_matches("{people.p").split(['-', '}']).next();
        let partition = number.expect("the number of a partition").to_owned();
        let entries: Vec<(String, Vec<String>)> =
            cluster.command(node, &["XRANGE", &log, "-", "+"]).await;
        for (id, fields) in entries {
            let field = |name: &str| {
                let mut pairs = fields.chunks(2);
                pairs.find(|pair| pair[0] == name).expect("a field")[1].clone()
            };
            let seq = id.trim_end_matches("-0");
            let at = format!("{partition}:{}.{seq}.{}", field("e"), field("t"));
            history.push(at.parse::<LogPosition>().expect("a position"));
        }
    }
    history.into_iter().collect()
}
