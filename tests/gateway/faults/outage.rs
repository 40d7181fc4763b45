//! Redis does not answer for a while, and comes back with all its data.

use crate::faults::TextClients;
use crate::scale_out::fleet::Fleet;
use crate::scale_out::writer::Writer;
use people_testing::process::person;
use people_testing::wait::eventually;

#[tokio::test]
async fn a_frozen_redis_fails_writes_and_readiness_and_loses_no_change() {
    let fleet = Fleet::start(2, 4, &[]).await;
    let clients = TextClients::connect(&fleet).await;
    let mut writer = Writer::new(0, fleet.addresses());
    writer.make_changes(20).await;

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
            "the gateway drops a silent connection"
        );
    }
    fleet.redis.thaw();
    for gateway in &fleet.gateways {
        gateway.wait_ready().await;
    }
    writer.make_changes(20).await;
    clients.assert_received_all(&fleet).await;
}

#[tokio::test]
async fn a_killed_redis_that_keeps_its_data_loses_and_doubles_no_change() {
    let mut fleet = Fleet::start(2, 4, &[]).await;
    let clients = TextClients::connect(&fleet).await;
    let writers = (0..4).map(|name| {
        let mut writer = Writer::new(name, fleet.addresses());
        tokio::spawn(async move { writer.make_changes(150).await })
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
    let acknowledged = crate::scale_out::join_writers(writers).await;
    let log: Vec<_> = fleet
        .log()
        .await
        .iter()
        .map(|change| change.at.to_string())
        .collect();
    assert!(
        acknowledged.iter().all(|at| log.contains(at)),
        "every acknowledged write is still there"
    );
    assert_eq!(log.len(), acknowledged.len(), "each write was done once");
    clients.assert_received_all(&fleet).await;
}
