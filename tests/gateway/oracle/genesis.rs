//! An empty store: there is a place before the first change, so a view opened there misses nothing.

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use serde_json::json;

use super::follower::{Asks, Follower};
use super::{TELLING, last_of_each, truth};
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_view_opened_before_the_first_write_ever_sees_it() {
    let redis = RedisServer::start(&[]).await;
    let url = redis.url();
    for store in [vec![], vec![("store.url", url.as_str())]] {
        for partitions in ["1", "3"] {
            // Another prefix is another, empty store.
            let prefix = format!("empty{partitions}");
            let own = [("store.partitions", partitions), ("store.prefix", &*prefix)];
            let settings = [&own[..], TELLING, &store].concat();
            sees_the_first_write(Gateway::ready(&settings).await).await;
        }
    }
}

async fn sees_the_first_write(gateway: Gateway) {
    let client = |from| {
        let asks = Asks {
            kinds: Kinds::All,
            condition: "age > 30".to_owned(),
            from,
        };
        Follower::start(vec![gateway.address], 0, asks)
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
            .until("a client is live", |progress| progress.lives == 1)
            .await;
    }
    // Two of them come back with the cursor of a store in which nothing ever happened.
    for client in &mut clients[2..] {
        client.cut().await;
        client
            .until("a client is live again", |progress| progress.lives == 2)
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
    let place = answer.headers()["change-position"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let everyone = truth::list(&gateway, "").await;
    assert_eq!(everyone.len(), 1);
    for (number, client) in clients.into_iter().enumerate() {
        let seen = client
            .finish(&last_of_each(std::slice::from_ref(&place)))
            .await;
        seen.was_told_the_truth("a client of an empty store");
        let words: Vec<_> = seen.changes.iter().map(|shown| shown.word).collect();
        assert_eq!(words, ["create", "update"], "client {number}");
        assert_eq!(seen.resumes, usize::from(number >= 2));
        truth::judge("a client of an empty store", &seen, &gateway, &everyone).await;
    }
}
