//! For a while a gateway's commands and its subscription are at different primaries, and clients
//! come to it with cursors of either.

use super::failover::{PRIMARY, promoted};
use super::judge::{Verdicts, judge};
use super::with_every_seed;
use super::world::{Case, World};
use people_testing::redis::RedisServer;

#[test]
fn views_become_true_again_after_a_gateway_had_two_primaries() {
    with_every_seed("a split brain", split);
}

/// Heads are compared so seldom that much can happen before a gateway finds out.
const SELDOM: &[(&str, &str)] = &[
    ("live.head_interval_ms", "3000"),
    ("live.ready_limit_ms", "9000"),
];
/// As operators have it.
const BY_DEFAULT: &[(&str, &str)] = &[
    ("live.head_interval_ms", "1000"),
    ("live.ready_limit_ms", "5000"),
    ("store.subscription.ping_interval_ms", "1000"),
    ("store.subscription.ping_timeout_ms", "2000"),
    ("store.subscription.backoff_max_ms", "2000"),
];

async fn split(case: Case) -> Verdicts {
    let commands_move_first = case.seed.is_multiple_of(2);
    let settings = if case.seed % 4 < 2 {
        SELDOM
    } else {
        BY_DEFAULT
    };
    let mut world = World::new(&case, RedisServer::start(PRIMARY).await, 3, settings).await;
    let old = world.redis.port();
    let [loser, torn, winner] = [0, 1, 2];
    world.people.found(&world.nodes[loser].gateway, 8).await;
    (0..3).for_each(|gateway| world.join(gateway, "before all"));
    world.all_live().await;
    world.all_told(loser, old).await;
    let before = world.remember(loser);
    world.pause().await;
    let new = promoted(&world).await;
    world.move_gateway(winner, new.port());
    let (lost, kept) = (world.number(1..15), world.number(1..15));
    world.write(loser, lost).await;
    world.write(winner, kept).await;
    world.all_told(winner, new.port()).await;
    for gateway in [loser, torn] {
        world.all_told(gateway, old).await;
    }
    let (losing, winning) = (world.remember(loser), world.remember(winner));

    let line = &world.nodes[torn].line;
    if commands_move_first {
        line.move_commands(new.port());
    } else {
        line.move_subscription(new.port());
    }
    world.resume(&winning, torn, "with a cursor of the new primary");
    world.resume(&losing, torn, "with a cursor of the old primary");
    world.resume(&before, torn, "with a cursor from before");
    world.join(torn, "during the split");
    for _ in 0..world.number(1..4) {
        world.write(loser, 2).await;
        world.write(winner, 2).await;
    }
    world.write(torn, 2).await;
    world.all_live().await;
    world.will_be_lost(old).await;

    world.breaks = 2;
    world.move_gateway(torn, new.port());
    world.move_gateway(loser, new.port());
    world.mended();
    world.resume(&losing, torn, "with a lost cursor, after the split");
    world.join(torn, "after the split");
    let after = world.number(0..lost + 5);
    world.write(torn, after).await;
    judge(&mut world, winner, new.port()).await
}
