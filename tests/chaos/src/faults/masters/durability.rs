//! `store.durability` `replicas:1`: a failover that loses what a replica did not have loses nothing
//! that was answered.

use people_testing::cluster::Cluster;

use super::Stage;
use super::cluster::{OPTIONS, at, split_of};
use crate::checks::RunReport;
use crate::world::{Allowance, Case};

const DURABLE: &[(&str, &str)] = &[("store.durability", "replicas:1")];

pub(super) async fn killed(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 2, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), DURABLE).await;
    let victim = stage.world.number(0..3);
    cluster.kill9(victim);
    stage.world.write(1, 30).await;
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn lossy(case: Case) -> RunReport {
    let mut cluster = Cluster::start_with(3, 2, OPTIONS).await;
    let mut stage = Stage::set(&case, at(&cluster), DURABLE).await;
    stage.world.allowed = UNANSWERED_ARE_TAKEN;
    let victim = stage.world.number(0..3);
    cluster.cut_replicas(victim).await;
    // Longer than a write waits for replicas: it is answered, one way or the other.
    stage.pause(1500).await;
    cluster.kill9(victim);
    cluster.wait_stable().await;
    stage.end().await
}

pub(super) async fn split(case: Case) -> RunReport {
    split_of(case, 2, DURABLE, UNANSWERED_ARE_TAKEN).await
}

/// Watchers see changes that nobody was answered for, and are reset when a failover takes them.
const UNANSWERED_ARE_TAKEN: Allowance = Allowance {
    discontinuities: 2,
    losses: false,
    closes: false,
};
