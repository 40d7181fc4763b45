//! An administrator that moves people between tenants. The same seed writes the same people.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::access::{JOB, SECRET, TENANTS};
use crate::oracle::author::OwnPeople;
use crate::scale_out::writer::Writer;

/// People of one author. No other author writes them.
const PEOPLE: usize = 12;

/// The changes that authors may begin, and the number of those that were acknowledged.
pub(super) struct Pace {
    pub(super) allowed: Semaphore,
    pub(super) written: AtomicUsize,
}

/// Creates, changes, moves and deletes people of its own.
pub(super) struct TenantAuthor {
    random: StdRng,
    writer: Writer,
    people: OwnPeople,
    pace: Arc<Pace>,
}

impl TenantAuthor {
    /// Writes to these gateways in turn, with this token.
    pub(super) fn new(
        (seed, number): (u64, u32),
        gateways: Vec<SocketAddr>,
        token: &str,
        pace: Arc<Pace>,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ (u64::from(number) << 32));
        Self {
            people: OwnPeople::new(PEOPLE, &mut random),
            random,
            writer: Writer::new(number, gateways).with_token(token),
            pace,
        }
    }

    /// Makes this many changes, each when the pace allows it. Returns the log position of each.
    pub(super) async fn history(mut self, changes: usize) -> Vec<String> {
        let mut log_positions = Vec::new();
        let pace = Arc::clone(&self.pace);
        for _ in 0..changes {
            pace.allowed.acquire().await.expect("never closed").forget();
            log_positions.push(self.change().await);
            pace.written.fetch_add(1, Ordering::SeqCst);
        }
        log_positions
    }

    async fn change(&mut self) -> String {
        let (id, exists) = self.people.pick(&mut self.random);
        if !exists {
            let body = self.person().to_string();
            return self.writer.write("PUT", id, Some(body), Some("*")).await;
        }
        let patch = match self.random.random_range(0..10) {
            0..2 => {
                self.people.remove(id);
                return self.writer.delete(id).await;
            }
            2..5 => json!({"attributes": {"tenant": self.tenant()}}),
            5 => json!({"attributes": {"secret": self.canary(SECRET)}}),
            6 => json!({"age": self.random.random_range(0..100)}),
            _ => {
                let body = self.person().to_string();
                return self.writer.write("PUT", id, Some(body), None).await;
            }
        };
        let body = Some(patch.to_string());
        self.writer.write("PATCH", id, body, None).await
    }

    fn person(&mut self) -> Value {
        json!({
            "firstName": "Ada",
            "lastName": format!("Lovelace {}", self.random.random::<u16>()),
            "age": self.random.random_range(0..100),
            "job": self.canary(JOB),
            "attributes": {
                "tenant": self.tenant(),
                "level": self.random.random_range(0..4),
                "secret": self.canary(SECRET),
            },
        })
    }

    fn tenant(&mut self) -> &'static str {
        TENANTS[self.random.random_range(0..TENANTS.len())]
    }

    /// A text that begins with this mark, and that hardly any other person has.
    fn canary(&mut self, mark: &str) -> String {
        format!("{mark}{:08x}", self.random.random::<u32>())
    }
}
