//! Writers that go on through a fault, one for each partition, and what they were answered.
//!
//! Each save carries a text of its own. Without an idempotency key it is sent once: a save whose
//! outcome is unknown is not repeated, the next one is another. One more writer sends a key with
//! each save, and repeats it until it is answered. So a text that is in the log twice was doubled
//! by a gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use people_gateway::domain::{Change, LogPosition, Partition, Partitions, PersonId};
use people_gateway::rights::Scope;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use people_testing::wait::{DEADLINE, eventually};

/// People of the writer of one partition.
const PEOPLE: usize = 4;
/// More writers than there are.
const WRITERS_MAX: u32 = 1024;
/// All writers together pause this long between two writes.
const PAUSE: Duration = Duration::from_millis(12);
/// The limit of one call, the time that a gateway waits for its store included.
const ATTEMPT: Duration = Duration::from_secs(20);
/// The pause before a save with a key is repeated.
const REPEAT: Duration = Duration::from_millis(50);
/// The limit of the end: a writer ends after its call.
const END: Duration = Duration::from_secs(40);

/// Writers that run until [`Load::end`].
pub(super) struct Load {
    stop: CancellationToken,
    writers: JoinSet<Answers>,
    acknowledged: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

/// Writers wait while it exists.
pub struct Held(#[expect(dead_code, reason = "it is dropped")] OwnedSemaphorePermit);

/// What the writers were answered.
#[derive(Debug, Default)]
pub struct Answers {
    /// The text of each acknowledged save, and its place.
    pub acknowledged: BTreeMap<String, LogPosition>,
    /// The number of the last acknowledged save of each person.
    last: BTreeMap<PersonId, usize>,
    /// Saves whose outcome nobody knows: no answer, or one that says so.
    pub unknown: usize,
    /// Answers that did nothing, by status.
    pub refused: BTreeMap<u16, usize>,
    /// The longest time between two acknowledged saves of each partition, without keys.
    pub silences: BTreeMap<String, Duration>,
}

impl Load {
    /// Starts a writer for each partition. Each uses these gateways in turn.
    pub(super) fn start(seed: u64, partitions: Partitions, gateways: &[SocketAddr]) -> Self {
        let (stop, acknowledged) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Semaphore::new(WRITERS_MAX as usize));
        let mut writers = JoinSet::new();
        let own = |partition| people(seed, partitions, partition);
        let mut names: Vec<_> = partitions
            .iter()
            .map(|partition| {
                (
                    partition.to_string(),
                    own(partition)[..PEOPLE].to_vec(),
                    false,
                )
            })
            .collect();
        let repeated = partitions.iter().map(|partition| own(partition)[PEOPLE]);
        names.push(("keyed".to_owned(), repeated.collect(), true));
        for (name, people, has_keys) in names {
            let writer = Writer {
                name,
                people,
                has_keys,
                gateways: gateways.to_vec(),
                http: reqwest::Client::builder()
                    .timeout(ATTEMPT)
                    .no_proxy()
                    .build()
                    .expect("a client"),
                acknowledged: Arc::clone(&acknowledged),
                gate: Arc::clone(&gate),
                answers: Answers::default(),
                calls: 0,
            };
            let pause = PAUSE * u32::from(partitions.get());
            writers.spawn(writer.run(pause, stop.clone()));
        }
        Self {
            stop,
            writers,
            acknowledged,
            gate,
        }
    }

    /// Waits until so many more saves have been acknowledged.
    pub(super) async fn goes_on(&self, more: usize) {
        let wanted = self.acknowledged.load(Ordering::Relaxed) + more;
        eventually("the writers go on", async || {
            self.acknowledged.load(Ordering::Relaxed) >= wanted
        })
        .await;
    }

    /// Waits until no writer waits for an answer, and holds all of them.
    pub(super) async fn hold(&self) -> Held {
        let gate = Arc::clone(&self.gate);
        let all = gate.acquire_many_owned(WRITERS_MAX).await;
        Held(all.expect("never closed"))
    }

    /// Ends the writers.
    pub(super) async fn end(self) -> Answers {
        self.stop.cancel();
        let all = timeout(END, self.writers.join_all());
        let mut sum = Answers::default();
        for answers in all.await.expect("the writers end") {
            sum.acknowledged.extend(answers.acknowledged);
            sum.last.extend(answers.last);
            sum.unknown += answers.unknown;
            sum.silences.extend(answers.silences);
            for (status, times) in answers.refused {
                *sum.refused.entry(status).or_default() += times;
            }
        }
        sum
    }
}

impl Answers {
    /// The acknowledged saves that are not at their place in the log.
    pub fn lost(&self, is_there: impl Fn(&LogPosition) -> bool) -> Vec<LogPosition> {
        let all = self.acknowledged.values().copied();
        all.filter(|at| !is_there(at)).collect()
    }

