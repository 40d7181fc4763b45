//! Redis comes back without its data: the gateway logs and counts the discontinuity, and text
//! streams continue with the new changes.

use crate::scale_out::fleet::Fleet;
use people_testing::process::settings::QUICK;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::socket::Listener;
use people_testing::switch::Switch;
use people_testing::wait::eventually;

const PARTITIONS: u16 = 4;

/// Waits until each partition of the gateway has counted and logged one reset for this reason.
async fn wait_for_resets(gateway: &Gateway, reason: &str, partitions: u16) {
    let label = format!("reason=\"{reason}\"");
    eventually("the resets are counted", || async {
        gateway.count_at("relay_resets_total", &label).await >= u64::from(partitions)
    })
    .await;
    assert_eq!(
        gateway.count("relay_resets_total").await,
        u64::from(partitions),
        "once, and for no other reason"
    );
    let logged = gateway
        .log()
        .lines()
        .filter(|line| line.contains("lost history") && line.contains(reason))
        .count();
    assert_eq!(logged, usize::from(partitions), "one line per partition");
}

/// Asserts that the next sentences are those of new changes.
async fn assert_stream_continues(fleet: &[&Gateway], listeners: &mut [Listener]) {
    for round in 0..10 {
        let name = format!("Round {round}");
        let id = fleet[round % fleet.len()].create(&person(&name)).await;
        for listener in &mut *listeners {
            let sentence = listener.sentence().await;
            assert!(
                sentence.contains(&id) && sentence.contains(&name),
                "{sentence}"
            );
        }
    }
}

async fn with_listeners(fleet: &Fleet) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for gateway in &fleet.gateways {
        listeners.push(gateway.listen("").await);
    }
    for name in ["Ada", "Grace", "Joan"] {
        fleet.gateways[0].create(&person(name)).await;
        for listener in &mut listeners {
            assert!(listener.sentence().await.contains(name));
        }
    }
    listeners
}

#[tokio::test]
async fn a_redis_that_comes_back_without_its_data_is_a_new_epoch() {
    let redis = RedisServer::start(&[]).await;
    let mut fleet = Fleet::on(redis, 2, PARTITIONS, &[]).await;
    let mut listeners = with_listeners(&fleet).await;
    fleet.redis.kill9();
    fleet.redis.restart().await;
    for gateway in &fleet.gateways {
        wait_for_resets(gateway, "epoch", PARTITIONS).await;
        gateway.wait_ready().await;
    }
    assert_stream_continues(&fleet.gateways.iter().collect::<Vec<_>>(), &mut listeners).await;
}

#[tokio::test]
async fn a_flushed_redis_is_a_new_epoch() {
    let fleet = Fleet::start(2, PARTITIONS, &[]).await;
    let mut listeners = with_listeners(&fleet).await;
    fleet.redis.command::<()>(&["FLUSHALL"]).await;
    for gateway in &fleet.gateways {
        wait_for_resets(gateway, "epoch", PARTITIONS).await;
    }
    assert_stream_continues(&fleet.gateways.iter().collect::<Vec<_>>(), &mut listeners).await;
}

/// A gateway with short waits and this store.
async fn quick_gateway(url: &str) -> Gateway {
    Gateway::ready(&[QUICK, &[("store.url", url)]].concat()).await
}

/// A master that can be replicated at once, a gateway that reaches it through a switch, and a
/// client that got a first change.
async fn behind_a_switch() -> (RedisServer, Switch, Gateway, [Listener; 1]) {
    let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]).await;
    let switch = Switch::to(master.port()).await;
    let gateway = quick_gateway(&switch.url()).await;
    let mut listener = [gateway.listen("").await];
    gateway.create(&person("Ada")).await;
    assert!(listener[0].sentence().await.contains("Ada"));
    (master, switch, gateway, listener)
}

/// The connections to the old master stay open. It still answers, but as a replica without a master
/// it gets no new changes.
#[tokio::test]
async fn a_gateway_leaves_a_master_that_became_a_replica_for_the_new_master() {
    let (master, switch, gateway, mut listener) = behind_a_switch().await;
    let replica = master.start_replica().await;
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    switch.switch_new(replica.port());
    // No server listens on port 1.
    master.command::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await;

    // Another gateway writes first: only the role that the old master reports makes this gateway
    // connect to the new one.
    let replica_url = replica.url();
    let other = quick_gateway(&replica_url).await;
    for name in ["Grace", "Joan", "Mary"] {
        other.create(&person(name)).await;
        assert!(listener[0].sentence().await.contains(name));
    }
    assert_stream_continues(&[&gateway, &other], &mut listener).await;
    eventually("the subscription moves", || async {
        gateway.count("relay_disconnects_total").await >= 1
    })
    .await;
    gateway.wait_ready().await;
    assert_stream_continues(&[&gateway, &other], &mut listener).await;
    assert_eq!(
        gateway.count("relay_resets_total").await,
        0,
        "the new master has every change"
    );
}

/// The replica is promoted while the old master still accepts writes; then all gateways move to it.
/// The tags show the fork, whether the new log is shorter than the old one, as long or longer.
#[tokio::test]
async fn a_promoted_replica_that_lacks_writes_is_a_fork() {
    for own_writes in [0, 2, 5] {
        let (master, switch, gateway, mut listener) = behind_a_switch().await;
        let replica = master.start_replica().await;
        let meta = |key| ["HGET", "{people.p0}:meta", key];
        let (kept, tag): (u64, String) = (
            master.command(&meta("s")).await,
            master.command(&meta("t")).await,
        );
        eventually("the replica has the change", || async {
            replica.command::<Option<String>>(&meta("t")).await == Some(tag.clone())
        })
        .await;
        replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        for name in ["Lost", "Lost too"] {
            gateway.create(&person(name)).await;
            assert!(listener[0].sentence().await.contains(name));
        }
        let replica_url = replica.url();
        let other = quick_gateway(&replica_url).await;
        for _ in 0..own_writes {
            other.create(&person("Unseen")).await;
        }

        switch.switch(replica.port());
        wait_for_resets(&gateway, "forked", 1).await;
        let head: u64 = replica.command(&meta("s")).await;
        assert_eq!(head, kept + own_writes);
        gateway.wait_ready().await;
        assert_stream_continues(&[&gateway, &other], &mut listener).await;
    }
}
