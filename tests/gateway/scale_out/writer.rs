//! A writer that repeats each write, on any gateway and under the same idempotency key, until it
//! succeeds.

use std::net::SocketAddr;
use std::time::Duration;

use people_gateway::telemetry::clock::fresh_uuid;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use people_testing::wait::DEADLINE;

/// The limit of an attempt; after it the writer tries the next gateway.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A writer with seven people that no other writer changes.
pub(crate) struct Writer {
    name: u32,
    gateways: Vec<SocketAddr>,
    http: reqwest::Client,
    /// The number of changes made.
    made: usize,
    turn: usize,
    people: Vec<(Uuid, Existence)>,
    /// Sent with each request, where callers need a token.
    token: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Existence {
    Absent,
    Present,
}

impl Writer {
    /// A writer that uses these gateways in turn.
    pub(crate) fn new(name: u32, gateways: Vec<SocketAddr>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .build()
            .expect("a client");
        let people = (0..7).map(|_| (fresh_uuid(), Existence::Absent)).collect();
        Self {
            name,
            gateways,
            http,
            made: 0,
            turn: name as usize,
            people,
            token: None,
        }
    }

    /// The same writer with a token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Makes so many changes: creates, updates and deletes. Returns their positions in order.
    pub(crate) async fn make_changes(&mut self, count: usize) -> Vec<String> {
        let mut positions = Vec::new();
        for _ in 0..count {
            positions.push(self.change().await);
        }
        positions
    }

    /// Makes the next change; returns its position.
    pub(crate) async fn change(&mut self) -> String {
        let person = self.made % self.people.len();
        let (id, existence) = self.people[person];
        let deletes = existence == Existence::Present && self.made % 4 == 3;
        self.people[person].1 = if deletes {
            Existence::Absent
        } else {
            Existence::Present
        };
        if deletes {
            self.delete(id).await
        } else {
            self.save(id, existence).await
        }
    }

    /// Creates a person; returns the position.
    pub(crate) async fn create(&mut self, id: Uuid) -> String {
        self.save(id, Existence::Absent).await
    }

    async fn save(&mut self, id: Uuid, existence: Existence) -> String {
        let body = json!({
            "firstName": format!("Writer {}", self.name),
            "lastName": format!("Change {}", self.made),
            "age": self.made % 150,
            "job": "Tester",
        });
        let condition = (existence == Existence::Absent).then_some("*");
        self.write("PUT", id, Some(body.to_string()), condition)
            .await
    }

    /// Deletes a person; returns the position.
    pub(crate) async fn delete(&mut self, id: Uuid) -> String {
        self.write("DELETE", id, None, None).await
    }

    /// Sends the write until a gateway acknowledges it; returns its position.
    pub(crate) async fn write(
        &mut self,
        method: &str,
        id: Uuid,
        body: Option<String>,
        absent: Option<&str>,
    ) -> String {
        self.made += 1;
        let key = format!("{}-{}-{}", self.name, self.made, self.people[0].0);
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.turn += 1;
            let gateway = self.gateways[self.turn % self.gateways.len()];
            let method = method.parse().expect("a method");
            let mut request = self
                .http
                .request(method, format!("http://{gateway}/people/{id}"));
            request = request.header("idempotency-key", &key);
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = &body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            if let Some(absent) = absent {
                request = request.header("if-none-match", absent);
            }
            if let Ok(answer) = request.send().await {
                if answer.status().is_success() {
                    let position = answer
                        .headers()
                        .get("change-position")
                        .expect("every write has a position");
                    return position.to_str().expect("ASCII").to_owned();
                }
                // Anything but a 5xx would mean that a repeat was not recognised.
                assert!(
                    answer.status().is_server_error(),
                    "{} {:?}",
                    answer.status(),
                    answer.text().await
                );
            }
            assert!(
                Instant::now() < deadline,
                "the write {key} does not succeed"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
