//! Relay, ring, pages and resume together, against a store whose history branches: a failover that
//! loses writes, a split brain in which commands and channel speak of different branches, a store
//! that comes back older. For any order of events, once one branch has won every client holds it
//! exactly, or knows that it does not.

mod client;
mod servers;
mod steps;
mod store;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::fanout::{self, Dispatcher, EgressChoice};
use crate::filter::{Kinds, View};
use crate::history::{self, History};
use crate::protocol::format::WireFormat;
use crate::relay;
use crate::rights::Scope;
use crate::session::{self, Sessions, Start, Subscription};
use crate::store::{Discontinuity, Store, StoreSlot};
use crate::telemetry::{Readiness, Traces};
use client::{Client, SavedView};
use steps::{From, Setting, Step, setting, step};
use store::{ModelStore, PEOPLE};

/// The least age in the views.
const AGE: u8 = 20;
/// The time after the last fault in which every view becomes exact.
const HEALED: Duration = Duration::from_secs(3);

/// A gateway before the model, and its clients.
struct World {
    store: Arc<ModelStore>,
    sessions: Sessions,
    metrics: session::Metrics,
    clients: Rc<RefCell<Vec<OpenClient>>>,
    saved: Vec<SavedView>,
}

struct OpenClient {
    client: Client,
    /// Losses of history before the client connected.
    breaks: usize,
    is_text: bool,
}

fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

impl World {
    /// A gateway that follows the store; must be called inside a local set.
    async fn start(setting: &Setting) -> Self {
        let store = ModelStore::new(setting.partitions, setting.log_max, setting.seed);
        let metrics = session::Metrics::default();
        let history = Arc::new(History::new(history::Options {
            ring_bytes: count(setting.ring_bytes),
        }));
        let slot = StoreSlot::new();
        let shared: Arc<dyn Store> = Arc::<ModelStore>::clone(&store);
        slot.fill(Arc::clone(&shared));
        let options = session::Options {
            log_page: count(3),
            page_people: count(2),
            ..session::Options::default()
        };
        let (sessions, commands) =
            Sessions::new(Arc::clone(&history), slot, options, None, metrics.clone());
        let dispatcher = Dispatcher::new(
            fanout::Options {
                egress: EgressChoice::Send,
                ..fanout::Options::default()
            },
            Arc::clone(&history),
            (sessions.clone(), commands),
            fanout::Metrics::default(),
            Traces::default(),
        );
        let relay_options = relay::Options {
            head_interval: Duration::from_millis(setting.head_interval_ms),
            page: count(4),
            tail: count(5),
            ..relay::Options::default()
        };
        let readiness = Readiness::new(Duration::from_secs(5));
        let links = relay::Links {
            store: shared,
            readiness,
            metrics: relay::Metrics::default(),
        };
        tokio::task::spawn_local(fanout::run(
            relay_options,
            links,
            dispatcher,
            Handle::current(),
        ));
        while history.checkpoint().is_none() {
            sleep(Duration::from_millis(10)).await;
        }
        Self {
            store,
            sessions,
            metrics,
            clients: Rc::default(),
            saved: Vec::new(),
        }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Write {
                elsewhere,
                person,
                age,
                loses_frame,
            } => {
                self.store.write(elsewhere, person, age, loses_frame);
            }
            Step::Copy(lost) => self.store.copy(lost),
            Step::SwitchCommands { strays } => self.store.switch_commands(strays),
            Step::SwitchChannel { announced } => self.store.switch_channel(announced),
            Step::Lose(lost, cuts) => self.store.lose(lost, cuts),
            Step::Wipe => self.store.wipe(),
            Step::Open { is_text, from } => {
                let saved = match from {
                    From::Now => return self.open(is_text, Start::Now, None),
                    From::Snapshot => return self.open(is_text, Start::Snapshot, None),
                    From::Saved(_) if self.saved.is_empty() => return,
                    From::Saved(index) => self.saved[index.index(self.saved.len())].clone(),
                };
                // A text client could not drop what the saved JSON client held.
                self.open(
                    false,
                    Start::Cursor(saved.text().parse().unwrap()),
                    Some(saved),
                );
            }
            Step::Save(index) => {
                self.read();
                let clients = self.clients.borrow();
                if !clients.is_empty() {
                    self.saved
                        .extend(clients[index.index(clients.len())].client.save());
                }
            }
            Step::Cut(index) => {
                self.read();
                let count = self.clients.borrow().len();
                if count > 0 {
                    let cut = self.clients.borrow_mut().swap_remove(index.index(count));
                    if let Some(saved) = cut.client.save() {
                        self.open(
                            false,
                            Start::Cursor(saved.text().parse().unwrap()),
                            Some(saved),
                        );
                    }
                }
            }
            Step::Wait(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
        }
        self.read();
    }