    /// The people whose last acknowledged save is not there: `text` tells what a person's record
    /// holds.
    pub fn lost_people(&self, text: impl Fn(PersonId) -> Option<String>) -> Vec<PersonId> {
        let number = |id| text(id)?.rsplit_once('-')?.1.parse::<usize>().ok();
        let lost = self
            .last
            .iter()
            .filter(|(id, last)| number(**id) < Some(**last));
        lost.map(|(id, _)| *id).collect()
    }

    /// The texts of saves that are in the log more than once.
    pub fn doubled(log: &[Change]) -> Vec<String> {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for text in log.iter().filter_map(text_of) {
            *times.entry(text).or_default() += 1;
        }
        let doubled = times.into_iter().filter(|(_, times)| *times > 1);
        doubled.map(|(text, _)| text).collect()
    }
}

/// The text of a save of these writers.
fn text_of(change: &Change) -> Option<String> {
    let json = Scope::everything().to_json(&change.person()?);
    let person: Value = serde_json::from_str(&json).expect("JSON");
    Some(person["attributes"]["save"].as_str()?.to_owned())
}

fn people(seed: u64, partitions: Partitions, partition: Partition) -> Vec<Uuid> {
    let mut random = StdRng::seed_from_u64(seed ^ (0x10ad << 32));
    let ids =
        std::iter::repeat_with(|| uuid::Builder::from_random_bytes(random.random()).into_uuid());
    let own = ids.filter(|id| partitions.of(PersonId::new(*id)) == partition);
    own.take(PEOPLE + 1).collect()
}

/// The writer of one partition, or the one with keys.
struct Writer {
    name: String,
    people: Vec<Uuid>,
    has_keys: bool,
    gateways: Vec<SocketAddr>,
    http: reqwest::Client,
    acknowledged: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    answers: Answers,
    calls: usize,
}

impl Writer {
    async fn run(mut self, pause: Duration, stop: CancellationToken) -> Answers {
        let (mut number, mut last, mut longest) = (0_usize, None::<Instant>, Duration::ZERO);
        while !stop.is_cancelled() {
            number += 1;
            if self.gate.available_permits() == 0 {
                last = None;
            }
            let gate = Arc::clone(&self.gate);
            let permit = gate.acquire().await.expect("never closed");
            if self.has_keys {
                self.save_with_key(number, &stop).await;
            } else if self.save(number).await {
                let now = Instant::now();
                let silence = last.replace(now).map_or(Duration::ZERO, |last| now - last);
                longest = longest.max(silence);
            }
            drop(permit);
            sleep(pause).await;
        }
        if !self.has_keys {
            self.answers.silences.insert(self.name, longest);
        }
        self.answers
    }

    /// Saves a person once, or creates the person if there is none. True if it is acknowledged.
    async fn save(&mut self, number: usize) -> bool {
        let text = format!("{}-{number}", self.name);
        let status = self.put(number, &text, false).await;
        match status {
            404 => self.put(number, &text, true).await == 201,
            status => status == 200,
        }
    }

    /// Saves a person, and repeats that until an answer says what happened.
    async fn save_with_key(&mut self, number: usize, stop: &CancellationToken) {
        let text = format!("{}-{number}", self.name);
        let mut is_new = false;
        while !stop.is_cancelled() {
            match self.put(number, &text, is_new).await {
                404 => is_new = true,
                412 => is_new = false,
                0 | 500.. => sleep(REPEAT).await,
                _ => return,
            }
        }
    }

    async fn put(&mut self, number: usize, text: &str, is_new: bool) -> u16 {
        self.calls += 1;
        let gateway = self.gateways[self.calls % self.gateways.len()];
        let id = self.people[number % self.people.len()];
        let body = json!({
            "firstName": "Ada",
            "lastName": "Lovelace",
            "age": number % 150,
            "job": "Engineer",
            "attributes": {"save": text, "city": "Oslo", "level": number % 5},
        });
        let mut request = self
            .http
            .put(format!("http://{gateway}/people/{id}"))
            .header(CONTENT_TYPE, "application/json");
        if is_new {
            request = request.header("if-none-match", "*");
        }
        if self.has_keys {
            request = request.header("idempotency-key", format!("{text}-{is_new}"));
        }
        let answer = timeout(DEADLINE, request.body(body.to_string()).send()).await;
        let Ok(Ok(answer)) = answer else {
            self.answers.unknown += 1;
            return 0;
        };
        let status = answer.status().as_u16();
        match status {
            200 | 201 => {
                let at = answer.headers().get("change-position");
                let at = at.and_then(|at| at.to_str().ok()?.parse().ok());
                let at = at.expect("every change has a place");
                self.answers.acknowledged.insert(text.to_owned(), at);
                self.answers.last.insert(PersonId::new(id), number);
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            404 => {}
            503 | 504 => {
                self.answers.unknown += 1;
                *self.answers.refused.entry(status).or_default() += 1;
            }
            _ => *self.answers.refused.entry(status).or_default() += 1,
        }
        status
    }
}
