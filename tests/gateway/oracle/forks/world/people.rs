//! Writers: random people of a small circle, saved and deleted through one gateway, so that both
//! branches of a history know the same people by other values.

use std::time::Duration;

use people_gateway::domain::{Partition, Partitions, PersonId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::oracle::author::random_person;
use people_testing::process::Gateway;
use people_testing::wait::DEADLINE;

/// People whom both branches write.
const CIRCLE: usize = 12;
/// One call of a gateway that may be cut off from its store.
const ATTEMPT: Duration = Duration::from_secs(3);

/// A seeded writer.
pub(in crate::oracle::forks) struct People {
    pub(in crate::oracle::forks) random: StdRng,
    partitions: Partitions,
    circle: Vec<Uuid>,
    /// The length of an attribute that makes changes heavy.
    note: usize,
}

impl People {
    pub(in crate::oracle::forks) fn new(seed: u64, partitions: u16, note: usize) -> Self {
        let mut random =
            StdRng::seed_from_u64(seed ^ (0xf04b << 16) ^ (u64::from(partitions) << 40));
        let circle = (0..CIRCLE)
            .map(|_| uuid::Builder::from_random_bytes(random.random()).into_uuid())
            .collect();
        let partitions = Partitions::new(partitions.try_into().expect("at least one"));
        Self {
            random,
            partitions,
            circle,
            note,
        }
    }

    /// A number from a range.
    pub(in crate::oracle::forks) fn number(&mut self, range: std::ops::Range<usize>) -> usize {
        self.random.random_range(range)
    }

    /// Makes so many changes, mostly of the circle; some are of people whom only this branch knows.
    pub(in crate::oracle::forks) async fn write(&mut self, gateway: &Gateway, changes: usize) {
        for _ in 0..changes {
            match self.random.random_range(0..10) {
                0..2 => {
                    let id = self.one_of_the_circle();
                    self.delete(gateway, id).await;
                }
                2..5 => {
                    let id = uuid::Builder::from_random_bytes(self.random.random()).into_uuid();
                    self.save(gateway, id).await;
                }
                _ => {
                    let id = self.one_of_the_circle();
                    self.save(gateway, id).await;
                }
            }
        }
    }

    /// Saves, saves again and deletes somebody in every partition, and saves somebody who stays.
    pub(in crate::oracle::forks) async fn write_everywhere(&mut self, gateway: &Gateway) {
        for partition in self.partitions.iter() {
            let [goes, stays] = [self.id_in(partition), self.id_in(partition)];
            self.save(gateway, goes).await;
            self.save(gateway, stays).await;
            self.save(gateway, goes).await;
            self.delete(gateway, goes).await;
        }
    }

    /// Saves so many people who are in every partition.
    pub(in crate::oracle::forks) async fn found(&mut self, gateway: &Gateway, people: usize) {
        for number in 0..people {
            let partition = self
                .partitions
                .iter()
                .nth(number % usize::from(self.partitions.get()))
                .expect("there");
            let id = match self
                .circle
                .iter()
                .find(|id| self.partitions.of(PersonId::new(**id)) == partition)
            {
                Some(id) if number < CIRCLE / 2 => *id,
                _ => self.id_in(partition),
            };
            self.save(gateway, id).await;
        }
    }

    fn one_of_the_circle(&mut self) -> Uuid {
        self.circle[self.random.random_range(0..CIRCLE)]
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
        if self.note > 0 {
            person["attributes"]["note"] = "x".repeat(self.note).into();
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
        // Whether the branch knows the person is not known here, nor what became of a call that was
        // cut off: saving once more is a change more, and no harm.
        done("a save", async || match status(put(false)).await {
            404 => status(put(true)).await == 201,
            status => status == 200,
        })
        .await;
    }

    async fn delete(&mut self, gateway: &Gateway, id: Uuid) {
        let delete = || gateway.request("DELETE", &format!("/people/{id}"));
        done("a delete", async || {
            matches!(status(delete()).await, 204 | 404)
        })
        .await;
    }
}

/// The status of an answer; 0 where none came.
async fn status(request: reqwest::RequestBuilder) -> u16 {
    match timeout(ATTEMPT, request.send()).await {
        Ok(Ok(answer)) => answer.status().as_u16(),
        _ => 0,
    }
}

async fn done(what: &str, mut attempt: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !attempt().await {
        assert!(Instant::now() < deadline, "{what} does not get through");
        sleep(Duration::from_millis(20)).await;
    }
}
