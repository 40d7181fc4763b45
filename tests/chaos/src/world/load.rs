//! Writers that go on through a fault, one for each partition, and what they were answered.
//!
//! Each save carries a text of its own, and is sent once: a save whose outcome is unknown is not
//! repeated, the next one is another. So a text that is in the log twice was doubled by a gateway.

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
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use people_testing::wait::{DEADLINE, eventually};

/// People of one writer.
const PEOPLE: usize = 4;
/// All writers together pause this long between two writes.
const PAUSE: Duration = Duration::from_millis(12);
/// The limit of one call, the time that a gateway waits for its store included.
const ATTEMPT: Duration = Duration::from_secs(20);
/// The limit of the end: a writer ends after its call.
const END: Duration = Duration::from_secs(40);

/// Writers that run until [`Load::end`].
pub(super) struct Load {
    stop: CancellationToken,
    writers: JoinSet<Answers>,
    acknowledged: Arc<AtomicUsize>,
}

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
    /// The longest time between two acknowledged saves of one partition.
    pub silence: Duration,
}

impl Load {
    /// Starts a writer for each partition. Each uses these gateways in turn.
    pub(super) fn start(seed: u64, partitions: Partitions, gateways: &[SocketAddr]) -> Self {
        let (stop, acknowledged) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let mut writers = JoinSet::new();
        for partition in partitions.iter() {
            let writer = Writer {
                partition,
                people: people(seed, partitions, partition),
                gateways: gateways.to_vec(),
                http: reqwest::Client::builder()
                    .timeout(ATTEMPT)
                    .no_proxy()
                    .build()
                    .expect("a client"),
                acknowledged: Arc::clone(&acknowledged),
                answers: Answers::default(),
            };
            let pause = PAUSE * u32::from(partitions.get());
            writers.spawn(writer.run(pause, stop.clone()));
        }
        Self {
            stop,
            writers,
            acknowledged,
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

    /// Ends the writers.
    pub(super) async fn end(self) -> Answers {
        self.stop.cancel();
        let all = timeout(END, self.writers.join_all());
        let mut sum = Answers::default();
        for answers in all.await.expect("the writers end") {
            sum.acknowledged.extend(answers.acknowledged);
            sum.last.extend(answers.last);
            sum.unknown += answers.unknown;
            sum.silence = sum.silence.max(answers.silence);
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
    own.take(PEOPLE).collect()
}

/// The writer of one partition.
struct Writer {
    partition: Partition,
    people: Vec<Uuid>,
    gateways: Vec<SocketAddr>,
    http: reqwest::Client,
    acknowledged: Arc<AtomicUsize>,
    answers: Answers,
}

impl Writer {
    async fn run(mut self, pause: Duration, stop: CancellationToken) -> Answers {
        let (mut number, mut last) = (0_usize, None::<Instant>);
        while !stop.is_cancelled() {
            number += 1;
            if self.save(number).await {
                let now = Instant::now();
                let silence = last.replace(now).map(|last| now - last);
                self.answers.silence = self.answers.silence.max(silence.unwrap_or_default());
            }
            sleep(pause).await;
        }
        self.answers
    }

    /// Saves a person once, or creates the person if there is none. True if it is acknowledged.
    async fn save(&mut self, number: usize) -> bool {
        let text = format!("{}-{number}", self.partition);
        let status = self.put(number, &text, false).await;
        match status {
            404 => self.put(number, &text, true).await == 201,
            status => status == 200,
        }
    }

    async fn put(&mut self, number: usize, text: &str, is_new: bool) -> u16 {
        let gateway = self.gateways[number % self.gateways.len()];
        let id = self.people[number % PEOPLE];
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
