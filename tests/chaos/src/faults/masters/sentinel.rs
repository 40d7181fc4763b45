//! A master with two replicas, which three sentinels watch.

use people_testing::sentinel::{SentinelOptions, Sentinels};
use people_testing::wait::eventually;

use super::Stage;
use super::cluster::TAKES_WRITES;
use crate::checks::RunReport;
use crate::world::{Case, StoreAt, World};

fn at(sentinels: &Sentinels) -> StoreAt {
    StoreAt::url(sentinels.url())
}

pub(super) async fn killed(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    stage.world.allowed = TAKES_WRITES;
    let old = sentinels.master().await;
    sentinels.kill9(old);
    stage.world.write(1, 40).await;
    sentinels.master_after(old).await;
    stage.end().await
}

pub(super) async fn frozen(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    stage.world.allowed = TAKES_WRITES;
    let old = sentinels.master().await;
    sentinels.freeze(old);
    stage.world.write(1, 40).await;
    sentinels.master_after(old).await;
    // The old master goes on where it stood, and does not know yet that there is another.
    all_left(&stage.world).await;
    sentinels.thaw(old);
    stage.world.write(0, 10).await;
    stage.end().await
}

/// Waits until every gateway has left the first master.
async fn all_left(world: &World) {
    eventually("every gateway has left the old master", async || {
        for node in &world.nodes {
            if node.gateway.count("store_topology_changes_total").await == 0 {
                return false;
            }
        }
        true
    })
    .await;
}

pub(super) async fn split(case: Case) -> RunReport {
    split_of(case, SentinelOptions::default()).await
}

pub(super) async fn split_with_min_replicas(case: Case) -> RunReport {
    let options = SentinelOptions {
        min_replicas_to_write: 1,
        ..SentinelOptions::default()
    };
    split_of(case, options).await
}

async fn split_of(case: Case, options: SentinelOptions) -> RunReport {
    let mut sentinels = Sentinels::start_with(2, 3, options).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    // One that refuses writes without a replica counts its replicas once a second.
    stage.world.allowed = TAKES_WRITES;
    let old = sentinels.split_master().await;
    let lost = stage.world.number(1..40);
    if options.min_replicas_to_write == 0 {
        stage.world.write(0, lost).await;
    }
    sentinels.master_after(old).await;
    all_left(&stage.world).await;
    stage.world.write(1, 40).await;
    // A store that is opened writes, and nobody else asks this server any more.
    let takes_writes = ["CONFIG", "SET", "min-replicas-to-write", "0"];
    sentinels.command::<()>(old, &takes_writes).await;
    let port = sentinels.server(old).port();
    stage.world.save_lost_history(port).await;
    sentinels.heal().await;
    stage.end().await
}

pub(super) async fn planned(case: Case) -> RunReport {
    let sentinels = Sentinels::start(2, 3).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    // Redis 7.0 promotes the replica without a pause of the writes at the old master.
    stage.world.allowed = TAKES_WRITES;
    sentinels.failover().await;
    stage.world.write(1, 40).await;
    sentinels.wait_stable().await;
    stage.end().await
}

pub(super) async fn two_dead(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    let alive = stage.world.number(0..3);
    (0..3)
        .filter(|one| *one != alive)
        .for_each(|one| sentinels.kill_sentinel(one));
    stage.world.write(1, 40).await;
    // A gateway that starts now asks the one that is left.
    stage.world.nodes[2].gateway.kill9_and_start().await;
    stage.world.nodes[2].gateway.wait_ready().await;
    stage.end().await
}

pub(super) async fn one_lies(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut stage = Stage::set(&case, at(&sentinels), &[]).await;
    let liar = stage.world.number(0..3);
    stage.world.allowed = TAKES_WRITES;
    let old = sentinels.master().await;
    sentinels.freeze_sentinel(liar);
    sentinels.kill9(old);
    sentinels.master_after(old).await;
    all_left(&stage.world).await;
    sentinels.restart(old).await;
    // It answers with what it knew, until the others tell it.
    sentinels.thaw_sentinel(liar);
    stage.world.write(1, 40).await;
    sentinels.wait_stable().await;
    stage.end().await
}
