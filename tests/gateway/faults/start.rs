//! The start with a store that is not there yet, and with one that cannot be used.

use people_testing::process::settings::QUICK;
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

/// Waits until the gateway exits with an error; returns the last line of its log.
pub(super) async fn exit_error(mut gateway: Gateway) -> String {
    assert_eq!(gateway.exit_code().await, Some(1));
    let log = gateway.log();
    let last = log.lines().last().expect("a line").to_owned();
    assert!(
        last.starts_with("people-gateway: the store cannot be used: "),
        "{log}"
    );
    last
}

#[tokio::test]
async fn a_gateway_started_before_redis_refuses_requests_until_redis_is_there() {
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
    assert_eq!(
        gateway.put(crate::UNUSED_ID, &person("Ada"), true).await,
        503
    );
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
    let error = exit_error(Gateway::start(&settings(&url, &[])).await).await;
    assert!(
        error.contains("password") && !error.contains("wrong-secret"),
        "{error}"
    );
}

#[tokio::test]
async fn another_number_of_partitions_ends_the_start() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    drop(Gateway::ready(&settings(&url, &[("store.partitions", "4")])).await);
    let error =
        exit_error(Gateway::start(&settings(&url, &[("store.partitions", "2")])).await).await;
    assert!(error.contains("store.partitions to 4"), "{error}");
}

#[tokio::test]
async fn an_empty_redis_that_must_not_be_migrated_ends_the_start() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    let error =
        exit_error(Gateway::start(&settings(&url, &[("store.migrate", "false")])).await).await;
    assert!(error.contains("people-gateway migrate"), "{error}");
    let keys: u64 = redis.command(&["DBSIZE"]).await;
    assert_eq!(keys, 0, "nothing was written");
}
