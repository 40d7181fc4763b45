//! Settings of one Redis: a password that a file holds and an operator replaces, policies of
//! eviction, services without some commands, and how changes are published.

use std::fs;

use people_gateway::store::Store as _;
use people_gateway::store::redis::{Options, PubSub};

use crate::redis::feed::TestFeed;
use crate::redis::opening::fatal_error;
use crate::redis::people::{assert_state_is_the_replayed_log, done, open, options, save};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[tokio::test]
async fn a_password_is_replaced_in_its_file_while_the_store_is_used() {
    let server = RedisServer::start(&[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    fs::write(&file, "first\n").expect("written");
    let set = ["ACL", "SETUSER", "ada", "on", ">first", "~*", "&*", "+@all"];
    server.command::<()>(&set).await;
    let with_file = Options {
        url: format!("redis://ada@127.0.0.1:{}", server.port()),
        password_file: Some(file.clone()),
        ..options(&server)
    };
    let store = open(with_file.clone()).await;
    done(&store, save(1, "A")).await;
    let mut feed = TestFeed::open(&store);
    feed.connected().await;

    let replace = ["ACL", "SETUSER", "ada", "resetpass", ">second"];
    server.command::<()>(&replace).await;
    fs::write(&file, "second").expect("written");
    server
        .command::<()>(&["CLIENT", "KILL", "USER", "ada"])
        .await;
    eventually("the store has the new password", async || {
        store.apply(save(2, "A")).await.is_ok()
    })
    .await;
    feed.disconnected().await;
    feed.connected().await;
    assert_eq!(assert_state_is_the_replayed_log(&store).await, 2);

    fs::write(&file, "").expect("written");
    let sentence = fatal_error(with_file.clone()).await;
    assert!(sentence.contains("store.password_file"), "{sentence}");
    fs::write(&file, "second\nthird").expect("written");
    let sentence = fatal_error(with_file).await;
    assert!(
        sentence.contains("several lines") && !sentence.contains("third"),
        "{sentence}"
    );
}

#[tokio::test]
async fn keys_that_expire_may_be_evicted_only_where_that_is_allowed() {
    let server = RedisServer::start(&["--maxmemory-policy", "volatile-lru"]).await;
    let sentence = fatal_error(options(&server)).await;
    assert!(
        sentence.contains("volatile-lru") && sentence.contains("volatile-ok"),
        "{sentence}"
    );
    let allowed = Options {
        volatile_eviction: true,
        ..options(&server)
    };
    let store = open(allowed.clone()).await;
    done(&store, save(1, "A")).await;
    let all = ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"];
    server.command::<()>(&all).await;
    assert!(fatal_error(allowed).await.contains("allkeys-lru"));
}

#[tokio::test]
async fn a_service_without_scripts_is_refused_with_that_reason() {
    for command in ["EVAL", "SCRIPT"] {
        let server = RedisServer::start(&["--rename-command", command, ""]).await;
        let sentence = fatal_error(options(&server)).await;
        assert!(sentence.contains("has no scripts"), "{sentence}");
    }
}

#[tokio::test]
async fn changes_are_published_to_a_shard_where_the_server_knows_that() {
    let sharded = |server| Options {
        pubsub: PubSub::Sharded,
        ..options(server)
    };
    let server = RedisServer::start(&[]).await;
    let store = open(sharded(&server)).await;
    let mut feed = TestFeed::open(&store);
    feed.connected().await;
    done(&store, save(1, "A")).await;
    feed.change().await;
    store.heads().await.expect("heads");
    feed.probe().await;

    let older = RedisServer::start(&["--rename-command", "SPUBLISH", ""]).await;
    let sentence = fatal_error(sharded(&older)).await;
    assert!(
        sentence.contains("SPUBLISH") && sentence.contains("classic"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_url_of_a_cluster_is_refused_for_a_server_without_one() {
    let server = RedisServer::start(&[]).await;
    let url = format!("redis-cluster://127.0.0.1:{}", server.port());
    let sentence = fatal_error(Options {
        url,
        ..options(&server)
    })
    .await;
    assert!(sentence.contains("no node of a cluster"), "{sentence}");
}
