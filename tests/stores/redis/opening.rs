//! Opening a store: a wrong server, layout or permission stops it with a message.

use std::sync::Arc;

use people_gateway::store::Metrics;
use people_gateway::store::Store;
use people_gateway::store::redis::{OpenError, Options, RedisStore, migrate};

use crate::redis::people::{done, open, options, partitions, save};
use people_testing::redis::RedisServer;
use people_testing::wait::DEADLINE;

/// Opens a store, which must fail with a fatal error, and returns its message.
async fn fatal_error(options: Options) -> String {
    match RedisStore::open(options, Metrics::default()).await {
        Err(OpenError::Fatal { sentence, .. }) => sentence,
        Err(OpenError::Unreachable { sentence, .. }) => panic!("unreachable: {sentence}"),
        Ok(_) => panic!("it opened"),
    }
}

/// Opens a store, which must fail with an error that allows a retry, and returns its message.
async fn retryable_error(options: Options) -> String {
    let opening = RedisStore::open(options, Metrics::default());
    match tokio::time::timeout(DEADLINE, opening)
        .await
        .expect("an answer in bounded time")
    {
        Err(OpenError::Unreachable { sentence, .. }) => sentence,
        Err(OpenError::Fatal { sentence, .. }) => panic!("fatal: {sentence}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn a_wrong_password_is_fatal_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", "right"]).await;
    open(options(&server)).await;
    for user_and_password in ["", ":s3cret@", "ada:s3cret@"] {
        let url = format!("redis://{user_and_password}127.0.0.1:{}", server.port());
        let sentence = fatal_error(Options {
            url,
            ..options(&server)
        })
        .await;
        assert!(!sentence.contains("s3cret"), "{sentence}");
        assert!(
            sentence.contains(&format!("127.0.0.1:{}", server.port())),
            "{sentence}"
        );
        assert_eq!(
            user_and_password.is_empty(),
            sentence.contains("store.url_file"),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn an_eviction_policy_is_fatal() {
    let server = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let sentence = fatal_error(options(&server)).await;
    assert!(
        sentence.contains("allkeys-lru") && sentence.contains("noeviction"),
        "{sentence}"
    );
}

#[tokio::test]
async fn another_number_of_partitions_is_fatal() {
    let server = RedisServer::start(&[]).await;
    open(Options {
        partitions: partitions(4),
        ..options(&server)
    })
    .await;
    let sentence = fatal_error(options(&server)).await;
    assert!(
        sentence.contains("4 partitions") && sentence.contains("store.partitions is 1"),
        "{sentence}"
    );
}

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
    assert_eq!(report.applied, ["0001_genesis"]);
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
        partitions: partitions(4),
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
    assert_eq!(applied, 1);
    let stores = [open(four.clone()).await, open(four).await];
    let [one, other] = [
        stores[0].probe().await.expect("heads"),
        stores[1].probe().await.expect("heads"),
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

#[tokio::test]
async fn a_missing_permission_is_fatal() {
    let server = RedisServer::start(&[]).await;
    let acl = [
        "ACL", "SETUSER", "ada", "on", ">pw", "~*", "&*", "+@all", "-zadd",
    ];
    server.command::<()>(&acl).await;
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port());
    let sentence = fatal_error(Options {
        url: url.clone(),
        ..options(&server)
    })
    .await;
    assert!(sentence.contains("zadd"), "{sentence}");
    assert_eq!(
        server.command::<usize>(&["DBSIZE"]).await,
        0,
        "a refused open writes nothing"
    );

    server
        .command::<()>(&["ACL", "SETUSER", "ada", "+@all", "resetkeys", "~other*"])
        .await;
    let sentence = fatal_error(Options {
        url,
        ..options(&server)
    })
    .await;
    assert!(
        sentence.contains("no permissions") && sentence.contains("README"),
        "{sentence}"
    );
}

#[tokio::test]
async fn the_permissions_of_the_readme_are_enough() {
    let server = RedisServer::start(&[]).await;
    let readme = include_str!("../../../migrations/README.md");
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("`~people:*"))
        .expect("the line of permissions");
    let rules = format!("~people:*{}", line.trim_end_matches('`'));
    let mut acl = vec!["ACL", "SETUSER", "ada", "on", ">pw", "resetchannels"];
    acl.extend(rules.split(' '));
    server.command::<()>(&acl).await;
    let url = format!("redis://ada:pw@127.0.0.1:{}", server.port());
    let store = open(Options {
        url,
        ..options(&server)
    })
    .await;
    done(&store, save(1, "A")).await;
    let mut feed = crate::redis::feed::TestFeed::open(&store);
    feed.connected().await;
    store.probe().await.expect("heads");
    feed.probe().await;
    assert_eq!(
        crate::redis::people::assert_state_is_the_replayed_log(&store).await,
        1
    );
}

#[tokio::test]
async fn a_url_that_is_not_of_redis_is_fatal() {
    let server = RedisServer::start(&[]).await;
    for url in [
        "",
        "127.0.0.1:6379",
        "http://127.0.0.1",
        "redis://127.0.0.1/x",
        "rediss://127.0.0.1/#insecure",
    ] {
        fatal_error(Options {
            url: url.to_owned(),
            ..options(&server)
        })
        .await;
    }
    fatal_error(Options {
        url: format!("{}/99", server.url()),
        ..options(&server)
    })
    .await;
    // A rediss:// url is valid, but this server does not speak TLS.
    let sentence = retryable_error(Options {
        url: server.url().replace("redis:", "rediss:"),
        ..options(&server)
    })
    .await;
    assert!(sentence.contains("write redis:// instead"), "{sentence}");
    fatal_error(Options {
        prefix: "a{b}".to_owned(),
        ..options(&server)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_worth_another_try() {
    let mut server = RedisServer::start(&[]).await;
    server.freeze();
    retryable_error(options(&server)).await;
    server.thaw();
    let held = server.connect().await.expect("a connection");
    server
        .command::<()>(&["CONFIG", "SET", "maxclients", "1"])
        .await;
    let with_password = format!("redis://:pw@127.0.0.1:{}", server.port());
    retryable_error(options(&server)).await;
    retryable_error(Options {
        url: with_password,
        ..options(&server)
    })
    .await;
    drop(held);
    server.kill9();
    retryable_error(options(&server)).await;
}

#[tokio::test]
async fn prefixes_and_databases_keep_deployments_apart() {
    let server = RedisServer::start(&[]).await;
    let one = options(&server);
    let other_prefix = Options {
        prefix: "other".to_owned(),
        partitions: partitions(2),
        ..one.clone()
    };
    let other_database = Options {
        url: format!("{}/3", server.url()),
        ..one.clone()
    };
    let mut stores = Vec::new();
    for options in [one, other_prefix, other_database] {
        let store = open(options).await;
        let feed = crate::redis::feed::TestFeed::open(&store);
        stores.push((store, feed));
    }
    for (_, feed) in &mut stores {
        feed.connected().await;
    }
    for (n, (store, _)) in stores.iter().enumerate() {
        done(store, save(1, &format!("name{n}"))).await;
    }
    for (n, (store, feed)) in stores.iter_mut().enumerate() {
        let person = store
            .get(crate::redis::people::id(1))
            .await
            .expect("an answer")
            .expect("a person");
        assert_eq!(
            person.fields,
            crate::redis::people::fields(&format!("name{n}"))
        );
        assert_eq!(
            feed.change().await.after,
            Some(person.fields),
            "the first frame is its own"
        );
        assert_eq!(
            crate::redis::people::assert_state_is_the_replayed_log(store).await,
            1
        );
    }
    let [(one, _), (other, _), _] = &stores[..] else {
        unreachable!("three were opened")
    };
    assert!(!Arc::ptr_eq(one, other));
}
