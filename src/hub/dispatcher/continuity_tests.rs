//! Words on continuity: whom they reach, and where in the stream.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::Dispatcher;
use crate::domain::{At, Change, Epoch, FieldsJson, Partition, PersonId, Position, Seq, Tag, Timestamp};
use crate::filter::View;
use crate::hub::{Command, Course, Event, Hub, Options, Outbox, Place, Subscription};
use crate::protocol::close::CloseCode;
use crate::protocol::cursor::Cursor;
use crate::protocol::dress::Dress;
use crate::telemetry::Metrics;

struct Scene {
    hub: Arc<Hub>,
    dispatcher: Dispatcher,
}

/// A session, and its client's end.
struct Session(Arc<Outbox>, UnixStream);

impl Scene {
    fn new() -> Self {
        let (hub, mut dispatcher) = Hub::new(Options::default(), Metrics::default());
        dispatcher.start(Cursor::new([Position::start_of(Epoch::new(1))]), Vec::new());
        Self { hub, dispatcher }
    }

    /// A session on this course that nobody attends to.
    fn session(&self, dress: Dress, course: Course) -> Session {
        let (near, far) = UnixStream::pair().expect("two file descriptors");
        let subscription = Subscription { view: View::default(), dress, close_on: None };
        let outbox = Outbox::new(near.into(), subscription, course, None);
        self.hub.watch(&outbox);
        Session(outbox, far)
    }

    fn missed(&self, owes_live: Option<u64>) -> Course {
        Course::Missed { from: self.place(), owes_live }
    }

    fn place(&self) -> Place {
        self.hub.place().expect("it was started")
    }

    async fn join(&mut self, session: &Session) {
        assert!(session.0.begin_join(), "nothing is left to be sent");
        self.hub.command(Command::Join(Arc::clone(&session.0))).await.expect("the dispatcher is here");
        self.dispatcher.hear().await;
        self.dispatcher.obey();
    }

    /// Sends what there is to be sent, as time passes.
    async fn settle(&mut self) {
        while let Some(due) = self.due() {
            tokio::time::sleep_until(due).await;
            self.dispatcher.serve();
        }
    }

    /// When there is something to do next: rounds, rests, words on continuity. Positions are told for seconds on end.
    fn due(&self) -> Option<Instant> {
        if self.dispatcher.turns.is_busy() { Some(Instant::now()) } else { self.dispatcher.due() }
    }

    /// Takes in so many saves more, of new people, and shows them to nobody yet.
    fn take_in(&mut self, count: u64) {
        let before = self.place().offset;
        self.dispatcher.take_in((before + 1..=before + count).map(save).collect());
    }
}

impl Session {
    /// The types of the events that it was sent.
    async fn told(mut self) -> Vec<String> {
        self.0.end(CloseCode::ABNORMAL);
        let mut sent = String::new();
        self.1.read_to_string(&mut sent).await.expect("text");
        sent.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect()
    }
}

fn save(seq: u64) -> Event {
    let json = r#"{"firstName":"A","lastName":"L","age":36,"job":""}"#;
    let position = Position { epoch: Epoch::new(1), seq: Seq::new(seq).expect("not zero"), tag: Tag::new(seq) };
    Event::Change(Change {
        at: At::new(Partition::new(0), position),
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
async fn fresh_comes_after_all_that_was_taken_in_before_it() {
    let mut scene = Scene::new();
    let mut sessions = Vec::new();
    // More than are looked at in a row.
    for _ in 0..300 {
        let session = scene.session(Dress::Sse, scene.missed(None));
        scene.join(&session).await;
        sessions.push(session);
    }
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    scene.take_in(3);
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    for session in sessions {
        assert_eq!(session.told().await, ["stale", "create", "create", "create", "fresh"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_end_of_a_rest_comes_before_fresh_and_else_when_it_ends() {
    let mut scene = Scene::new();
    let session = scene.session(Dress::Sse, scene.missed(None));
    scene.join(&session).await;
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    let rest = async |scene: &mut Scene| {
        scene.take_in(1);
        tokio::time::advance(Duration::from_millis(8)).await;
        scene.dispatcher.serve();
        assert_eq!(scene.dispatcher.turns.rest_ends(), Some(Instant::now() + Duration::from_millis(2)));
        scene.take_in(1);
        scene.dispatcher.serve();
        assert!(!scene.dispatcher.turns.is_busy(), "it rests");
    };
    rest(&mut scene).await;
    tokio::time::advance(Duration::from_millis(2)).await;
    scene.dispatcher.serve();
    assert_eq!(scene.dispatcher.turns.rest_ends(), None, "the second round was short");
    rest(&mut scene).await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    let told = ["stale", "create", "create", "create", "create", "fresh"];
    assert_eq!(session.told().await, told);
}

#[tokio::test(start_paused = true)]
async fn who_becomes_live_while_the_stream_is_stale_is_told_then_and_once() {
    let mut scene = Scene::new();
    let began = Instant::now();
    scene.dispatcher.tell_stale(began);
    scene.settle().await;
    let session = scene.session(Dress::Sse, scene.missed(None));
    scene.join(&session).await;
    // It falls behind, and comes back.
    let again = scene.missed(None);
    let _ = session.0.leave_stream(again);
    scene.join(&session).await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    let late = scene.session(Dress::Sse, scene.missed(None));
    scene.join(&late).await;
    assert_eq!(session.told().await, ["stale", "fresh"]);
    assert!(late.told().await.is_empty(), "nothing is stale any more");
}

#[tokio::test(start_paused = true)]
async fn who_becomes_live_while_the_others_are_being_told_is_told_once_and_the_truth() {
    for count in [0, 200] {
        let mut scene = Scene::new();
        let mut sessions = Vec::new();
        let mut join = async |scene: &mut Scene, count: usize| {
            for _ in 0..count {
                let session = scene.session(Dress::Sse, scene.missed(None));
                scene.join(&session).await;
                sessions.push(session);
            }
        };
        join(&mut scene, 300).await;
        scene.dispatcher.tell_stale(Instant::now());
        scene.dispatcher.serve();
        join(&mut scene, count).await;
        scene.settle().await;
        scene.dispatcher.tell_fresh();
        scene.dispatcher.serve();
        for session in sessions.iter().step_by(3) {
            let course = scene.missed(None);
            let _ = session.0.leave_stream(course);
            scene.join(session).await;
        }
        scene.settle().await;
        for session in sessions {
            assert_eq!(session.told().await, ["stale", "fresh"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_live_is_told_nothing_and_text_has_no_word_for_it() {
    let mut scene = Scene::new();
    let snapshot = scene.session(Dress::Sse, Course::Snapshot { reset: None });
    let resuming = scene.session(Dress::Sse, scene.missed(Some(9)));
    let text = scene.session(Dress::Text, scene.missed(None));
    scene.join(&text).await;
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    for session in [snapshot, resuming, text] {
        // Sends what waits, if anything does.
        scene.hub.flush(&session.0);
        assert!(session.told().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_behind_when_continuity_is_proved_hears_it_when_it_has_caught_up() {
    let mut scene = Scene::new();
    let session = scene.session(Dress::Sse, scene.missed(None));
    scene.join(&session).await;
    scene.dispatcher.tell_stale(Instant::now());
    scene.settle().await;
    let course = scene.missed(None);
    let _ = session.0.leave_stream(course);
    scene.take_in(1);
    scene.dispatcher.tell_fresh();
    scene.settle().await;
    // What it missed is shown as it joins.
    scene.join(&session).await;
    assert_eq!(session.told().await, ["stale", "create", "fresh"]);
}
