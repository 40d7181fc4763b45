//! A replica is promoted that lacks the last changes, and the gateways move to it, together or one
//! after the other.

use super::judge::{Verdicts, judge};
use super::with_every_seed;
use super::world::{Case, World};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[test]
fn views_become_true_again_when_a_replica_that_lagged_is_promoted() {
    with_every_seed("a lossy failover", lossy);
}

#[test]
fn views_become_true_again_when_gateways_move_to_a_new_primary_one_after_the_other() {
    with_every_seed("a staggered failover", staggered);
}

/// Options of a primary whose replicas are wanted at once.
pub(super) const PRIMARY: &[&str] = &["--repl-diskless-sync-delay", "0"];

/// A replica that has all there is, promoted: what is written to the old primary from now on, it
/// lacks.
pub(super) async fn promoted(world: &World) -> RedisServer {
    let replica = world.redis.start_replica().await;
    for partition in 0..world.case.partitions {
        let meta = format!("{{people.p{partition}}}:meta");
        let tag: Option<String> = world.redis.command(&["HGET", &meta, "t"]).await;
        eventually("the replica has it all", async || {
            replica
                .command::<Option<String>>(&["HGET", &meta, "t"])
                .await
                == tag
        })
        .await;
    }
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    replica
}

async fn lossy(case: Case) -> Verdicts {
    let mut world = World::new(&case, RedisServer::start(PRIMARY).await, 3, &[]).await;
    let old = world.redis.port();
    world.people.found(&world.nodes[0].gateway, 8).await;
    (0..2).for_each(|gateway| world.join(gateway, "before all"));
    world.all_live().await;
    let before = world.remember(0);
    world.pause().await;
    let new = promoted(&world).await;
    // The third gateway has nobody to tell so far, and is at the new primary already.
    world.move_gateway(2, new.port());
    world.nodes[2].gateway.wait_ready().await;
    let lost = world.number(1..41);
    world.write(0, lost / 2).await;
    world.join(1, "while people are written who will be lost");
    world.write(1, lost - lost / 2).await;
    let elsewhere = [0, lost / 2, lost, lost + 3][world.number(0..4)];
    world.write(2, elsewhere).await;
    world.join(2, "at the new primary");
    world.all_live().await;
    world.all_told(0, old).await;
    world.all_told(1, old).await;
    world.all_told(2, new.port()).await;
    let (losing, winning) = (world.remember(0), world.remember(2));
    world.will_be_lost(old).await;
    world.join(0, "just before the failover");

    match case.seed % 3 {
        0 => world.redis.kill9(),
        // It answers, as a replica of the new one does.
        1 => {
            let port = new.port().to_string();
            world
                .redis
                .command::<()>(&["REPLICAOF", "127.0.0.1", &port])
                .await;
        }
        _ => {}
    }
    world.move_gateway(0, new.port());
    world.move_gateway(1, new.port());
    world.mended();
    world.resume(&losing, 1, "with a lost cursor");
    world.resume(&winning, 0, "with a cursor of the new primary");
    world.resume(&before, 2, "with a cursor from before");
    world.join(0, "after the failover");
    let after = world.number(0..lost + 3);
    world.write(0, after).await;
    judge(&mut world, 1, new.port()).await
}

async fn staggered(case: Case) -> Verdicts {
    let mut world = World::new(&case, RedisServer::start(PRIMARY).await, 3, &[]).await;
    let old = world.redis.port();
    world.people.found(&world.nodes[0].gateway, 8).await;
    (0..3).for_each(|gateway| world.join(gateway, "before all"));
    world.all_live().await;
    let before = world.remember(1);
    world.pause().await;
    let new = promoted(&world).await;
    let lost = world.number(1..21);
    world.write(0, lost).await;
    for gateway in 0..3 {
        world.all_told(gateway, old).await;
    }
    let losing = world.remember(2);

    world.move_gateway(0, new.port());
    // Both sides are written to, and clients come with cursors of either.
    for moved in [0, 1] {
        let (at_new, at_old) = (world.number(1..12), world.number(1..12));
        world.write(moved, at_new).await;
        world.write(2, at_old).await;
        world.resume(&losing, moved, "with a lost cursor");
        world.resume(&before, 2, "with a cursor from before");
        world.resume(&before, moved, "with a cursor from before");
        world.all_told(moved, new.port()).await;
        let winning = world.remember(moved);
        world.resume(
            &winning[..winning.len().min(6)],
            2,
            "with a cursor of the new primary",
        );
        world.join(2, "between the moves");
        world.move_clients(moved, 2).await;
        world.move_clients(2, moved).await;
        if case.seed.is_multiple_of(2) {
            world.all_live().await;
        }
        if moved == 0 {
            world.move_gateway(1, new.port());
        }
    }
    world.will_be_lost(old).await;
    if case.seed.is_multiple_of(3) {
        world.redis.kill9();
    }
    world.move_gateway(2, new.port());
    world.mended();
    world.join(2, "after the last move");
    let after = world.number(0..lost + 3);
    world.write(2, after).await;
    judge(&mut world, 0, new.port()).await
}
