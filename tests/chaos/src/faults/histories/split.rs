//! A gateway's commands and its subscription are at different primaries for a while, and clients
//! resume there with cursors of either.

use super::failover::{PRIMARY_OPTIONS, promote_replica};
use people_testing::redis::RedisServer;

use crate::checks::{RunReport, check};
use crate::world::{Case, World};

/// Heads are compared so rarely that much can happen before a gateway finds the split.
const SELDOM: &[(&str, &str)] = &[
    ("live.head_interval_ms", "3000"),
    ("live.ready_limit_ms", "9000"),
];
/// The defaults of the settings that `QUICK` shortens.
const BY_DEFAULT: &[(&str, &str)] = &[
    ("live.head_interval_ms", "1000"),
    ("live.ready_limit_ms", "5000"),
    ("store.subscription.ping_interval_ms", "1000"),
    ("store.subscription.ping_timeout_ms", "2000"),
    ("store.subscription.backoff_max_ms", "2000"),
];

pub(super) async fn split(case: Case) -> RunReport {
    let commands_move_first = case.seed.is_multiple_of(2);
    let settings = [SELDOM, BY_DEFAULT][usize::from(case.seed % 4 >= 2)];
    let primary = RedisServer::start(PRIMARY_OPTIONS).await;
    let mut world = World::new(&case, primary, 3, settings).await;
    let old = world.redis().port();
    let [old_gateway, split_gateway, new_gateway] = [0, 1, 2];
    world
        .writer
        .populate(&world.nodes[old_gateway].gateway, 8)
        .await;
    (0..3).for_each(|gateway| world.join(gateway, "before the fault"));
    world.all_live().await;
    world.all_caught_up(old_gateway, old).await;
    let before = world.saved_views(old_gateway);
    world.pause().await;
    let new = promote_replica(&world).await;
    world.move_gateway(new_gateway, new.port());
    let (lost, kept) = (world.number(1..15), world.number(1..15));
    world.write(old_gateway, lost).await;
    world.write(new_gateway, kept).await;
    world.all_caught_up(new_gateway, new.port()).await;
    for gateway in [old_gateway, split_gateway] {
        world.all_caught_up(gateway, old).await;
    }
    let (old_views, new_views) = (
        world.saved_views(old_gateway),
        world.saved_views(new_gateway),
    );

    let proxy = world.nodes[split_gateway].proxy();
    if commands_move_first {
        proxy.move_commands(new.port());
    } else {
        proxy.move_subscription(new.port());
    }
    world.resume(
        &new_views,
        split_gateway,
        "with a cursor of the new primary",
    );
    world.resume(
        &old_views,
        split_gateway,
        "with a cursor of the old primary",
    );
    world.resume(&before, split_gateway, "with a cursor from before");
    world.join(split_gateway, "during the split");
    for _ in 0..world.number(1..4) {
        world.write(old_gateway, 2).await;
        world.write(new_gateway, 2).await;
    }
    world.write(split_gateway, 2).await;
    world.all_live().await;
    world.save_lost_history(old).await;

    world.allowed.discontinuities = 2;
    world.move_gateway(split_gateway, new.port());
    world.move_gateway(old_gateway, new.port());
    world.end_faults();
    world.resume(
        &old_views,
        split_gateway,
        "with a lost cursor, after the split",
    );
    world.join(split_gateway, "after the split");
    let after = world.number(0..lost + 5);
    world.write(split_gateway, after).await;
    check(&mut world, new_gateway, new.port()).await
}
