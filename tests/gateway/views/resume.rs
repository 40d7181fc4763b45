//! A client resumes at its cursor: its view continues exactly, or a reset names the reason why not.

use serde_json::json;

use super::view::{View, positions};
use super::{
    ADULTS, Client, WriteHeads, aged, churn, delete, listed, path, save, types, wait_past,
};
use crate::live::ids;
use crate::scale_out::fleet::Fleet;
use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use people_testing::socket::Listener;
use people_testing::switch::Switch;
use people_testing::wait::eventually;

/// Connects a client that has this view, at its cursor.
async fn resume(gateway: &Gateway, view: &View, filter: &str) -> Client {
    let mut client = Client::open(gateway, &[("from", &view.cursor()), ("where", filter)]).await;
    client.view = view.resumed();
    client
}

#[tokio::test]
async fn a_cursor_advanced_by_ats_resumes_on_any_gateway_without_gap_or_repeat() {
    for partitions in [1, 4] {
        let fleet = Fleet::start(2, partitions, &[("live.queue_changes", "8")]).await;
        let people = ids(20);
        let before = churn(&fleet.gateways[0], &people, 30, 1).await;
        let mut view = Client::live(
            &fleet.gateways[0],
            &[("from", "snapshot"), ("where", ADULTS)],
        )
        .await
        .view;
        let writing = async {
            let writers = (2..5)
                .zip([0, 1, 0])
                .map(|(seed, on)| churn(&fleet.gateways[on], &people, 120, seed));
            futures_util::future::join_all(writers).await
        };
        let view = &mut view;
        let resuming = async {
            for round in 0..30 {
                let mut client = resume(&fleet.gateways[round % 2], view, ADULTS).await;
                client.until("live").await;
                for _ in 0..3 {
                    client.message().await;
                }
                *view = client.view;
            }
        };
        // The client waits for three more changes after each start: another writer makes them.
        let (written, ()) = tokio::join!(writing, async {
            tokio::select! {
                () = resuming => {}
                () = async { loop { churn(&fleet.gateways[0], &people[..1], 5, 9).await; } } => {}
            }
        });
        let last = churn(&fleet.gateways[1], &people, 10, 10).await;
        let written = written.iter().fold(before.merge(&last), WriteHeads::merge);
        let mut client = resume(&fleet.gateways[1], view, ADULTS).await;
        client.until("live").await;
        client.read_past(&written).await;
        assert_eq!(
            client.view.people,
            listed(&fleet.gateways[0], ADULTS).await,
            "{partitions} partitions"
        );
    }
}

#[tokio::test]
async fn a_resumed_client_receives_the_leaves_and_deletes_that_it_missed() {
    let gateway = Gateway::ready(&[]).await;
    let people = ids(3);
    for id in &people {
        save(&gateway, id, &aged(30)).await;
    }
    let client = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    let view = client.view.clone();
    drop(client);
    let mut written = WriteHeads::default();
    written.add(&save(&gateway, &people[0], &aged(3)).await);
    written.add(
        &delete(&gateway, &people[1])
            .await
            .expect("the person exists"),
    );
    wait_past(&gateway, &written).await;
    let mut client = resume(&gateway, &view, ADULTS).await;
    let messages = client.until("live").await;
    assert_eq!(
        types(&messages),
        ["batch", "live"],
        "the missed changes, then live"
    );
    assert_eq!(client.view.people, listed(&gateway, ADULTS).await);
    assert_eq!(client.view.people.len(), 1);
}

#[tokio::test]
async fn a_cursor_at_the_heads_is_answered_with_live_at_once() {
    let gateway = Gateway::ready(&[("store.partitions", "4")]).await;
    churn(&gateway, &ids(5), 20, 1).await;
    let view = Client::live(&gateway, &[("from", "snapshot")]).await.view;
    let mut client = resume(&gateway, &view, "").await;
    let messages = client.until("live").await;
    assert_eq!(types(&messages), ["live"]);
    assert_eq!(
        positions(messages[0]["cursor"].as_str().expect("a cursor")),
        positions(&view.cursor())
    );
}

