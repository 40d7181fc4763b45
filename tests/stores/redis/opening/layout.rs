//! The layout: migrated once, kept by older deployments, and written again where it is missing.

use people_gateway::store::Store;
use people_gateway::store::redis::{Options, migrate};

use crate::redis::opening::{fatal_error, retryable_error};
use crate::redis::people::{done, open, options, partitions, save};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_layout_is_migrated_only_if_enabled_and_only_once() {
    let server = RedisServer::start(&[]).await;
    let as_is = Options {
        migrate: false,
        ..options(&server)
    };
    let sentence = fatal_error(as_is.clone()).await;
    assert!(sentence.contains("people-gateway migrate"), "{sentence}");
    assert_eq!(
        server.command::<usize>(&["DBSIZE"]).await,
        0,
        "a refused open writes nothing"
    );

    let report = migrate(as_is.clone()).await.expect("it migrates");
    assert_eq!(
        report.applied,
        ["0001_genesis", "0002_layout_of_partitions"]
    );
    assert!(
        migrate(as_is.clone())
            .await
            .expect("it reads the layout")
            .applied
            .is_empty()
    );
    open(as_is).await;
    assert!(
        !server
            .command::<bool>(&["EXISTS", "people:migrate-lock"])
            .await,
        "the migration releases the lock"
    );
}

/// What a program left that knew the first migration only.
async fn first_layout(server: &RedisServer, partitions: u16) {
    let count = partitions.to_string();
    let layout = [
        "HSET",
        "people:layout",
        "version",
        "1",
        "partitions",
        &count,
    ];
    server.command::<()>(&layout).await;
    for number in 0..partitions {
        let meta = format!("{{people.p{number}}}:meta");
        let head = ["HSET", &meta, "e", "abc", "s", "0", "t", "0"];
        server.command::<()>(&head).await;
    }
}

#[tokio::test]
async fn an_older_deployment_keeps_its_tags_and_its_history() {
    let server = RedisServer::start(&[]).await;
    first_layout(&server, 12).await;
    let report = migrate(options(&server)).await.expect("it migrates");
    assert_eq!(report.applied, ["0002_layout_of_partitions"]);
    assert_eq!(report.partitions, partitions(12));
    let store = open(options(&server)).await;
    let heads = store.heads().await.expect("heads");
    let epoch = "abc".parse().expect("an epoch");
    assert!(heads.iter().all(|head| head.epoch == epoch), "{heads:?}");
    let layout: Vec<String> = server
        .command(&[
            "HMGET",
            "{people.p11}:layout",
            "tags",
            "partitions",
            "partition",
        ])
        .await;
    assert_eq!(layout, ["plain", "12", "11"]);
    assert_eq!(
        server
            .command::<String>(&["HGET", "people:layout", "tags"])
            .await,
        "plain"
    );
}

#[tokio::test]
async fn the_directory_of_a_layout_is_written_again_from_its_partitions() {
    let server = RedisServer::start(&[]).await;
    let twelve = Options {
        partitions: Some(partitions(12)),
        ..options(&server)
    };
    let store = open(twelve.clone()).await;
    done(&store, save(1, "A")).await;
    let heads = store.heads().await.expect("heads");
    server.command::<()>(&["DEL", "people:layout"]).await;
    assert_eq!(store.heads().await.expect("heads"), heads);
    assert!(server.command::<bool>(&["EXISTS", "people:layout"]).await);
    server.command::<()>(&["DEL", "people:layout"]).await;
    let again = open(twelve).await;
    assert_eq!(again.heads().await.expect("heads"), heads);
}

#[tokio::test]
async fn a_newer_layout_is_fatal() {
    let server = RedisServer::start(&[]).await;
    open(options(&server)).await;
    server
        .command::<()>(&["HSET", "people:layout", "version", "99"])
        .await;
    let sentence = fatal_error(options(&server)).await;
    assert!(sentence.contains("99"), "{sentence}");
}

#[tokio::test]
async fn gateways_that_start_together_migrate_once() {
    let server = RedisServer::start(&[]).await;
    let four = Options {
        partitions: Some(partitions(4)),
        ..options(&server)
    };
    let started: Vec<_> = (0..8)
        .map(|_| tokio::spawn(migrate(four.clone())))
        .collect();
    let mut applied = 0;
    for report in started {
        applied += report
            .await
            .expect("no panic")
            .expect("it migrates")
            .applied
            .len();
    }
    assert_eq!(applied, 2, "each of two");
    let stores = [open(four.clone()).await, open(four).await];
    let [one, other] = [
        stores[0].heads().await.expect("heads"),
        stores[1].heads().await.expect("heads"),
    ];
    assert_eq!(one, other);
    assert_eq!(one.len(), 4);
}

#[tokio::test]
async fn a_gateway_waits_for_the_lock_of_a_dead_one() {
    let server = RedisServer::start(&[]).await;
    server
        .command::<()>(&["SET", "people:migrate-lock", "dead", "PX", "700"])
        .await;
    open(options(&server)).await;
    server.command::<()>(&["DEL", "people:layout"]).await;
    server
        .command::<()>(&["SET", "people:migrate-lock", "alive"])
        .await;
    let impatient = Options {
        migration_wait: std::time::Duration::from_millis(300),
        ..options(&server)
    };
    assert!(retryable_error(impatient).await.contains("another gateway"));
    assert_eq!(
        server
            .command::<String>(&["GET", "people:migrate-lock"])
            .await,
        "alive",
        "the gateway does not take a lock that another holds"
    );
}
