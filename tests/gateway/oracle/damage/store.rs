//! A Redis with one gateway before it, whose keys a test damages by hand, and `people-gateway
//! check` beside it.

use std::process::{Command, Output, Stdio};

use people_gateway::domain::{Partition, Partitions, PersonId};
use uuid::Uuid;

use crate::oracle::TELLING;
use crate::scale_out::fleet::QUICK;
use people_testing::process::Gateway;
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

pub(super) const PARTITIONS: u16 = 2;

/// One Redis and one gateway.
pub(super) struct Store {
    pub(super) redis: RedisServer,
    pub(super) gateway: Gateway,
}

impl Store {
    pub(super) async fn start() -> Self {
        let redis = RedisServer::start(&[]).await;
        let url = redis.url();
        let partitions = PARTITIONS.to_string();
        let own = [
            ("store.url", url.as_str()),
            ("store.partitions", &partitions),
            ("live.read_limit_ms", "1000"),
        ];
        let gateway = Gateway::ready(&[QUICK, TELLING, &own].concat()).await;
        Self { redis, gateway }
    }

    /// The name of a person's partition's key.
    pub(super) fn key(id: Uuid, what: &str) -> String {
        let partitions = Partitions::new(PARTITIONS.try_into().expect("at least one"));
        Self::key_in(partitions.of(PersonId::new(id)), what)
    }

    pub(super) fn key_in(partition: Partition, what: &str) -> String {
        format!("{{people.p{partition}}}:{what}")
    }

    pub(super) async fn run(&self, words: &[&str]) {
        self.redis.command::<redis::Value>(words).await;
    }

    /// Saves a person anew, new or not; the status and where the change stands.
    pub(super) async fn save(&self, id: Uuid, age: usize) -> (u16, Option<String>) {
        let body = serde_json::json!({
            "firstName": "Ada", "lastName": "Lovelace", "age": age, "job": "Engineer",
        });
        let put = |is_new: bool| {
            let request = self.gateway.request("PUT", &format!("/people/{id}"));
            let request = request
                .header("content-type", "application/json")
                .body(body.to_string());
            if is_new {
                request.header("if-none-match", "*")
            } else {
                request
            }
        };
        let mut answer = put(false).send().await.expect("an answer");
        if answer.status() == 404 {
            answer = put(true).send().await.expect("an answer");
        }
        let place = answer
            .headers()
            .get("change-position")
            .map(|place| place.to_str().expect("ASCII").to_owned());
        (answer.status().as_u16(), place)
    }

    /// The status of a `GET` of one person.
    pub(super) async fn get(&self, id: Uuid) -> u16 {
        let answer = self
            .gateway
            .request("GET", &format!("/people/{id}"))
            .send()
            .await;
        answer.expect("an answer").status().as_u16()
    }

    /// Runs `people-gateway check`, with these flags.
    pub(super) async fn check(&self, flags: &[&str]) -> Output {
        let mut command = Command::new(people_testing::program());
        command
            .args(["check", "--store", &self.redis.url()])
            .args(flags)
            .env_clear()
            .stdin(Stdio::null());
        command.env("PEOPLE_GATEWAY__STORE__PARTITIONS", PARTITIONS.to_string());
        let run = tokio::task::spawn_blocking(move || command.output());
        run.await.expect("no panic").expect("the program runs")
    }

    /// Waits until operators are told that something is damaged: by `/readyz`, a metric and the
    /// log. Everybody else is served, so the gateway stays in the balancer.
    pub(super) async fn alarms(&self) {
        eventually("readyz says degraded", || async {
            let (status, text) = self.readyz().await;
            status == 200 && text.starts_with("degraded")
        })
        .await;
        assert!(self.gateway.metric("store_damage").await > 0.0);
        assert!(
            self.gateway
                .log()
                .contains("the store holds something that cannot be served")
        );
    }

    /// Waits until nothing is known to be damaged any more.
    pub(super) async fn is_sound(&self) {
        eventually("readyz says ready", || async {
            self.readyz().await == (200, "ready\n".to_owned())
        })
        .await;
        assert!(self.gateway.metric("store_damage").await == 0.0);
    }

    async fn readyz(&self) -> (u16, String) {
        match reqwest::get(format!("http://{}/readyz", self.gateway.admin)).await {
            Ok(answer) => (
                answer.status().as_u16(),
                answer.text().await.unwrap_or_default(),
            ),
            Err(_) => (0, String::new()),
        }
    }
}
