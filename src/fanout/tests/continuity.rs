//! The messages `stale` and `fresh`: the sessions that get them, and their place in the stream.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::super::Dispatcher;
use super::{dispatcher, join, newest, open, subscription};
use crate::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, PersonId, Position, Seq, Tag, Timestamp,
};
use crate::history::Event;
use crate::protocol::close::CloseCode;
use crate::protocol::format::WireFormat;
use crate::session::{CatchUp, Connection, DrainHandle, ServeHandle};

struct Scene {
    dispatcher: Dispatcher,
}

/// A session whose drainer is the test, and its client.
struct Session {
    connection: Arc<Connection>,
    /// Present while the session catches up.
    drain: Option<DrainHandle>,
    client: UnixStream,
}

impl Scene {
    fn new() -> Self {
        Self {
            dispatcher: dispatcher(),
        }
    }

    /// A session with this catch-up.
    fn session(&self, format: WireFormat, catch_up: CatchUp) -> Session {
        let (near, client) = UnixStream::pair().expect("two file descriptors");
        let drain = open(&self.dispatcher, near, subscription("", format), catch_up);
        Session {
            connection: Arc::clone(drain.connection()),
            drain: Some(drain),
            client,
        }
    }

    fn replay(&self, owes_live: Option<u64>) -> CatchUp {
        CatchUp::Replay {
            from: newest(&self.dispatcher),
            owes_live,
        }
    }

    fn join(&mut self, session: &mut Session) {
        let drain = session.drain.take().expect("it catches up");
        let serve = drain.hand_over().expect("nothing is left to be sent");
        join(&mut self.dispatcher, &serve);
    }

    /// Serves until nothing is due, as time passes.
    async fn settle(&mut self) {
        while let Some(due) = self.due() {
            tokio::time::sleep_until(due).await;
            self.dispatcher.serve();
        }
    }

    /// When the dispatcher has something to do next.
    fn due(&self) -> Option<Instant> {
        if self.dispatcher.run_queue.is_busy() {
            Some(Instant::now())
        } else {
            self.dispatcher.due()
        }
    }

    /// Takes in this many more saves of new people; no session gets them yet.
    fn take_in(&mut self, count: u64) {
        let before = newest(&self.dispatcher).offset;
        self.dispatcher
            .take_in((before + 1..=before + count).map(save).collect());
    }
}

impl Session {
    /// Makes the session catch up; the test drains it.
    fn leave(&mut self, catch_up: CatchUp) {
        self.drain = ServeHandle::of(&self.connection).leave(catch_up);
    }

    /// Ends the session; returns the types of the events that the client received.
    async fn received(mut self) -> Vec<String> {
        self.connection.end(CloseCode::ABNORMAL);
        let mut sent = String::new();
        self.client.read_to_string(&mut sent).await.expect("text");
        sent.lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .map(str::to_owned)
            .collect()
    }
}

fn save(seq: u64) -> Event {
    let json = r#"{"firstName":"A","lastName":"L","age":36,"job":""}"#;
    let position = Position {
        epoch: Epoch::new(1),
        seq: Seq::new(seq).expect("not zero"),
        tag: Tag::new(seq),
    };
    Event::Change(Change {
        at: LogPosition::new(Partition::new(0), position),
        previous: Tag::new(seq - 1),
        id: PersonId::new(uuid::Uuid::from_u128(seq.into())),
        time: Timestamp::from_millis(0),
        created_at: Timestamp::from_millis(0),
        before: None,
        after: Some(FieldsJson::from_stored(json).expect("a person")),
        trace: None,
    })
}

