//! A client that looks at every byte, and holds each message against the rights in force when it
//! came. It moves to the next gateway, at its cursor, whenever its stream ends or is cut.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use people_testing::issuer::Issuer;
use people_testing::wait::DEADLINE;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::access::Access;
use super::stream::{Received, TenantStream};
use crate::rights::refresh::people_of;
use crate::views::reader::ViewFormat;
use crate::views::view::View;
use crate::views::{WriteHeads, members, path};

/// A filter of a client's own: as text, and as the test judges it.
#[derive(Clone, Copy)]
pub(super) struct OwnFilter {
    pub(super) text: &'static str,
    pub(super) holds: fn(&Value) -> bool,
}

/// A client, and what it has seen.
pub(super) struct TenantWatcher {
    pub(super) name: String,
    pub(super) issuer: Arc<Issuer>,
    pub(super) gateways: Vec<SocketAddr>,
    pub(super) format: ViewFormat,
    pub(super) filter: Option<OwnFilter>,
    /// The rights in force on the stream.
    pub(super) access: Access,
    /// The rights of tokens that were sent and not answered yet, oldest first.
    asked: VecDeque<Access>,
    pub(super) view: View,
    /// The rights under which the view was begun.
    view_access: Access,
    pub(super) counts: Counts,
}

/// How often something happened, by name.
pub(super) type Counts = BTreeMap<String, usize>;

/// What a test asks a client to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    /// Cut the connection, whatever is in flight.
    Cut,
    /// Take a new token of these rights.
    Take(Access),
}

/// A running client.
pub(super) struct RunningWatcher {
    task: JoinHandle<TenantWatcher>,
    commands: mpsc::Sender<Command>,
    goal: watch::Sender<Option<WriteHeads>>,
}

impl RunningWatcher {
    pub(super) async fn command(&self, command: Command) {
        let sending = timeout(DEADLINE, self.commands.send(command));
        assert!(matches!(sending.await, Ok(Ok(()))), "a client has ended");
    }

    /// Waits until the client's cursor has reached these writes.
    pub(super) async fn finish(self, written: &WriteHeads) -> TenantWatcher {
        self.goal.send_replace(Some(written.clone()));
        timeout(DEADLINE, self.task)
            .await
            .expect("a client receives the last change in time")
            .expect("no panic")
    }
}

impl TenantWatcher {
    pub(super) fn new(
        name: String,
        issuer: Arc<Issuer>,
        gateways: Vec<SocketAddr>,
        (format, filter, access): (ViewFormat, Option<OwnFilter>, Access),
    ) -> Self {
        Self {
            name,
            issuer,
            gateways,
            format,
            filter,
            access,
            asked: VecDeque::new(),
            view: View::from("snapshot", true),
            view_access: access,
            counts: Counts::new(),
        }
    }

    pub(super) fn start(self) -> RunningWatcher {
        let (commands, receiver) = mpsc::channel(32);
        let (goal, goal_receiver) = watch::channel(None);
        RunningWatcher {
            task: tokio::spawn(self.run(receiver, goal_receiver)),
            commands,
            goal,
        }
    }

    /// Whether a person is in the client's view.
    pub(super) fn admits(&self, person: &Value) -> bool {
        let own = self.filter.is_none_or(|filter| (filter.holds)(person));
        own && self.access.admits(person)
    }

    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut goal: watch::Receiver<Option<WriteHeads>>,
    ) -> Self {
        let mut stream = self.connect().await;
        loop {
            if self.has_reached(goal.borrow_and_update().as_ref()) {
                return self;
            }
            tokio::select! {
                // All three branches are cancel safe. Their order does not matter.
                received = stream.next() => if let Some(received) = received {
                    self.receive(&received);
                } else {
                    self.count("lost");
                    stream = self.connect().await;
                },
                Some(command) = commands.recv() => match command {
                    Command::Take(access) if self.send(&mut stream, access).await => {
                        self.asked.push_back(access);
                    }
                    Command::Take(access) => {
                        self.asked.push_back(access);
                        stream = self.connect().await;
                    }
                    Command::Cut => stream = self.connect().await,
                },
                Ok(()) = goal.changed() => {}
            }
        }
    }

    fn has_reached(&self, goal: Option<&WriteHeads>) -> bool {
        let is_settled = self.view.is_live && self.asked.is_empty() && !self.must_reset();
        goal.is_some_and(|written| is_settled && written.is_reached_by(&self.view.cursor()))
    }

    /// Sends a token; false if the stream has ended or cannot take one.
    async fn send(&self, stream: &mut TenantStream, access: Access) -> bool {
        let token = access.token(&self.issuer, &self.name);
        let message = json!({"type": "token", "token": token, "ref": "r"});
        stream.send(&message).await
    }

    /// Connects to the next gateway that is there, at the client's cursor, with its last token.
    async fn connect(&mut self) -> TenantStream {
        self.access = self.asked.drain(..).next_back().unwrap_or(self.access);
        let mut from = "snapshot".to_owned();
        if self.view.cursor.is_some() {
            self.view = self.view.resumed();
            from = self.view.cursor();
            self.count("resumed");
        } else {
            self.view = View::from("snapshot", true);
            self.view_access = self.access;
        }
        let mut parameters = vec![("from", &*from)];
        parameters.extend(self.filter.map(|filter| ("where", filter.text)));
        let path = path("/updates", &parameters);
        let token = self.access.token(&self.issuer, &self.name);
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.gateways.rotate_left(1);
            let opened = TenantStream::open(self.gateways[0], &path, self.format, &token).await;
            if let Some(stream) = opened {
                return stream;
            }
            assert!(Instant::now() < deadline, "{}: no gateway", self.name);
            // A gateway that is away is not called in a busy loop.
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the view is still that of other rights: the next message must end it.
    fn must_reset(&self) -> bool {
        self.access != self.view_access
    }

    /// Holds a message against the rights in force, and folds it.
    fn receive(&mut self, Received { raw, message, id }: &Received) {
        let what = format!("{} {:?} {:?}: {raw}", self.name, self.format, self.access);
        self.access.assert_hides(raw);
        let kind = message["type"].as_str().expect("a type");
        self.count(kind);
        if self.must_reset() {
            let reset = json!({"type": "reset", "reason": "rights"});
            assert_eq!(*message, reset, "{what}");
            self.view_access = self.access;
        } else {
            assert!(!["reset", "error", "expiring"].contains(&kind), "{what}");
        }
        if kind == "token" {
            assert_eq!(message["ref"], "r", "{what}");
            self.access = self.asked.pop_front().expect("an answer to a token");
        }
        for person in people_of(message) {
            assert!(self.admits(person), "a foreign person: {what}");
            assert_eq!(*person, self.access.shown(person), "hidden: {what}");
        }
        assert_bare(message, &["type", "at", "id", "revision"]);
        for change in message["changes"].as_array().into_iter().flatten() {
            assert_bare(change, &["type", "id", "revision"]);
        }
        self.view.apply(message);
        if let Some(id) = id {
            // The id may be ahead of every change that the filter lets through.
            self.view.move_cursor(id);
        }
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }
}

/// Asserts that a change that takes a person away tells nothing else of the person.
#[track_caller]
fn assert_bare(change: &Value, names: &[&str]) {
    if change["type"] == "leave" || change["type"] == "delete" {
        assert_eq!(members(change), names, "{change}");
    }
}