#[tokio::test]
async fn an_invalid_cursor_is_refused_before_the_upgrade() {
    let gateway = Gateway::ready(&[("store.partitions", "2")]).await;
    let cursor = Client::live(&gateway, &[]).await.view.cursor();
    let (first, second) = cursor.split_once(',').expect("two partitions");
    let seq = |seq: &str| format!("{first},1:1.{seq}.1");
    for bad in [
        "",
        "yesterday",
        first,
        &format!("{cursor},2:1.1.1"),
        &format!("{first},{first}"),
        &format!("{cursor},"),
        &format!("{first},1:1.1"),
        &format!("{first},1:1.1.G"),
        &format!("{first},1:01.1.1"),
        &format!("{first},1:A.1.1"),
        &seq("9007199254740993"),
        &seq("99999999999999999999"),
        &seq("-1"),
        &seq("+1"),
    ] {
        let path = path("/people", &[("from", bad)]);
        assert_eq!(
            Listener::refused(gateway.address, &path).await,
            400,
            "{bad}"
        );
        let answer = gateway
            .request("GET", &path.replace("/people", "/updates"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 400, "{bad}");
        let problem: serde_json::Value = answer.text().await.expect("text").parse().expect("JSON");
        assert_eq!(problem["type"], "/problems/cursor", "{bad}: {problem}");
    }
    let reordered = format!("{second},{first}");
    Client::live(&gateway, &[("from", &reordered)]).await;
}

/// Resumes a client. Asserts that it is reset for this reason and then receives an exact snapshot.
async fn assert_reset(gateway: &Gateway, view: &View, reason: &str) {
    let mut client = resume(gateway, view, ADULTS).await;
    let messages = client.until("live").await;
    assert_eq!(messages[0], json!({"type": "reset", "reason": reason}));
    assert_eq!(messages[1]["type"], "snapshot");
    assert_eq!(client.view.people, listed(gateway, ADULTS).await);
}

#[tokio::test]
async fn a_cursor_older_than_the_log_is_reset_as_trimmed() {
    let gateway = Gateway::ready(&[("store.log_max", "20"), ("live.ring_bytes", "4096")]).await;
    let people = ids(10);
    churn(&gateway, &people, 10, 1).await;
    let view = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)])
        .await
        .view;
    let written = churn(&gateway, &people, 300, 2).await;
    wait_past(&gateway, &written).await;
    assert_reset(&gateway, &view, "trimmed").await;
}

#[tokio::test]
async fn a_store_that_lost_everything_resets_live_and_resuming_clients() {
    let fleet = Fleet::start(1, 4, &[]).await;
    let gateway = &fleet.gateways[0];
    let people = ids(10);
    churn(gateway, &people, 30, 1).await;
    let mut client = Client::live(gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    let view = client.view.clone();
    fleet.redis.command::<()>(&["FLUSHALL"]).await;
    let reset = client.until("reset").await.pop().expect("a reset");
    assert_eq!(reset, json!({"type": "reset", "reason": "epoch"}));
    let written = churn(gateway, &people, 30, 2).await;
    client.until("live").await;
    // Each partition of the lost history may reset the view once.
    eventually("all partitions are found again", || async {
        gateway.count("relay_resets_total").await == 4
    })
    .await;
    wait_past(gateway, &written).await;
    assert_reset(gateway, &view, "epoch").await;
    let written = written.merge(&churn(gateway, &people, 10, 3).await);
    let fresh = Client::live(gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    assert_eq!(fresh.view.people, listed(gateway, ADULTS).await);
    while client.view.cursor.is_none() || client.view.people != fresh.view.people {
        client.message().await;
    }
    client.read_past(&written).await;
}

#[tokio::test]
async fn a_cursor_of_another_epoch_is_reset_as_epoch_and_one_of_a_fork_as_forked() {
    let gateway = Gateway::ready(&[]).await;
    let written = churn(&gateway, &ids(5), 10, 1).await;
    wait_past(&gateway, &written).await;
    let mut view = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)])
        .await
        .view;
    let position = positions(&view.cursor())["0"].clone();
    let (epoch, rest) = position.split_once('.').expect("a position");
    let (seq, tag) = rest.split_once('.').expect("a position");
    for (bad, reason) in [
        (format!("1.{seq}.{tag}"), "epoch"),
        (format!("{epoch}.{seq}.1"), "forked"),
        (format!("{epoch}.900000.{tag}"), "forked"),
    ] {
        view.cursor = Some([("0".to_owned(), bad)].into());
        assert_reset(&gateway, &view, reason).await;
    }
}

#[tokio::test]
async fn a_promoted_replica_that_lacks_writes_resets_the_clients_that_received_them() {
    let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]).await;
    let switch = Switch::to(master.port()).await;
    let url = switch.url();
    let mut settings = people_testing::process::settings::QUICK.to_vec();
    settings.push(("store.url", &url));
    let gateway = Gateway::ready(&settings).await;
    let people = ids(10);
    churn(&gateway, &people, 20, 1).await;
    let mut client = Client::live(&gateway, &[("from", "snapshot"), ("where", ADULTS)]).await;
    let replica = master.start_replica().await;
    let tag: String = master.command(&["HGET", "{people.p0}:meta", "t"]).await;
    eventually("the replica has the last write", || async {
        replica
            .command::<Option<String>>(&["HGET", "{people.p0}:meta", "t"])
            .await
            == Some(tag.clone())
    })
    .await;
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let lost = churn(&gateway, &people, 20, 2).await;
    client.read_past(&lost).await;
    let view = client.view.clone();
    switch.switch(replica.port());
    let reset = client.until("reset").await.pop().expect("a reset");
    assert_eq!(reset, json!({"type": "reset", "reason": "forked"}));
    client.until("live").await;
    gateway.wait_ready().await;
    let written = churn(&gateway, &people, 10, 3).await;
    client.read_past(&written).await;
    assert_eq!(client.view.people, listed(&gateway, ADULTS).await);
    assert_reset(&gateway, &view, "forked").await;
}