#[tokio::test(start_paused = true)]
async fn fresh_comes_after_all_earlier_changes() {
    let mut scene = Scene::new();
    let mut sessions = Vec::new();
    // More than one step visits.
    for _ in 0..300 {
        let mut session = scene.session(WireFormat::Sse, scene.replay(None));
        scene.join(&mut session);
        sessions.push(session);
    }
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    scene.take_in(3);
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    for session in sessions {
        assert_eq!(
            session.received().await,
            ["stale", "create", "create", "create", "fresh"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_cooldown_come_when_it_ends_or_before_fresh() {
    let mut scene = Scene::new();
    let mut session = scene.session(WireFormat::Sse, scene.replay(None));
    scene.join(&mut session);
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    let cool_down = async |scene: &mut Scene| {
        scene.take_in(1);
        tokio::time::advance(Duration::from_millis(8)).await;
        scene.dispatcher.serve();
        assert_eq!(
            scene.dispatcher.run_queue.cooldown_ends(),
            Some(Instant::now() + Duration::from_millis(2))
        );
        scene.take_in(1);
        scene.dispatcher.serve();
        assert!(
            !scene.dispatcher.run_queue.is_busy(),
            "the group cools down"
        );
    };
    cool_down(&mut scene).await;
    tokio::time::advance(Duration::from_millis(2)).await;
    scene.dispatcher.serve();
    assert_eq!(
        scene.dispatcher.run_queue.cooldown_ends(),
        None,
        "the second round was short"
    );
    cool_down(&mut scene).await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    let expected = ["stale", "create", "create", "create", "create", "fresh"];
    assert_eq!(session.received().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_joins_a_stale_stream_gets_stale_once() {
    let mut scene = Scene::new();
    let began = Instant::now();
    scene.dispatcher.tell_stale(began);
    scene.settle().await;
    let mut session = scene.session(WireFormat::Sse, scene.replay(None));
    scene.join(&mut session);
    // The session falls behind, and joins again.
    let again = scene.replay(None);
    session.leave(again);
    scene.join(&mut session);
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    let mut late = scene.session(WireFormat::Sse, scene.replay(None));
    scene.join(&mut late);
    assert_eq!(session.received().await, ["stale", "fresh"]);
    assert!(late.received().await.is_empty(), "the stream is fresh");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_joins_during_a_sweep_gets_each_message_once() {
    for count in [0, 200] {
        let mut scene = Scene::new();
        let mut sessions = Vec::new();
        let mut join = |scene: &mut Scene, count: usize| {
            for _ in 0..count {
                let mut session = scene.session(WireFormat::Sse, scene.replay(None));
                scene.join(&mut session);
                sessions.push(session);
            }
        };
        join(&mut scene, 300);
        scene.dispatcher.tell_stale(Instant::now());
        scene.dispatcher.serve();
        join(&mut scene, count);
        scene.settle().await;
        scene.dispatcher.tell_fresh();
        scene.dispatcher.serve();
        for session in sessions.iter_mut().step_by(3) {
            let catch_up = scene.replay(None);
            session.leave(catch_up);
            scene.join(session);
        }
        scene.settle().await;
        for session in sessions {
            assert_eq!(session.received().await, ["stale", "fresh"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_before_live_and_text_sessions_get_neither_stale_nor_fresh() {
    let mut scene = Scene::new();
    let snapshot = scene.session(WireFormat::Sse, CatchUp::Snapshot { reset: None });
    let resuming = scene.session(WireFormat::Sse, scene.replay(Some(9)));
    let mut text = scene.session(WireFormat::Text, scene.replay(None));
    scene.join(&mut text);
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    for session in [snapshot, resuming, text] {
        // Sends the queue, if there is one.
        if let Some(drain) = &session.drain {
            let sent = &scene.dispatcher.sessions.metrics().session_sent_bytes;
            drop(drain.next_step(scene.dispatcher.sessions.now(), sent));
        }
        assert!(session.received().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_behind_gets_fresh_once_it_has_caught_up() {
    let mut scene = Scene::new();
    let mut session = scene.session(WireFormat::Sse, scene.replay(None));
    scene.join(&mut session);
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    let catch_up = scene.replay(None);
    session.leave(catch_up);
    scene.take_in(1);
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    // The join sends the missed change.
    scene.join(&mut session);
    assert_eq!(session.received().await, ["stale", "create", "fresh"]);
}
