//! A write that Redis refuses changes nothing.

use std::sync::Arc;

use people_gateway::store::Metrics;
use people_gateway::store::redis::{Options, RedisStore};
use people_gateway::store::{Store, StoreError, Write};

use super::{IDS, LOG, META, PEOPLE, assert_no_faults};
use crate::redis::people::{delete, done, keyed, options, save};
use people_testing::redis::RedisServer;

/// The values of all keys of the partition.
async fn all_values(server: &RedisServer) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for command in [
        ["HGETALL", META],
        ["HGETALL", PEOPLE],
        ["GET", META],
        ["TYPE", LOG],
        ["TYPE", IDS],
    ] {
        all.push(format!(
            "{:?}",
            server.attempt::<::redis::Value>(&command).await
        ));
    }
    all.push(format!(
        "{:?}",
        server
            .attempt::<::redis::Value>(&["XRANGE", LOG, "-", "+"])
            .await
    ));
    all.push(format!(
        "{:?}",
        server
            .attempt::<::redis::Value>(&["ZRANGE", IDS, "0", "-1"])
            .await
    ));
    all
}

/// Saves and deletes of existing and missing people, with and without a key. Each round needs fresh
/// keys, because a used one would only be replayed.
fn writes(key: u8) -> [Write; 5] {
    [
        save(9, "B"),
        save(1, "B"),
        keyed(save(8, "B"), key),
        delete(2),
        keyed(delete(2), key + 1),
    ]
}

/// A store with three people, whose user `ada` has all permissions at first.
async fn store_of_user_ada(server: &RedisServer) -> Arc<RedisStore> {
    server
        .command::<()>(&["ACL", "SETUSER", "ada", "on", ">pw", "~*", "&*", "+@all"])
        .await;
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port());
    let with_url = Options {
        url,
        ..options(server)
    };
    let store = RedisStore::open(with_url, Metrics::default())
        .await
        .expect("the store opens");
    for n in 1..=3 {
        done(&store, save(n, "A")).await;
    }
    store
}

/// Whether the server or a script refused it for a missing permission. Redis 7.0 has another text
/// than newer servers where a command in a script is refused.
fn says_permission(why: &str) -> bool {
    let texts = [
        "NoPerm",
        "may not run",
        "can't run this command",
        "ACL failure in script",
    ];
    texts.iter().any(|text| why.contains(text))
}

#[tokio::test]
async fn a_write_without_permission_changes_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = store_of_user_ada(&server).await;
    let commands = [
        "xadd", "hset", "zadd", "hdel", "zrem", "pexpire", "del", "hget", "xrange", "hmget",
    ];
    for (key, refused) in (10..).step_by(2).zip(commands) {
        let before = all_values(&server).await;
        server
            .command::<()>(&["ACL", "SETUSER", "ada", &format!("-{refused}")])
            .await;
        let mut refusals = 0;
        for write in writes(key) {
            match store.apply(write.clone()).await {
                Err(StoreError::Corrupt(why)) => {
                    let why = why.to_string();
                    assert!(says_permission(&why), "{refused}: {why}");
                    refusals += 1;
                }
                Ok(_) => {
                    // The write does not need the command. The saves below undo its effect.
                    assert!(
                        !matches!(refused, "xadd" | "hget" | "xrange" | "hmget" | "del"),
                        "{refused}"
                    );
                }
                Err(other) => panic!("{refused}: {other}"),
            }
        }
        server
            .command::<()>(&["ACL", "SETUSER", "ada", "+@all"])
            .await;
        assert!(refusals > 0, "{refused}");
        if refusals == writes(key).len() {
            assert_eq!(all_values(&server).await, before, "{refused}");
        }
        store.heads().await.expect("heads");
        assert_no_faults(&store).await;
        for n in [1, 2, 3] {
            done(&store, save(n, "A")).await;
        }
    }
}

#[tokio::test]
async fn a_write_to_a_key_of_another_type_changes_nothing() {
    let server = RedisServer::start(&[]).await;
    let store = store_of_user_ada(&server).await;
    for (key, name) in [
        (LOG, "log"),
        (META, "meta"),
        (PEOPLE, "people"),
        (IDS, "ids"),
    ] {
        server.command::<()>(&["RENAME", key, "aside"]).await;
        server.command::<()>(&["SET", key, "x"]).await;
        let before = all_values(&server).await;
        for write in writes(40) {
            let refused = store.apply(write).await;
            assert!(
                matches!(
                    &refused,
                    Err(StoreError::Corrupt(why)) if why.to_string().contains("WRONGTYPE")
                ),
                "{name}: {refused:?}"
            );
        }
        assert_eq!(all_values(&server).await, before, "{name}");
        server.command::<()>(&["DEL", key]).await;
        server.command::<()>(&["RENAME", "aside", key]).await;
        assert_no_faults(&store).await;
    }
    server
        .command::<()>(&[
            "SET",
            &format!("{{people.p0}}:idem:{}", "07".repeat(32)),
            "x",
        ])
        .await;
    let before = all_values(&server).await;
    assert!(matches!(
        store.apply(keyed(save(1, "C"), 7)).await,
        Err(StoreError::Corrupt(_))
    ));
    assert_eq!(all_values(&server).await, before);
}
