//! A replica that lacks the last changes is promoted, and the gateways move to it, together or one
//! by one.

use std::num::NonZeroU16;

use people_gateway::domain::Partitions;
use people_gateway::store::redis::hash_tag;

use people_testing::redis::RedisServer;

use crate::checks::{RunReport, check};
use crate::world::{Case, World};
use people_testing::wait::eventually;

/// Options of a primary that sends its data to a new replica without delay.
pub(super) const PRIMARY_OPTIONS: &[&str] = &["--repl-diskless-sync-delay", "0"];

/// Starts a replica, waits until it has all changes, and promotes it. It lacks all later writes to
/// the old primary.
pub(super) async fn promote_replica(world: &World) -> RedisServer {
    let replica = world.redis().start_replica().await;
    let partitions = NonZeroU16::new(world.case.partitions).expect("at least one");
    let partitions = Partitions::new(partitions);
    for partition in partitions.iter() {
        let meta = format!("{{{}}}:meta", hash_tag("people", partition, partitions));
        let tag: String = world.redis().command(&["HGET", &meta, "t"]).await;
        eventually("the replica has all changes", async || {
            replica
                .command::<Option<String>>(&["HGET", &meta, "t"])
                .await
                .as_ref()
                == Some(&tag)
        })
        .await;
    }
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    replica
}

pub(super) async fn lossy(case: Case) -> RunReport {
    let mut world = World::new(&case, RedisServer::start(PRIMARY_OPTIONS).await, 3, &[]).await;
    let old = world.redis().port();
    world.writer.populate(&world.nodes[0].gateway, 8).await;
    (0..2).for_each(|gateway| world.join(gateway, "before the fault"));
    world.all_live().await;
    let before = world.saved_views(0);
    world.pause().await;
    let new = promote_replica(&world).await;
    // The third gateway has no clients yet, and moves to the new primary first.
    world.move_gateway(2, new.port());
    world.nodes[2].gateway.wait_ready().await;
    let lost = world.number(1..41);
    world.write(0, lost / 2).await;
    world.join(1, "during writes that will be lost");
    world.write(1, lost - lost / 2).await;
    let elsewhere = [0, lost / 2, lost, lost + 3][world.number(0..4)];
    world.write(2, elsewhere).await;
    world.join(2, "at the new primary");
    world.all_live().await;
    world.all_caught_up(0, old).await;
    world.all_caught_up(1, old).await;
    world.all_caught_up(2, new.port()).await;
    let (old_views, new_views) = (world.saved_views(0), world.saved_views(2));
    world.save_lost_history(old).await;
    world.join(0, "just before the failover");

    match case.seed % 3 {
        0 => world.redis_mut().kill9(),
        // The old primary stays up, as a replica of the new one.
        1 => {
            let port = new.port().to_string();
            world
                .redis()
                .command::<()>(&["REPLICAOF", "127.0.0.1", &port])
                .await;
        }
        _ => {}
    }
    world.move_gateway(0, new.port());
    world.move_gateway(1, new.port());
    world.end_faults();
    world.resume(&old_views, 1, "with a lost cursor");
    world.resume(&new_views, 0, "with a cursor of the new primary");
    world.resume(&before, 2, "with a cursor from before");
    world.join(0, "after the failover");
    let after = world.number(0..lost + 3);
    world.write(0, after).await;
    check(&mut world, 1, new.port()).await
}

pub(super) async fn staggered(case: Case) -> RunReport {
    let mut world = World::new(&case, RedisServer::start(PRIMARY_OPTIONS).await, 3, &[]).await;
    let old = world.redis().port();
    world.writer.populate(&world.nodes[0].gateway, 8).await;
    (0..3).for_each(|gateway| world.join(gateway, "before the fault"));
    world.all_live().await;
    let before = world.saved_views(1);
    world.pause().await;
    let new = promote_replica(&world).await;
    let lost = world.number(1..21);
    world.write(0, lost).await;
    for gateway in 0..3 {
        world.all_caught_up(gateway, old).await;
    }
    let old_views = world.saved_views(2);

    world.move_gateway(0, new.port());
    // Writes go to both primaries, and clients resume with cursors of either.
    for moved in [0, 1] {
        let (at_new, at_old) = (world.number(1..12), world.number(1..12));
        world.write(moved, at_new).await;
        world.write(2, at_old).await;
        world.resume(&old_views, moved, "with a lost cursor");
        world.resume(&before, 2, "with a cursor from before");
        world.resume(&before, moved, "with a cursor from before");
        world.all_caught_up(moved, new.port()).await;
        let new_views = world.saved_views(moved);
        world.resume(
            &new_views[..new_views.len().min(6)],
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
    world.save_lost_history(old).await;
    if case.seed.is_multiple_of(3) {
        world.redis_mut().kill9();
    }
    world.move_gateway(2, new.port());
    world.end_faults();
    world.join(2, "after the last move");
    let after = world.number(0..lost + 3);
    world.write(2, after).await;
    check(&mut world, 0, new.port()).await
}
