//! An empty store has a position before the first change, so a view opened there misses none.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::json;

use super::follower::{Follower, Subscription};
use super::{last_of_each_partition, truth};
use people_testing::people::list;
use people_testing::process::settings::FREQUENT_POSITIONS;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_view_opened_on_an_empty_store_receives_the_first_write() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    for store in [vec![], vec![("store.url", url.as_str())]] {
        for partitions in ["1", "3"] {
            // Each prefix is an empty store of its own.
            let prefix = format!("empty{partitions}");
            let own = [("store.partitions", partitions), ("store.prefix", &*prefix)];
            let settings = [&own[..], FREQUENT_POSITIONS, &store].concat();
            receives_the_first_write(Gateway::ready(&settings).await).await;
        }
    }
}

async fn receives_the_first_write(gateway: Gateway) {
    let client = |from| {
        let subscription = Subscription {
            kinds: Kinds::All,
            condition: "age > 30".to_owned(),
            from,
        };
        Follower::start(vec![gateway.address], 0, subscription)
    };
    let mut clients = [
        StartPoint::Snapshot,
        StartPoint::Now,
        StartPoint::Snapshot,
        StartPoint::Now,
    ]
    .map(client);
    for client in &mut clients {
        client
            .until("a client is live", |progress| progress.live_count == 1)
            .await;
    }
    // Two of them resume with the cursor of an empty store.
    for client in &mut clients[2..] {
        client.cut().await;
        client
            .until("a client is live again", |progress| {
                progress.live_count == 2
            })
            .await;
    }
    let id = gateway.create(&person("Ada")).await;
    let answer = gateway
        .request("PUT", &format!("/people/{id}"))
        .header("content-type", "application/json");
    let older = json!({"firstName": "Ada", "lastName": "King", "age": 37, "job": "Countess"});
    let answer = answer
        .body(older.to_string())
        .send()
        .await
        .expect("an answer");
    let log_position = answer.headers()["change-position"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let all_people = list(&gateway, "").await;
    assert_eq!(all_people.len(), 1);
    for (number, client) in clients.into_iter().enumerate() {
        let transcript = client
            .finish(&last_of_each_partition(std::slice::from_ref(&log_position)))
            .await;
        transcript.assert_consistent("a client of an empty store");
        let verdicts: Vec<_> = transcript
            .changes
            .iter()
            .map(|change| change.verdict)
            .collect();
        assert_eq!(verdicts, ["create", "update"], "client {number}");
        assert_eq!(transcript.resumes, usize::from(number >= 2));
        truth::assert_exact_view(
            "a client of an empty store",
            &transcript,
            &gateway,
            &all_people,
        )
        .await;
    }
}
