//! The subscription is lost, or a frame on it is lost.

use tokio::task::JoinHandle;

use super::TextClients;
use crate::scale_out::fleet::Fleet;
use crate::scale_out::writer::Writer;
use people_testing::process::settings::QUICK;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

#[tokio::test]
async fn a_killed_subscription_costs_no_client_a_change() {
    let fleet = Fleet::start(2, 4, &[]).await;
    let clients = TextClients::connect(&fleet).await;
    for name in 0..10 {
        fleet.all_subscribed().await;
        let mut writer = Writer::new(name, fleet.addresses());
        let writing: JoinHandle<_> = tokio::spawn(async move { writer.make_changes(30).await });
        fleet.kill_subscriptions().await;
        writing.await.expect("the writer finishes");
    }
    clients.assert_received_all(&fleet).await;
    assert_eq!(fleet.count("relay_disconnects_total").await, 20);
}

#[tokio::test]
async fn changes_written_without_a_subscription_arrive_with_the_next_one() {
    // Heads are not compared during the test, so the new subscription has to find the change.
    let rarely = [
        ("live.head_interval_ms", "3600000"),
        ("live.ready_limit_ms", "7200000"),
    ];
    let fleet = Fleet::start(1, 1, &rarely).await;
    let gateway = &fleet.gateways[0];
    let mut listener = gateway.listen("").await;
    for name in ["Ada", "Grace", "Joan"] {
        fleet.all_subscribed().await;
        fleet.kill_subscriptions().await;
        gateway.create(&person(name)).await;
        assert!(listener.sentence().await.contains(name));
    }
    assert_eq!(gateway.count("relay_disconnects_total").await, 3);
}

/// The writing gateway's user may not publish changes, so each write is one whose frame was lost.
#[tokio::test]
async fn a_lost_last_frame_is_found_by_comparing_the_heads() {
    let redis = RedisServer::start(&[]).await;
    let mute = [
        "ACL",
        "SETUSER",
        "mute",
        "on",
        ">secret",
        "~*",
        "+@all",
        "resetchannels",
        "&{people.p0}:probe:*",
    ];
    redis.command::<()>(&mute).await;
    let (url, mute_url) = (redis.url(), redis.url().replace("//", "//mute:secret@"));
    let with_url = |url| [QUICK, &[("store.url", url)]].concat();
    let gateway = Gateway::ready(&with_url(&url)).await;
    let writer = Gateway::start(&with_url(&mute_url)).await;
    eventually("the mute gateway writes", || async {
        writer
            .request("GET", "/people")
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 200)
    })
    .await;

    let mut listener = gateway.listen("").await;
    for name in ["Ada", "Grace", "Joan"] {
        writer.create(&person(name)).await;
        assert!(listener.sentence().await.contains(name));
    }
    assert_eq!(gateway.count("relay_disconnects_total").await, 0);
    assert!(
        gateway.count("relay_heals_total").await >= 3,
        "each change was found in the log"
    );
    assert_eq!(
        writer.readyz().await,
        503,
        "a gateway without a subscription is not ready"
    );
}
