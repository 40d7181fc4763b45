//! A master with two replicas, which three sentinels watch.

use people_testing::sentinel::Sentinels;
use people_testing::wait::eventually;

use super::{Case, RunReport, SEEDS, StoreAt, World, end, with_seeds, world};

const PARTITIONS: &[u16] = &[2];

#[test]
fn views_stay_exact_while_sentinels_replace_a_killed_master() {
    with_seeds("a killed master of sentinels", SEEDS, PARTITIONS, killed);
}

#[test]
fn views_stay_exact_while_sentinels_replace_a_frozen_master() {
    with_seeds("a frozen master of sentinels", SEEDS, PARTITIONS, frozen);
}

#[test]
fn views_converge_after_a_master_was_cut_off_from_its_sentinels() {
    with_seeds("a master without sentinels", SEEDS, PARTITIONS, split);
}

fn at(sentinels: &Sentinels) -> StoreAt {
    StoreAt::url(sentinels.url())
}

async fn killed(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut world = world(&case, &at(&sentinels)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let old = sentinels.master().await;
    world.write(0, 20).await;
    sentinels.kill9(old);
    world.write(1, 40).await;
    sentinels.master_after(old).await;
    end(world, saved, at(&sentinels)).await
}

async fn frozen(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut world = world(&case, &at(&sentinels)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let old = sentinels.master().await;
    sentinels.freeze(old);
    world.write(1, 40).await;
    sentinels.master_after(old).await;
    // The old master goes on where it stood, and does not know yet that there is another.
    all_left(&world).await;
    sentinels.thaw(old);
    world.write(0, 10).await;
    end(world, saved, at(&sentinels)).await
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

async fn split(case: Case) -> RunReport {
    let mut sentinels = Sentinels::start(2, 3).await;
    let mut world = world(&case, &at(&sentinels)).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let old = sentinels.split_master().await;
    let lost = world.number(1..40);
    world.write(0, lost).await;
    sentinels.master_after(old).await;
    all_left(&world).await;
    world.write(1, 40).await;
    world.save_lost_history(sentinels.server(old).port()).await;
    sentinels.heal().await;
    end(world, saved, at(&sentinels)).await
}
