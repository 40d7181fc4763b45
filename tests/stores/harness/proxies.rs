//! A cluster behind proxies: one node is cut off from the others, or slow.

use std::time::Duration;

use ::redis::AsyncConnectionConfig;
use tokio::time::timeout;

use people_testing::cluster::{Cluster, ClusterOptions};
use people_testing::wait::eventually;

/// The slot of `foo`.
const SLOT: u16 = 12_182;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_cut_off_refuses_and_the_others_elect_its_replica() {
    let cluster = Cluster::start_behind_proxies(3, 1, ClusterOptions::default()).await;
    let old = cluster.owner(SLOT).await;
    let new = cluster.replica_of(old).await;
    cluster.cut_from_nodes(old);
    // Clients still reach it.
    let url = format!("redis://{}", cluster.address(old));
    let client = ::redis::Client::open(url).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("a connection");
    let mut set = ::redis::cmd("SET");
    set.arg("foo").arg("lost");
    set.exec_async(&mut connection)
        .await
        .expect("it does not know yet");
    eventually("the cut master refuses", async || {
        let refused = set.exec_async(&mut connection).await;
        refused.is_err_and(|error| error.code() == Some("CLUSTERDOWN"))
    })
    .await;
    eventually("its replica is elected", async || {
        cluster.owner(SLOT).await == new
    })
    .await;
    let found: Option<String> = cluster.command(new, &["GET", "foo"]).await;
    assert_eq!(found, None, "replication is cut too");
    cluster.command::<()>(new, &["SET", "foo", "kept"]).await;

    cluster.heal(old);
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, new);
    assert_eq!(cluster.replica_of(new).await, old);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_cut_off_gets_nothing_until_it_is_healed() {
    let cluster = Cluster::start_behind_proxies(3, 1, ClusterOptions::default()).await;
    let master = cluster.owner(SLOT).await;
    let replica = cluster.replica_of(master).await;
    let received = async |limit_ms: u32| -> i64 {
        let mut connection = cluster
            .server(master)
            .connect()
            .await
            .expect("a connection");
        let mut both = ::redis::pipe();
        both.cmd("SET").arg("foo").arg("x").ignore();
        both.cmd("WAIT").arg(1).arg(limit_ms);
        let (received,) = both.query_async(&mut connection).await.expect("an answer");
        received
    };
    assert_eq!(received(0).await, 1);
    cluster.cut_from_nodes(replica);
    assert_eq!(received(300).await, 0);
    cluster.heal(replica);
    cluster.wait_stable().await;
    assert_eq!(received(0).await, 1);
    assert_eq!(cluster.owner(SLOT).await, master);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_node_answers_when_it_is_slow_no_more() {
    let cluster = Cluster::start_behind_proxies(3, 0, ClusterOptions::default()).await;
    let url = format!("redis://{}", cluster.address(0));
    let client = ::redis::Client::open(url).expect("a URL");
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&patient);
    let mut connection = connection.await.expect("a connection");
    cluster.slow(0, Duration::from_secs(600), 20_000);
    let ping = ::redis::cmd("PING");
    let mut answer = std::pin::pin!(ping.exec_async(&mut connection));
    let early = timeout(Duration::from_millis(300), &mut answer).await;
    assert!(early.is_err(), "the node is not slow");
    cluster.full_speed(0);
    answer.await.expect("an answer");
    cluster.wait_stable().await;
}
