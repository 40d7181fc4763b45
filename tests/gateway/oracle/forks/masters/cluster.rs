//! A cluster of three masters with a replica each.

use people_gateway::domain::LogPosition;
use people_testing::cluster::{Cluster, ClusterOptions};
use people_testing::wait::eventually;

use super::{Case, RunReport, SEEDS, StoreAt, end, with_seeds, world};
use crate::oracle::forks::world::History;

/// Two on each master.
const PARTITIONS: &[u16] = &[6];

#[test]
fn views_stay_exact_while_a_master_is_killed() {
    with_seeds("a killed master", SEEDS, PARTITIONS, killed);
}

#[test]
fn views_stay_exact_while_a_master_is_frozen() {
    with_seeds("a frozen master", SEEDS, PARTITIONS, frozen);
}

#[test]
fn views_stay_exact_while_masters_change_and_slots_move() {
    with_seeds("moves", SEEDS, PARTITIONS, moved);
}

#[test]
fn views_converge_after_a_lossy_failover_of_one_master() {
    with_seeds("a lossy failover of one master", SEEDS, PARTITIONS, lossy);
}

#[test]
fn views_converge_after_a_master_was_cut_off_from_its_cluster() {
    with_seeds("a split cluster", SEEDS, PARTITIONS, split);
}

fn at(cluster: &Cluster) -> StoreAt {
    StoreAt::url(cluster.url())
}

async fn killed(case: Case) -> RunReport {
    let mut cluster = Cluster::start(3, 1).await;
    let mut world = world(&case, &at(&cluster)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let victim = world.number(0..3);
    world.write(0, 20).await;
    cluster.kill9(victim);
    world.write(1, 40).await;
    cluster.wait_stable().await;
    if case.seed.is_multiple_of(2) {
        cluster.restart(victim).await;
        cluster.wait_stable().await;
    }
    end(world, saved, at(&cluster)).await
}

async fn frozen(case: Case) -> RunReport {
    let mut cluster = Cluster::start(3, 1).await;
    let mut world = world(&case, &at(&cluster)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let victim = world.number(0..3);
    cluster.freeze(victim);
    world.write(1, 40).await;
    cluster.thaw(victim);
    cluster.wait_stable().await;
    end(world, saved, at(&cluster)).await
}

async fn moved(case: Case) -> RunReport {
    let cluster = Cluster::start(3, 1).await;
    let mut world = world(&case, &at(&cluster)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let replica = cluster.replica_of(world.number(0..3)).await;
    let ((), ()) = tokio::join!(cluster.failover(replica), world.write(0, 40));
    let slot = slot_with_data(&cluster, replica).await;
    let mut elsewhere = replica;
    for other in [1_000, 8_000, 15_000] {
        let owner = cluster.owner(other).await;
        elsewhere = if owner == replica { elsewhere } else { owner };
    }
    for target in [elsewhere, replica, elsewhere] {
        let moving = cluster.move_slot(slot, target);
        let ((), ()) = tokio::join!(moving, world.write(1, 20));
    }
    world.join(1, "after the moves");
    end(world, saved, at(&cluster)).await
}

async fn lossy(case: Case) -> RunReport {
    let mut cluster = Cluster::start(3, 1).await;
    let mut world = world(&case, &at(&cluster)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let victim = world.number(0..3);
    cluster.cut_replicas(victim).await;
    let lost = world.number(1..40);
    world.write(0, lost).await;
    for gateway in 0..2 {
        world.all_caught_up(gateway, at(&cluster)).await;
    }
    world.save_lost_history(at(&cluster)).await;
    cluster.kill9(victim);
    cluster.wait_stable().await;
    end(world, saved, at(&cluster)).await
}

async fn split(case: Case) -> RunReport {
    let options = ClusterOptions::default();
    let cluster = Cluster::start_behind_proxies(3, 1, options).await;
    let mut world = world(&case, &at(&cluster)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let victim = world.number(0..3);
    let slot = slot_with_data(&cluster, victim).await;
    cluster.cut_from_nodes(victim);
    // Its partitions are written to at the old master, until that refuses, and then at the new one.
    world.write(0, 20).await;
    eventually("another is elected", async || {
        cluster.owner(slot).await != victim
    })
    .await;
    world.write(0, 40).await;
    let lost = history_of_node(&cluster, victim).await;
    world.lost.push(lost);
    cluster.heal(victim);
    cluster.wait_stable().await;
    end(world, saved, at(&cluster)).await
}

/// The slot of a partition that a node owns.
async fn slot_with_data(cluster: &Cluster, node: usize) -> u16 {
    let keys: Vec<String> = cluster.command(node, &["KEYS", "*:meta"]).await;
    let key = keys.first().expect("a partition").as_str();
    cluster.command(node, &["CLUSTER", "KEYSLOT", key]).await
}

/// The entries of all logs that a node has, whether it owns them or not.
async fn history_of_node(cluster: &Cluster, node: usize) -> History {
    let mut history = History::new();
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
            history.insert(at.parse::<LogPosition>().expect("a position"));
        }
    }
    history
}