    /// Connects a client in a task of its own, while the schedule goes on.
    fn open(&self, is_text: bool, start: Start, saved: Option<SavedView>) {
        let (sessions, clients) = (self.sessions.clone(), Rc::clone(&self.clients));
        let breaks = self.store.breaks();
        tokio::task::spawn_local(async move {
            let filter = Scope::everything()
                .filter(&format!("age >= {AGE}"))
                .expect("a filter");
            let view = View {
                kinds: Kinds::All,
                filter,
            };
            let format = if is_text {
                WireFormat::Text
            } else {
                WireFormat::Json
            };
            let snapshot = start == Start::Snapshot;
            let started = sessions
                .start(
                    Subscription {
                        view,
                        format,
                        ..Subscription::default()
                    },
                    start,
                )
                .await;
            let started = started.expect("the store answers");
            let (near, far) = UnixStream::pair().expect("two file descriptors");
            let client = Client::new(far, is_text, snapshot, saved.as_ref());
            clients.borrow_mut().push(OpenClient {
                client,
                breaks,
                is_text,
            });
            sessions.serve(near, Bytes::new(), started, ()).await;
        });
    }

    fn read(&self) {
        for opened in &mut *self.clients.borrow_mut() {
            opened.client.read(&self.store);
        }
    }

    /// Checks that every client holds the winning branch, or knows that it does not.
    fn check(&self, setting: &Setting, strays: bool) {
        self.read();
        let (exact, heads) = (self.store.older_than(AGE), self.store.heads());
        let new_heads: u64 = [
            Discontinuity::Forked,
            Discontinuity::Epoch,
            Discontinuity::Trimmed,
        ]
        .map(|reason| self.metrics.session_new_heads.at(reason).get())
        .iter()
        .sum();
        for OpenClient {
            client,
            breaks,
            is_text,
        } in &*self.clients.borrow()
        {
            let context = format!("\n{}\nthe store is at {heads:?}", client.log.join("\n"));
            if let Some(code) = client.closed {
                let is_fine = if *is_text {
                    code == 4010
                } else {
                    code == 1013 && setting.log_max < 1000
                };
                assert!(is_fine, "closed with {code}{context}");
                continue;
            }
            if *is_text {
                if client.is_exact() && new_heads == 0 {
                    let ages = |people: &store::People| {
                        people.iter().map(|(id, (age, _))| (*id, *age)).collect()
                    };
                    let (held, right): (Vec<_>, Vec<_>) = (ages(&client.people), ages(&exact));
                    assert_eq!(
                        held, right,
                        "a text client has a wrong view and does not know it{context}"
                    );
                }
                continue;
            }
            let cursor = client
                .cursor
                .as_ref()
                .unwrap_or_else(|| panic!("not live{context}"));
            for (partition, position) in cursor {
                let head = heads[partition.index()];
                assert!(
                    position.epoch == head.epoch && position.seq <= head.seq,
                    "{position} is not in the branch that won{context}"
                );
            }
            if client.is_exact() {
                assert_eq!(client.people, exact, "{context}");
            }
            // Commands and channel change branches at different moments, also after a client
            // connected.
            let most = 2 * (self.store.breaks() - breaks) + 2;
            assert!(
                strays || client.resets <= most,
                "{} resets for {most} breaks{context}",
                client.resets
            );
        }
    }
}

fn run(setting: &Setting, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    let world = async {
        let strays = steps
            .iter()
            .any(|step| matches!(step, Step::SwitchCommands { strays: true }));
        let mut world = World::start(setting).await;
        for step in steps {
            world.run(step).await;
        }
        world.store.heal();
        sleep(HEALED).await;
        world.check(setting, strays);
        // And the stream goes on.
        for person in 0..PEOPLE {
            world.store.write(false, person, Some(AGE + 1), false);
        }
        sleep(HEALED).await;
        world.check(setting, strays);
        let trimmed = world
            .metrics
            .session_resets
            .at(Discontinuity::Trimmed.into())
            .get();
        assert!(
            setting.log_max < 1000 || trimmed == 0,
            "nothing was trimmed"
        );
    };
    LocalSet::new().block_on(&runtime.expect("a runtime"), world);
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_view_is_exact_once_one_branch_has_won(
        setting in setting(), steps in prop::collection::vec(step(), 1..60)
    ) {
        run(&setting, steps);
    }
}
