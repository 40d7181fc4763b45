//! Starting with a store that is not there yet, and with one that never will be of use.

use crate::scale_out::fleet::QUICK;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::socket::Listener;

fn settings<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    QUICK
        .iter()
        .chain(&[("store.url", url)])
        .chain(more)
        .copied()
        .collect()
}

/// What a gateway says that gives up.
pub(super) async fn gives_up(mut gateway: Gateway) -> String {
    assert_eq!(gateway.exit_code().await, Some(1));
    let log = gateway.log();
    let last = log.lines().last().expect("it says why").to_owned();
    assert!(
        last.starts_with("people-gateway: the store cannot be used: "),
        "{log}"
    );
    last
}

#[tokio::test]
async fn a_gateway_started_before_redis_listens_refuses_and_serves_once_redis_is_there() {
    let mut redis = RedisServer::start(&[]).await;
    redis.kill9();
    let url = redis.url();
    let gateway = Gateway::start(&settings(&url, &[])).await;
    assert_eq!(gateway.readyz().await, 503);
    let refused = gateway
        .request("GET", "/people")
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(gateway.put(crate::NOBODY, &person("Ada"), true).await, 503);
    assert_eq!(Listener::refused(gateway.address, "/people").await, 503);

    redis.restart().await;
    gateway.wait_ready().await;
    let mut listener = gateway.listen("").await;
    gateway.create(&person("Ada")).await;
    assert!(listener.sentence().await.contains("Ada"));
}

#[tokio::test]
async fn a_wrong_password_ends_the_start() {
    let redis = RedisServer::start(&["--requirepass", "right"]).await;
    let url = redis.url().replace("right", "wrong-secret");
    let why = gives_up(Gateway::start(&settings(&url, &[])).await).await;
    assert!(
        why.contains("password") && !why.contains("wrong-secret"),
        "{why}"
    );
}

#[tokio::test]
async fn another_number_of_partitions_ends_the_start() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    drop(Gateway::ready(&settings(&url, &[("store.partitions", "4")])).await);
    let why = gives_up(Gateway::start(&settings(&url, &[("store.partitions", "2")])).await).await;
    assert!(why.contains("store.partitions to 4"), "{why}");
}

#[tokio::test]
async fn an_empty_redis_that_must_not_be_migrated_ends_the_start() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    let why = gives_up(Gateway::start(&settings(&url, &[("store.migrate", "false")])).await).await;
    assert!(why.contains("people-gateway migrate"), "{why}");
    let keys: u64 = redis.command(&["DBSIZE"]).await;
    assert_eq!(keys, 0, "nothing was written");
}
