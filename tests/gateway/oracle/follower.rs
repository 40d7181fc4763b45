//! The reference client with its folded view. It moves to the next gateway whenever its connection
//! is lost or cut, and keeps a transcript of everything that it received.

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

/// A client's kinds, filter and start.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) kinds: Kinds,
    pub(crate) condition: String,
    pub(crate) from: StartPoint,
}

/// A change that a client received: its log position, and its type on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReceivedChange {
    pub(crate) at: String,
    pub(crate) verdict: &'static str,
}

/// Everything that a client received.
pub(crate) struct Transcript {
    pub(crate) subscription: Subscription,
    pub(crate) view: PeopleView,
    /// The cursor of the first `live`.
    pub(crate) first_live: Option<Cursor>,
    /// The changes that came one by one, in order.
    pub(crate) changes: Vec<ReceivedChange>,
    pub(crate) batches: usize,
    /// Connections that started at a cursor.
    pub(crate) resumes: usize,
    pub(crate) resets: Vec<ResetReason>,
    pub(crate) contradictions: Vec<String>,
}

/// A running client.
pub(crate) struct Follower {
    task: JoinHandle<Transcript>,
    cuts: mpsc::Sender<()>,
    goal: watch::Sender<Option<Vec<LogPosition>>>,
    pub(crate) progress: watch::Receiver<Progress>,
}

/// The numbers of `live` messages and of changes that a client has received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) live_count: usize,
    pub(crate) changes: usize,
}

struct FollowerTask {
    gateways: Vec<SocketAddr>,
    gateway_number: usize,
    transcript: Transcript,
    progress: watch::Sender<Progress>,
    /// The start of the next connection.
    start: StartPoint,
}

impl Follower {
    /// Starts a client, first on the gateway with this number.
    pub(crate) fn start(
        gateways: Vec<SocketAddr>,
        first: usize,
        subscription: Subscription,
    ) -> Self {
        let (cuts, cut) = mpsc::channel(32);
        let (goal, goals) = watch::channel(None);
        let (sender, progress) = watch::channel(Progress::default());
        let transcript = Transcript {
            view: PeopleView::new(subscription.kinds),
            first_live: None,
            changes: Vec::new(),
            batches: 0,
            resumes: 0,
            resets: Vec::new(),
            contradictions: Vec::new(),
            subscription: subscription.clone(),
        };
        let task = FollowerTask {
            gateways,
            gateway_number: first,
            transcript,
            progress: sender,
            start: subscription.from,
        };
        Self {
            task: tokio::spawn(task.run(cut, goals)),
            cuts,
            goal,
            progress,
        }
    }

    /// Waits until the client's progress meets a condition.
    pub(crate) async fn until(&mut self, what: &str, reached: impl FnMut(&Progress) -> bool) {
        let waiting = timeout(DEADLINE, self.progress.wait_for(reached)).await;
        assert!(
            matches!(waiting, Ok(Ok(_))),
            "not in time, or the client ended: {what}"
        );
    }

    /// Cuts the client's connection, whatever is in flight.
    pub(crate) async fn cut(&self) {
        self.cuts.send(()).await.expect("the client runs");
    }

    /// Waits until the client has received all changes up to these positions. Returns its
    /// transcript.
    pub(crate) async fn finish(self, positions: &[LogPosition]) -> Transcript {
        self.goal.send_replace(Some(positions.to_vec()));
        timeout(DEADLINE * 2, self.task)
            .await
            .expect("a client receives the last change in time")
            .expect("no panic")
    }
}

impl FollowerTask {
    async fn run(
        mut self,
        mut cuts: mpsc::Receiver<()>,
        mut goal: watch::Receiver<Option<Vec<LogPosition>>>,
    ) -> Transcript {
        let mut live = self.connect();
        loop {
            if has_reached(live.cursor(), goal.borrow_and_update().as_deref()) {
                return self.transcript;
            }
            tokio::select! {
                // All three branches are cancel safe. Their order does not matter.
                event = live.next() => {
                    let event = event.expect("the client never ends by itself");
                    self.record(&event);
                    if let LiveEvent::Disconnected { .. } = event {
                        live = self.reconnect(live.cursor().cloned()).await;
                    }
                }
                Some(()) = cuts.recv() => live = self.reconnect(live.cursor().cloned()).await,
                Ok(()) = goal.changed() => {}
            }
        }
    }

