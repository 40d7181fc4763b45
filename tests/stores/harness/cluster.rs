//! A cluster of real nodes: slots move, masters fail, nodes come and go.

use people_testing::cluster::Cluster;

/// The slot of the keys of [`key`].
const SLOT: u16 = 12_182;

fn key(number: usize) -> String {
    format!("{{foo}}{number}")
}

async fn set(cluster: &Cluster, node: usize, keys: std::ops::Range<usize>) {
    for number in keys {
        cluster
            .command::<()>(node, &["SET", &key(number), "x"])
            .await;
    }
}

/// How many keys of the slot a node holds.
async fn count(cluster: &Cluster, node: usize) -> usize {
    let slot = SLOT.to_string();
    cluster
        .command(node, &["CLUSTER", "COUNTKEYSINSLOT", &slot])
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_with_its_keys_and_may_stay_open_between() {
    let cluster = Cluster::start(3, 1).await;
    let from = cluster.owner(SLOT).await;
    let to = (from + 1) % 3;
    set(&cluster, from, 0..25).await;
    cluster.move_slot(SLOT, to).await;
    assert_eq!(cluster.owner(SLOT).await, to);
    assert_eq!(
        (count(&cluster, from).await, count(&cluster, to).await),
        (0, 25)
    );

    let open = cluster.begin_move(SLOT, from).await;
    assert_eq!(cluster.move_keys(open, 12).await, 12);
    assert_eq!(cluster.owner(SLOT).await, to);
    assert_eq!(
        (count(&cluster, from).await, count(&cluster, to).await),
        (12, 13)
    );
    let asked = cluster.attempt::<()>(to, &["SET", &key(99), "x"]).await;
    let error = asked
        .expect_err("a new key belongs to the target")
        .to_string();
    assert!(error.to_uppercase().contains("ASK"), "{error}");

    cluster.abort_move(open).await;
    assert_eq!(cluster.owner(SLOT).await, to);
    assert_eq!(
        (count(&cluster, from).await, count(&cluster, to).await),
        (0, 25)
    );
    set(&cluster, to, 99..100).await;
    cluster.wait_stable().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_when_it_is_told_to_and_when_its_master_dies_or_freezes() {
    let mut cluster = Cluster::start(3, 1).await;
    let first = cluster.owner(SLOT).await;
    set(&cluster, first, 0..3).await;
    let second = cluster.replica_of(first).await;
    cluster.failover(second).await;
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, second);
    assert_eq!(cluster.replica_of(second).await, first);

    cluster.kill9(second);
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, first);
    assert_eq!(count(&cluster, first).await, 3);
    cluster.restart(second).await;
    cluster.wait_stable().await;
    assert_eq!(cluster.replica_of(first).await, second);

    cluster.freeze(first);
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, second);
    cluster.thaw(first);
    cluster.wait_stable().await;
    assert_eq!(cluster.replica_of(second).await, first);
    assert_eq!(count(&cluster, second).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_what_replicas_that_were_cut_off_never_got() {
    let mut cluster = Cluster::start(3, 1).await;
    let master = cluster.owner(SLOT).await;
    let replica = cluster.replica_of(master).await;
    set(&cluster, master, 0..1).await;
    let received: i64 = {
        // WAIT counts what its own connection wrote.
        let mut connection = cluster
            .server(master)
            .connect()
            .await
            .expect("a connection");
        let mut both = ::redis::pipe();
        both.cmd("SET").arg(key(1)).arg("x").ignore();
        both.cmd("WAIT").arg(1).arg(0);
        let (received,) = both.query_async(&mut connection).await.expect("an answer");
        received
    };
    assert_eq!(received, 1);
    cluster.cut_replicas(master).await;
    set(&cluster, master, 2..5).await;
    assert_eq!(count(&cluster, master).await, 5);
    cluster.kill9(master);
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, replica);
    assert_eq!(count(&cluster, replica).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_joins_takes_a_slot_gives_it_back_and_leaves() {
    let mut cluster = Cluster::start(3, 0).await;
    let owner = cluster.owner(SLOT).await;
    set(&cluster, owner, 0..25).await;
    let added = cluster.add_node().await;
    cluster.move_slot(SLOT, added).await;
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, added);
    assert_eq!(count(&cluster, added).await, 25);
    assert!(cluster.url().ends_with(&cluster.address(added)));

    cluster.move_slot(SLOT, owner).await;
    cluster.remove_node(added).await;
    cluster.wait_stable().await;
    assert_eq!(cluster.owner(SLOT).await, owner);
    assert_eq!(count(&cluster, owner).await, 25);
    assert_eq!(cluster.url(), cluster.url_of(&[0, 1, 2]));
}
