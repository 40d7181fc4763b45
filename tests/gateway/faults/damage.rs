//! One damaged record in Redis affects one person: all others are served, and clients end with the
//! people that are in the store.

use std::collections::BTreeMap;

use serde_json::Value;

use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::socket::{End, Listener};
use people_testing::wait::eventually;

const PEOPLE: &str = "{people.p0}:people";

/// A JSON client that folds its messages, from a snapshot on.
struct FoldingClient {
    listener: Listener,
    people: BTreeMap<String, String>,
}

impl FoldingClient {
    async fn open(gateway: &Gateway) -> Self {
        let path = "/updates?from=snapshot";
        let (listener, _) = Listener::open_as(gateway.address, path, "people.v1.json").await;
        let mut this = Self {
            listener,
            people: BTreeMap::new(),
        };
        while this.fold().await != "live" {}
        this
    }

    /// Folds one message; returns its type.
    async fn fold(&mut self) -> String {
        let message: Value = serde_json::from_str(&self.listener.sentence().await).expect("JSON");
        let mut put = |person: &Value| {
            let text = |name: &str| person[name].as_str().expect("a text").to_owned();
            self.people.insert(text("id"), text("firstName"));
        };
        let kind = message["type"].as_str().expect("a type").to_owned();
        match kind.as_str() {
            "snapshot" => message["people"]
                .as_array()
                .expect("people")
                .iter()
                .for_each(put),
            "create" | "enter" | "update" => put(&message["person"]),
            "leave" | "delete" => drop(self.people.remove(message["id"].as_str().expect("an id"))),
            "reset" => self.people.clear(),
            _ => {}
        }
        kind
    }

    /// Folds messages until the people are these.
    async fn fold_until(&mut self, people: &BTreeMap<String, String>) {
        while self.people != *people {
            self.fold().await;
        }
    }
}

/// Asserts that a read of the damaged record is a 500 whose problem names the remedy.
async fn assert_record_is_refused(gateway: &Gateway, id: &str) {
    let got = gateway
        .request("GET", &format!("/people/{id}"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(got.status(), 500);
    let problem: Value = got.json().await.expect("a problem");
    assert_eq!(
        (&problem["damaged"], &problem["id"]),
        (&"record".into(), &id.into()),
        "{problem}"
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("PUT")),
        "{problem}"
    );
}

/// The number of people in the list.
async fn listed(gateway: &Gateway) -> usize {
    let list = gateway
        .request("GET", "/people")
        .send()
        .await
        .expect("an answer");
    let list: Vec<Value> = list
        .error_for_status()
        .expect("200")
        .json()
        .await
        .expect("people");
    list.len()
}

/// Asserts that the gateway is ready and reports the damaged record.
async fn assert_degraded(gateway: &Gateway, id: &str) {
    let admin = reqwest::get(format!("http://{}/readyz", gateway.admin))
        .await
        .expect("an answer");
    assert_eq!(admin.status(), 200);
    let body = admin.text().await.expect("a text");
    assert!(
        body.starts_with("degraded: ") && body.contains(id),
        "{body}"
    );
    assert_eq!(gateway.count_at("store_damage", "kind=\"record\"").await, 1);
}

#[tokio::test]
async fn a_damaged_record_is_a_500_until_a_save_repairs_it_for_all_clients() {
    let redis = RedisServer::start(&[]).await;
    let gateway = Gateway::ready(&[
        ("store.url", &redis.url()),
        ("live.head_interval_ms", "100"),
    ])
    .await;
    let mut everyone = BTreeMap::new();
    for name in ["Ada", "Grace", "Alan"] {
        everyone.insert(gateway.create(&person(name)).await, name.to_owned());
    }
    let (ada, _) = everyone.first_key_value().expect("three");
    let ada = ada.clone();
    let mut others = everyone.clone();
    others.remove(&ada);
    let mut before = FoldingClient::open(&gateway).await;
    assert_eq!(before.people, everyone);

    for (turn, garbage) in [None, Some("garbage"), Some("a.1.1 1 2 {}")]
        .into_iter()
        .enumerate()
    {
        match garbage {
            None => redis.command::<()>(&["HDEL", PEOPLE, &ada]).await,
            Some(garbage) => redis.command::<()>(&["HSET", PEOPLE, &ada, garbage]).await,
        }
        assert_record_is_refused(&gateway, &ada).await;
        assert_eq!(listed(&gateway).await, others.len());
        let mut after = FoldingClient::open(&gateway).await;
        // Ada may be there too, from a page that was read before the damage.
        after.people.remove(&ada);
        assert_eq!(after.people, others, "a new client gets all other people");
        assert_degraded(&gateway, &ada).await;
        let log = gateway.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("cannot be served") && line.contains(&ada))
            .count();
        assert_eq!(lines, turn + 1, "a line for each damage, not for each read");

        let name = format!("Ada {turn}");
        assert_eq!(gateway.put(&ada, &person(&name), false).await, 200);
        everyone.insert(ada.clone(), name);
        before.fold_until(&everyone).await;
        after.fold_until(&everyone).await;
        eventually("the record is repaired", || async {
            gateway.count_at("store_damage", "kind=\"record\"").await == 0
        })
        .await;
    }
    redis
        .command::<()>(&["HSET", PEOPLE, &ada, "garbage"])
        .await;
    assert_eq!(gateway.delete(&ada).await, 204);
    before.fold_until(&others).await;
    assert_eq!(
        gateway
            .request("GET", &format!("/people/{ada}"))
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_ends_the_session_with_1011_and_is_logged() {
    let redis = RedisServer::start(&[]).await;
    let gateway =
        Gateway::ready(&[("store.url", &redis.url()), ("live.read_limit_ms", "300")]).await;
    redis
        .command::<()>(&["SET", "{people.p0}:ids", "another type"])
        .await;
    let (listener, _) =
        Listener::open_as(gateway.address, "/updates?from=snapshot", "people.v1.json").await;
    assert!(matches!(listener.end().await, End::Closed(1011, _)));
    assert!(
        gateway
            .log()
            .contains("sessions wait for what cannot be read"),
        "{}",
        gateway.log()
    );
    redis.command::<()>(&["DEL", "{people.p0}:ids"]).await;
    FoldingClient::open(&gateway).await;
}
