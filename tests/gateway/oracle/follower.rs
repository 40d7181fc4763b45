//! A client under watch: the reference client with its folded view, which is moved from gateway to
//! gateway whenever its connection is lost or cut, and tells at the end all that it was shown.

use std::net::SocketAddr;
use std::time::Duration;

use people_client::{
    Completeness, Cursor, LiveClient, LiveEvent, PeopleView, ResetReason, StartPoint, Timeouts,
    ViewChange,
};
use people_gateway::domain::LogPosition;
use people_gateway::filter::Kinds;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use people_testing::wait::DEADLINE;

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    pub(crate) kinds: Kinds,
    pub(crate) condition: String,
    pub(crate) from: StartPoint,
}

/// A change as it was shown: where it stands, and what it meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shown {
    pub(crate) at: String,
    pub(crate) word: &'static str,
}

/// All that a client was shown.
pub(crate) struct Seen {
    pub(crate) asks: Asks,
    pub(crate) view: PeopleView,
    /// The cursor of the first `live`.
    pub(crate) began: Option<Cursor>,
    /// Its single changes, in the order in which they came.
    pub(crate) changes: Vec<Shown>,
    pub(crate) batches: usize,
    /// Connections that began with a cursor.
    pub(crate) resumes: usize,
    pub(crate) resets: Vec<ResetReason>,
    pub(crate) contradictions: Vec<String>,
}

/// A running client.
pub(crate) struct Follower {
    task: JoinHandle<Seen>,
    cuts: mpsc::Sender<()>,
    goal: watch::Sender<Option<Vec<LogPosition>>>,
    /// How many changes and batches came, and whether it is live.
    pub(crate) progress: watch::Receiver<Progress>,
}

/// How far a client has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) lives: usize,
    pub(crate) changes: usize,
}

struct Following {
    gateways: Vec<SocketAddr>,
    turn: usize,
    seen: Seen,
    progress: watch::Sender<Progress>,
    /// Where the next connection begins.
    place: StartPoint,
}

impl Follower {
    /// Follows what it asks for, first on the gateway with this number.
    pub(crate) fn start(gateways: Vec<SocketAddr>, first: usize, asks: Asks) -> Self {
        let (cuts, cut) = mpsc::channel(32);
        let (goal, goals) = watch::channel(None);
        let (sender, progress) = watch::channel(Progress::default());
        let seen = Seen {
            view: PeopleView::new(asks.kinds),
            began: None,
            changes: Vec::new(),
            batches: 0,
            resumes: 0,
            resets: Vec::new(),
            contradictions: Vec::new(),
            asks: asks.clone(),
        };
        let following = Following {
            gateways,
            turn: first,
            seen,
            progress: sender,
            place: asks.from,
        };
        Self {
            task: tokio::spawn(following.run(cut, goals)),
            cuts,
            goal,
            progress,
        }
    }

    /// Waits until it has come this far.
    pub(crate) async fn until(&mut self, what: &str, reached: impl FnMut(&Progress) -> bool) {
        let waiting = timeout(DEADLINE, self.progress.wait_for(reached)).await;
        assert!(
            matches!(waiting, Ok(Ok(_))),
            "not in time, or the client ended: {what}"
        );
    }

    /// Cuts its connection in the middle of whatever it is being told.
    pub(crate) async fn cut(&self) {
        self.cuts.send(()).await.expect("the client is there");
    }

    /// Waits until it has seen all up to these places; what it was shown.
    pub(crate) async fn finish(self, places: &[LogPosition]) -> Seen {
        self.goal.send_replace(Some(places.to_vec()));
        timeout(DEADLINE * 2, self.task)
            .await
            .expect("a client sees the last change in time")
            .expect("no panic")
    }
}

impl Following {
    async fn run(
        mut self,
        mut cuts: mpsc::Receiver<()>,
        mut goal: watch::Receiver<Option<Vec<LogPosition>>>,
    ) -> Seen {
        let mut live = self.connect();
        loop {
            if is_there(live.cursor(), goal.borrow_and_update().as_deref()) {
                return self.seen;
            }
            tokio::select! {
                // The order in which they are polled matters to nobody; all three are cancel safe.
                event = live.next() => {
                    let event = event.expect("the client goes on for ever");
                    self.take(&event);
                    if let LiveEvent::Disconnected { .. } = event {
                        live = self.elsewhere(live.cursor().cloned()).await;
                    }
                }
                Some(()) = cuts.recv() => live = self.elsewhere(live.cursor().cloned()).await,
                Ok(()) = goal.changed() => {}
            }
        }
    }

