//! Redis does not answer for a while, and comes back with all it had.

use crate::faults::Audience;
use crate::scale_out::fleet::Fleet;
use crate::scale_out::writer::Writer;
use people_testing::process::person;
use people_testing::wait::eventually;

#[tokio::test]
async fn a_frozen_redis_makes_writes_fail_and_readiness_red_and_after_it_nothing_is_missing() {
    let fleet = Fleet::start(2, 4, &[]).await;
    let audience = Audience::of(&fleet).await;
    let mut writer = Writer::new(0, fleet.addresses());
    writer.history(20).await;

    fleet.redis.freeze();
    for gateway in &fleet.gateways {
        let answer = gateway
            .request("POST", "/people")
            .header("content-type", "application/json");
        let answer = answer
            .body(person("Ada").to_string())
            .send()
            .await
            .expect("an answer, not a hanging request");
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
    for gateway in &fleet.gateways {
        eventually("readiness is red", || async {
            gateway.readyz().await == 503
        })
        .await;
        assert!(
            gateway.count("relay_disconnects_total").await >= 1,
            "silence is taken for a dead connection"
        );
    }
    fleet.redis.thaw();
    for gateway in &fleet.gateways {
        gateway.wait_ready().await;
    }
    writer.history(20).await;
    audience.has_seen_all(&fleet).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_and_comes_back_with_its_data_loses_and_doubles_nothing() {
    let mut fleet = Fleet::start(2, 4, &[]).await;
    let audience = Audience::of(&fleet).await;
    let writers = (0..4).map(|name| {
        let mut writer = Writer::new(name, fleet.addresses());
        tokio::spawn(async move { writer.history(150).await })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..3 {
        let before = fleet.count("store_writes_total").await;
        eventually("writers are at work", || async {
            fleet.count("store_writes_total").await >= before + 40
        })
        .await;
        fleet.redis.kill9();
        fleet.redis.restart().await;
    }
    let acknowledged = crate::scale_out::written(writers).await;
    let log: Vec<_> = fleet
        .log()
        .await
        .iter()
        .map(|change| change.at.to_string())
        .collect();
    assert!(
        acknowledged.iter().all(|at| log.contains(at)),
        "what was acknowledged is still there"
    );
    assert_eq!(log.len(), acknowledged.len(), "and was done once");
    audience.has_seen_all(&fleet).await;
}
