//! A Redis server whose keys a test damages by hand, a gateway on it, and `people-gateway check`.

use std::process::{Command, Output, Stdio};

use people_gateway::domain::{Partition, Partitions, PersonId};
use people_gateway::store::redis::hash_tag;
use uuid::Uuid;

use people_testing::process::Gateway;
use people_testing::process::settings::{FREQUENT_POSITIONS, QUICK};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

pub(super) const PARTITIONS: u16 = 2;

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
        let gateway = Gateway::ready(&[QUICK, FREQUENT_POSITIONS, &own].concat()).await;
        Self { redis, gateway }
    }

    /// The name of a key in a person's partition.
    pub(super) fn key(id: Uuid, what: &str) -> String {
        let partitions = Partitions::new(PARTITIONS.try_into().expect("at least one"));
        Self::key_in(partitions.of(PersonId::new(id)), what)
    }

    pub(super) fn key_in(partition: Partition, what: &str) -> String {
        let partitions = Partitions::new(PARTITIONS.try_into().expect("at least one"));
        format!("{{{}}}:{what}", hash_tag("people", partition, partitions))
    }

    pub(super) async fn run(&self, words: &[&str]) {
        self.redis.command::<redis::Value>(words).await;
    }

    /// Creates or replaces a person. Returns the status and the change's log position.
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
        let log_position = answer
            .headers()
            .get("change-position")
            .map(|log_position| log_position.to_str().expect("ASCII").to_owned());
        (answer.status().as_u16(), log_position)
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

    /// Runs `people-gateway check` with these flags.
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

    /// Waits until `/readyz`, a metric and the log report damage. `/readyz` still answers 200: the
    /// gateway stays in the balancer, because it serves all other people.
    pub(super) async fn wait_for_alarms(&self) {
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

    /// Waits until no damage is known.
    pub(super) async fn wait_until_sound(&self) {
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