    fn connect(&self) -> LiveClient {
        let gateway = self.gateways[self.turn % self.gateways.len()];
        let endpoint = format!("ws://{gateway}/updates")
            .parse()
            .expect("an endpoint");
        let Asks {
            kinds, condition, ..
        } = &self.seen.asks;
        let timeouts = Timeouts {
            backoff_first: Duration::from_millis(20),
            ..Timeouts::default()
        };
        let options = LiveClient::builder(endpoint)
            .kinds(*kinds)
            .condition(condition)
            .timeouts(timeouts);
        options.from(self.place.clone()).build()
    }

    /// The same client on the next gateway, from where it stands.
    async fn elsewhere(&mut self, cursor: Option<Cursor>) -> LiveClient {
        match (cursor, &self.place) {
            (Some(cursor), _) => self.place = StartPoint::Cursor(cursor),
            // It had a place, and lost it in a reset or a snapshot; or never was live.
            (None, StartPoint::Cursor(_)) => self.place = StartPoint::Snapshot,
            (None, _) => {}
        }
        self.turn += 1;
        // A gateway that refuses is asked again soon, but not as fast as the processor allows.
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.connect()
    }

    fn take(&mut self, event: &LiveEvent) {
        let seen = &mut self.seen;
        if let Err(contradiction) = seen.view.apply(event) {
            seen.contradictions
                .push(format!("{contradiction} ({event:?})"));
        }
        let mut progress = *self.progress.borrow();
        match event {
            LiveEvent::Connected {
                from: StartPoint::Cursor(_),
            } => seen.resumes += 1,
            LiveEvent::Live { cursor } => {
                seen.began.get_or_insert_with(|| cursor.clone());
                progress.lives += 1;
            }
            LiveEvent::Change { at, change } => {
                seen.changes.push(Shown {
                    at: at.to_string(),
                    word: word(change),
                });
                progress.changes += 1;
            }
            LiveEvent::Batch { changes, .. } => {
                seen.batches += 1;
                progress.changes += changes.len();
            }
            LiveEvent::Reset { reason } => seen.resets.push(*reason),
            _ => {}
        }
        self.progress.send_replace(progress);
    }
}

impl Seen {
    /// Asserts that nothing was shown that cannot be, that nothing was told twice, and that no view
    /// was given up.
    #[track_caller]
    pub(crate) fn was_told_the_truth(&self, who: &str) {
        assert!(
            self.contradictions.is_empty(),
            "{who} {:?}: {:#?}",
            self.asks,
            self.contradictions
        );
        assert!(
            self.resets.is_empty(),
            "{who} {:?}: no reset was due: {:?}",
            self.asks,
            self.resets
        );
        let mut places: Vec<_> = self.changes.iter().map(|shown| &shown.at).collect();
        places.sort();
        let twice = places.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "{who} {:?}: a frame came twice", self.asks);
        if self.asks.kinds == Kinds::All && self.asks.from == StartPoint::Snapshot {
            assert_eq!(
                self.view.completeness(),
                Completeness::Exact,
                "{who} {:?}",
                self.asks
            );
        }
    }
}

/// What a change meant, as it is written on the wire.
fn word(change: &ViewChange) -> &'static str {
    match change {
        ViewChange::Create(_) => "create",
        ViewChange::Enter(_) => "enter",
        ViewChange::Update(_) => "update",
        ViewChange::Leave(_) => "leave",
        ViewChange::Delete(_) => "delete",
    }
}

fn is_there(cursor: Option<&Cursor>, goal: Option<&[LogPosition]>) -> bool {
    let (Some(cursor), Some(goal)) = (cursor, goal) else {
        return false;
    };
    goal.iter().all(|at| {
        let position = cursor.get(at.partition);
        position.is_some_and(|position| {
            position.epoch == at.position.epoch && position.seq >= at.position.seq
        })
    })
}
