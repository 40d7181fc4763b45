//! Writers in the background, and the comparison of what they were answered with the logs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use people_gateway::domain::{LogPosition, PersonId};
use people_gateway::store::redis::RedisStore;
use people_gateway::store::{Store, StoreError, Write, WriteOutcome};
use people_testing::wait::eventually;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::redis::people::{fields, id, now, whole_log};

/// Writers at the same time.
const WRITERS: u128 = 8;

/// The pause of a writer after an answer: the logs stay short, however long a fault lasts.
const PAUSE: Duration = Duration::from_millis(3);

/// Writers that run until they are stopped.
pub(super) struct Load {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    answers: Arc<Answers>,
}

/// What the writers were answered.
#[derive(Default)]
struct Answers {
    done: Mutex<BTreeMap<PersonId, LogPosition>>,
    unknown: Mutex<Vec<PersonId>>,
    refused: Mutex<Vec<String>>,
    count: AtomicUsize,
}

/// The comparison of the answers with the logs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Writes that were answered with success and are in no log.
    pub(super) lost: usize,
    /// Writes that are in the logs more than once.
    pub(super) doubled: usize,
    /// Writes that were answered with success.
    pub(super) done: usize,
    /// Writes whose outcome was said to be unknown.
    pub(super) unknown: usize,
}

impl Load {
    /// Starts writers of people with numbers from `first` on.
    pub(super) fn start(store: &Arc<RedisStore>, first: u128) -> Self {
        let (stop, answers) = (CancellationToken::new(), Arc::new(Answers::default()));
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let (store, stop) = (Arc::clone(store), stop.clone());
            let answers = Arc::clone(&answers);
            tasks.spawn(async move {
                let mut number = first + writer;
                while !stop.is_cancelled() {
                    let write = Write::save(id(number), fields("A"), now());
                    answers.take(id(number), store.apply(write).await);
                    number += WRITERS;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self {
            stop,
            tasks,
            answers,
        }
    }

    /// Waits until so many more writes have been answered with success.
    pub(super) async fn goes_on(&self, more: usize) {
        let wanted = self.answers.count.load(Ordering::Relaxed) + more;
        eventually("the writers go on", async || {
            self.answers.count.load(Ordering::Relaxed) >= wanted
        })
        .await;
    }

    /// Ends the writers, and compares. No write may have been refused.
    pub(super) async fn verdict(self, store: &RedisStore) -> Verdict {
        self.stop.cancel();
        self.tasks.join_all().await;
        let refused = self.answers.refused.lock().expect("no panic").pop();
        assert_eq!(refused, None);
        let mut happened: BTreeMap<PersonId, usize> = BTreeMap::new();
        for partition in store.partitions().iter() {
            let (_, log) = whole_log(store, partition).await;
            for change in log {
                *happened.entry(change.id).or_default() += 1;
            }
        }
        let done = self.answers.done.lock().expect("no panic");
        let unknown = self.answers.unknown.lock().expect("no panic");
        let verdict = Verdict {
            lost: done.keys().filter(|id| !happened.contains_key(id)).count(),
            doubled: happened.values().filter(|times| **times > 1).count(),
            done: done.len(),
            unknown: unknown.len(),
        };
        println!("{verdict:?}");
        verdict
    }
}

impl Answers {
    fn take(&self, id: PersonId, outcome: Result<WriteOutcome, StoreError>) {
        match outcome {
            Ok(WriteOutcome::Done { at, .. }) => {
                let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                done.insert(id, at);
                self.count.fetch_add(1, Ordering::Relaxed);
            }
            Err(StoreError::OutcomeUnknown(_)) => {
                let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
                unknown.push(id);
            }
            other => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                refused.push(format!("{other:?}"));
            }
        }
    }
}
