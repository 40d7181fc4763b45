//! A writer of random histories. The same seed writes the same people, so that a failure can be
//! reproduced.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scale_out::writer::Writer;
use people_testing::people::random_person;

/// People of one author. No other author writes them.
const PEOPLE: usize = 10;
/// Writes people of its own, in an order and with values that the seed decides.
pub(crate) struct Author {
    random: StdRng,
    writer: Writer,
    people: OwnPeople,
    written: Arc<AtomicUsize>,
}

impl Author {
    /// Writes to these gateways in turn. Each change is counted in `written` when it is
    /// acknowledged.
    pub(crate) fn new(
        seed: u64,
        number: u32,
        gateways: Vec<SocketAddr>,
        written: Arc<AtomicUsize>,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ (u64::from(number) << 32));
        Self {
            people: OwnPeople::new(PEOPLE, &mut random),
            random,
            writer: Writer::new(number, gateways),
            written,
        }
    }

    /// Makes this many changes. Returns the log position of each.
    pub(crate) async fn history(mut self, changes: usize) -> Vec<String> {
        let mut log_positions = Vec::new();
        for _ in 0..changes {
            log_positions.push(self.change().await);
            self.written.fetch_add(1, Ordering::SeqCst);
        }
        log_positions
    }

    async fn change(&mut self) -> String {
        let (id, exists) = self.people.pick(&mut self.random);
        if !exists {
            let body = self.person().to_string();
            return self.writer.write("PUT", id, Some(body), Some("*")).await;
        }
        match self.random.random_range(0..10) {
            0..2 => {
                self.people.remove(id);
                self.writer.delete(id).await
            }
            2..5 => {
                let body = json!({ "age": self.age() }).to_string();
                self.writer.write("PATCH", id, Some(body), None).await
            }
            _ => {
                let body = self.person().to_string();
                self.writer.write("PUT", id, Some(body), None).await
            }
        }
    }

    fn age(&mut self) -> u8 {
        self.random.random_range(0..=150)
    }

    fn person(&mut self) -> Value {
        random_person(&mut self.random)
    }
}

/// The people of one author, and whether each exists.
pub(crate) struct OwnPeople(Vec<(Uuid, bool)>);

impl OwnPeople {
    /// So many; none exists yet.
    pub(crate) fn new(count: usize, random: &mut StdRng) -> Self {
        let people = (0..count).map(|_| {
            let id = uuid::Builder::from_random_bytes(random.random());
            (id.into_uuid(), false)
        });
        Self(people.collect())
    }

    /// One of them, and whether it exists; it does from here on.
    pub(crate) fn pick(&mut self, random: &mut StdRng) -> (Uuid, bool) {
        let index = random.random_range(0..self.0.len());
        let person = &mut self.0[index];
        (person.0, std::mem::replace(&mut person.1, true))
    }

    /// Notes that a person does not exist any more.
    pub(crate) fn remove(&mut self, id: Uuid) {
        let person = self.0.iter_mut().find(|person| person.0 == id);
        person.expect("one of these").1 = false;
    }
}
