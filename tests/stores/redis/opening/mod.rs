//! Opening a store: a wrong server, layout or permission stops it with a message.

mod layout;
mod settings;

use std::sync::Arc;

use people_gateway::store::Metrics;
use people_gateway::store::Store;
use people_gateway::store::redis::{OpenError, Options, RedisStore};

use crate::redis::people::{done, open, options, partitions, save};
use people_testing::redis::RedisServer;
use people_testing::wait::DEADLINE;

/// Opens a store, which must fail with a fatal error, and returns its message.
pub(crate) async fn fatal_error(options: Options) -> String {
    match RedisStore::open(options, Metrics::default()).await {
        Err(OpenError::Fatal { sentence, .. }) => sentence,
        Err(OpenError::Unreachable { sentence, .. }) => panic!("unreachable: {sentence}"),
        Ok(_) => panic!("it opened"),
    }
}

/// Opens a store, which must fail with an error that allows a retry, and returns its message.
pub(crate) async fn retryable_error(options: Options) -> String {
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
        partitions: Some(partitions(4)),
        ..options(&server)
    })
    .await;
    let another = Options {
        partitions: Some(partitions(1)),
        ..options(&server)
    };
    let sentence = fatal_error(another).await;
    assert!(
        sentence.contains("4 partitions") && sentence.contains("store.partitions is 1"),
        "{sentence}"
    );
    let store = open(options(&server)).await;
    assert_eq!(store.partitions(), partitions(4), "without a setting");
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
        sentence.contains("NoPerm") && sentence.contains("README"),
        "{sentence}"
    );
}

#[tokio::test]
async fn the_permissions_of_the_readme_are_enough() {
    let server = RedisServer::start(&[]).await;
    let readme = include_str!("../../../../migrations/README.md");
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
    store.heads().await.expect("heads");
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
        partitions: Some(partitions(2)),
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