    fn connect(&self) -> LiveClient {
        let gateway = self.gateways[self.gateway_number % self.gateways.len()];
        let endpoint = format!("ws://{gateway}/updates")
            .parse()
            .expect("an endpoint");
        let Subscription {
            kinds, condition, ..
        } = &self.transcript.subscription;
        let timeouts = Timeouts {
            backoff_first: Duration::from_millis(20),
            ..Timeouts::default()
        };
        let options = LiveClient::builder(endpoint)
            .kinds(*kinds)
            .condition(condition)
            .timeouts(timeouts);
        options.from(self.start.clone()).build()
    }

    /// Connects the client to the next gateway, at its cursor.
    async fn reconnect(&mut self, cursor: Option<Cursor>) -> LiveClient {
        match (cursor, &self.start) {
            (Some(cursor), _) => self.start = StartPoint::Cursor(cursor),
            // The client lost its cursor in a reset or a snapshot.
            (None, StartPoint::Cursor(_)) => self.start = StartPoint::Snapshot,
            (None, _) => {}
        }
        self.gateway_number += 1;
        // A short pause, so that a gateway that refuses is not called in a busy loop.
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.connect()
    }

    fn record(&mut self, event: &LiveEvent) {
        let transcript = &mut self.transcript;
        if let Err(contradiction) = transcript.view.apply(event) {
            transcript
                .contradictions
                .push(format!("{contradiction} ({event:?})"));
        }
        let mut progress = *self.progress.borrow();
        match event {
            LiveEvent::Connected {
                from: StartPoint::Cursor(_),
            } => transcript.resumes += 1,
            LiveEvent::Live { cursor } => {
                transcript.first_live.get_or_insert_with(|| cursor.clone());
                progress.live_count += 1;
            }
            LiveEvent::Change { at, change } => {
                transcript.changes.push(ReceivedChange {
                    at: at.to_string(),
                    verdict: verdict(change),
                });
                progress.changes += 1;
            }
            LiveEvent::Batch { changes, .. } => {
                transcript.batches += 1;
                progress.changes += changes.len();
            }
            LiveEvent::Reset { reason } => transcript.resets.push(*reason),
            _ => {}
        }
        self.progress.send_replace(progress);
    }
}

impl Transcript {
    /// Asserts that no message contradicts the view, that no change came twice, and that no reset
    /// came.
    #[track_caller]
    pub(crate) fn assert_consistent(&self, name: &str) {
        assert!(
            self.contradictions.is_empty(),
            "{name} {:?}: {:#?}",
            self.subscription,
            self.contradictions
        );
        assert!(
            self.resets.is_empty(),
            "{name} {:?}: an unexpected reset: {:?}",
            self.subscription,
            self.resets
        );
        let mut positions: Vec<_> = self.changes.iter().map(|change| &change.at).collect();
        positions.sort();
        let twice = positions.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(
            twice, None,
            "{name} {:?}: a change came twice",
            self.subscription
        );
        if self.subscription.kinds == Kinds::All && self.subscription.from == StartPoint::Snapshot {
            assert_eq!(
                self.view.completeness(),
                Completeness::Exact,
                "{name} {:?}",
                self.subscription
            );
        }
    }
}

/// The change's type on the wire.
fn verdict(change: &ViewChange) -> &'static str {
    match change {
        ViewChange::Create(_) => "create",
        ViewChange::Enter(_) => "enter",
        ViewChange::Update(_) => "update",
        ViewChange::Leave(_) => "leave",
        ViewChange::Delete(_) => "delete",
    }
}

fn has_reached(cursor: Option<&Cursor>, goal: Option<&[LogPosition]>) -> bool {
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
