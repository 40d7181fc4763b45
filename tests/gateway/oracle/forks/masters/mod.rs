//! Several masters: a cluster or sentinels replace one, move its slots, or lose it, while clients
//! of every format are connected, come and resume, and gateways write.
//!
//! Each run starts servers of its own, so by default a schedule has one seed; `ORACLE_SEEDS=20`
//! runs twenty.

mod cluster;
mod durability;
mod sentinel;

use super::checks::{RunReport, check};
use super::with_seeds;
use super::world::{Case, StoreAt, World};

/// Seeds of a schedule that has no other number.
const SEEDS: u64 = 1;
/// Gateways of a schedule. The last one has clients only after the fault.
const GATEWAYS: usize = 3;

/// Settings for a failover: calls go on until it is over.
const PATIENT: &[(&str, &str)] = &[
    ("store.retry_limit_ms", "15000"),
    ("store.topology_interval_ms", "2000"),
];

/// A world on this store, with people, and with clients at all gateways but the last.
async fn world(case: &Case, store: &StoreAt) -> World {
    world_with(case, store, &[]).await
}

async fn world_with(case: &Case, store: &StoreAt, settings: &[(&str, &str)]) -> World {
    let settings = [PATIENT, settings].concat();
    let mut world = World::at(case, store, GATEWAYS, &settings).await;
    world.writer.populate(&world.nodes[0].gateway, 24).await;
    (0..GATEWAYS - 1).for_each(|gateway| world.join(gateway, "before the fault"));
    world.all_live().await;
    world
}

/// After the fault: clients resume where others stood, and join; then everything is compared.
async fn end(mut world: World, saved: Vec<super::watcher::SavedView>, store: StoreAt) -> RunReport {
    world.end_faults();
    world.resume(&saved, GATEWAYS - 1, "with a cursor from before");
    world.join(0, "after the fault");
    let after = world.number(5..40);
    world.write(1, after).await;
    check(&mut world, 1, store).await
}
