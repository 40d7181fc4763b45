//! A writer of random people. All gateways write the same few ids, so that both branches of a
//! history hold the same people with different values.

use std::time::Duration;

use people_gateway::domain::{Partition, Partitions, PersonId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use people_testing::people::random_person;
use people_testing::process::Gateway;
use people_testing::wait::DEADLINE;

/// The number of ids that both branches write.
const SHARED_PEOPLE: usize = 12;
/// Time limit of one call. The gateway may be cut off from its store.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Writes people in an order and with values that the seed decides.
pub struct BranchWriter {
    pub random: StdRng,
    partitions: Partitions,
    shared_people: Vec<Uuid>,
    /// The length of an attribute that makes changes large.
    note_bytes: usize,
}

impl BranchWriter {
    pub fn new(seed: u64, partitions: u16, note_bytes: usize) -> Self {
        let mut random =
            StdRng::seed_from_u64(seed ^ (0xf04b << 16) ^ (u64::from(partitions) << 40));
        let shared_people = (0..SHARED_PEOPLE)
            .map(|_| uuid::Builder::from_random_bytes(random.random()).into_uuid())
            .collect();
        let partitions = Partitions::new(partitions.try_into().expect("at least one"));
        Self {
            random,
            partitions,
            shared_people,
            note_bytes,
        }
    }

    /// A random number from a range.
    pub fn number(&mut self, range: std::ops::Range<usize>) -> usize {
        self.random.random_range(range)
    }

    /// Makes this many changes, mostly of the shared people, some of new people.
    pub async fn write(&mut self, gateway: &Gateway, changes: usize) {
        for _ in 0..changes {
            match self.random.random_range(0..10) {
                0..2 => {
                    let id = self.shared_person();
                    self.delete(gateway, id).await;
                }
                2..5 => {
                    let id = uuid::Builder::from_random_bytes(self.random.random()).into_uuid();
                    self.save(gateway, id).await;
                }
                _ => {
                    let id = self.shared_person();
                    self.save(gateway, id).await;
                }
            }
        }
    }

    /// In every partition, saves one person twice and deletes that person, and saves another one.
    pub async fn write_everywhere(&mut self, gateway: &Gateway) {
        for partition in self.partitions.iter() {
            let [deleted, kept] = [self.id_in(partition), self.id_in(partition)];
            self.save(gateway, deleted).await;
            self.save(gateway, kept).await;
            self.save(gateway, deleted).await;
            self.delete(gateway, deleted).await;
        }
    }

    /// Saves this many people, spread over all partitions.
    pub async fn populate(&mut self, gateway: &Gateway, people: usize) {
        for number in 0..people {
            let partition = self
                .partitions
                .iter()
                .nth(number % usize::from(self.partitions.get()))
                .expect("there");
            let id = match self
                .shared_people
                .iter()
                .find(|id| self.partitions.of(PersonId::new(**id)) == partition)
            {
                Some(id) if number < SHARED_PEOPLE / 2 => *id,
                _ => self.id_in(partition),
            };
            self.save(gateway, id).await;
        }
    }

    /// The lines of an import of so many people of the first partition who match no condition of
    /// engineers.
    pub fn clerks(&mut self, people: usize) -> Vec<String> {
        let first = self.partitions.iter().next().expect("at least one");
        let clerk = |id| {
            let person = json!({
                "id": id,
                "firstName": "Bob",
                "lastName": "Cratchit",
                "age": 30,
                "job": "Clerk",
            });
            person.to_string()
        };
        let ids = (0..people).map(|_| self.id_in(first));
        ids.map(clerk).collect()
    }

    fn shared_person(&mut self) -> Uuid {
        self.shared_people[self.random.random_range(0..SHARED_PEOPLE)]
    }

    fn id_in(&mut self, partition: Partition) -> Uuid {
        loop {
            let id = uuid::Builder::from_random_bytes(self.random.random()).into_uuid();
            if self.partitions.of(PersonId::new(id)) == partition {
                return id;
            }
        }
    }

    async fn save(&mut self, gateway: &Gateway, id: Uuid) {
        let mut person = random_person(&mut self.random);
        if self.note_bytes > 0 {
            person["attributes"]["note"] = "x".repeat(self.note_bytes).into();
        }
        let body = person.to_string();
        let put = |is_new: bool| {
            let request = gateway
                .request("PUT", &format!("/people/{id}"))
                .header("content-type", "application/json");
            if is_new {
                request.header("if-none-match", "*")
            } else {
                request
            }
            .body(body.clone())
        };
        // The writer knows neither whether the branch has the person, nor the outcome of a call
        // that was cut off. A repeated save is one change more, and harmless.
        retry("a save", async || match status(put(false)).await {
            404 => status(put(true)).await == 201,
            status => status == 200,
        })
        .await;
    }

    async fn delete(&mut self, gateway: &Gateway, id: Uuid) {
        let delete = || gateway.request("DELETE", &format!("/people/{id}"));
        retry("a delete", async || {
            matches!(status(delete()).await, 204 | 404)
        })
        .await;
    }
}

/// The status of the answer, 0 without one.
async fn status(request: reqwest::RequestBuilder) -> u16 {
    match timeout(ATTEMPT, request.send()).await {
        Ok(Ok(answer)) => answer.status().as_u16(),
        _ => 0,
    }
}

async fn retry(what: &str, mut attempt: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !attempt().await {
        assert!(Instant::now() < deadline, "{what} does not get through");
        sleep(Duration::from_millis(20)).await;
    }
}
