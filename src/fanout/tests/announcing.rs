//! Positions: each session is sent its own in time, few in a row, and changes come first.

use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::Instant;

use super::super::Dispatcher;
use super::super::announce::STEP_SESSIONS;
use super::super::dispatcher::STEP_MEMBERS;
use super::joining::save;
use super::{caught_up, dispatcher, join, newest, subscription};
use crate::protocol::format::WireFormat;
use crate::session::{ServeHandle, Sessions};

const INTERVAL: Duration = Duration::from_secs(10);

struct Scene {
    dispatcher: Dispatcher,
    sessions: Vec<(ServeHandle, UnixStream)>,
    seq: u64,
}

impl Scene {
    /// This many live sessions, each alone in its group, with an empty view.
    fn new(sessions: usize) -> Self {
        let mut scene = Self {
            dispatcher: dispatcher(),
            sessions: Vec::new(),
            seq: 0,
        };
        for number in 0..sessions {
            scene.join(&format!("age == {}", 1000 + number), WireFormat::Json);
        }
        scene
    }

    fn join(&mut self, filter: &str, format: WireFormat) {
        let session = caught_up(&self.dispatcher, subscription(filter, format));
        join(&mut self.dispatcher, &session.0);
        self.sessions.push(session);
    }

    /// One more person, aged 36.
    fn save(&mut self) {
        self.seq += 1;
        self.dispatcher.take_in(vec![save(self.seq)]);
    }

    /// The number of sessions that know the newest position.
    fn informed(&self) -> usize {
        let newest = newest(&self.dispatcher);
        self.sessions
            .iter()
            .filter(|(session, _)| session.knows(&newest))
            .count()
    }

    /// The most sessions of one step: a step ends with the shard that fills it. Where sessions lie
    /// is up to the addresses that they were given.
    fn most_of_a_step(&self) -> usize {
        let shards = (0..Sessions::SHARDS).map(|shard| self.dispatcher.sessions.shard(shard).len());
        STEP_SESSIONS - 1 + shards.max().expect("there are shards")
    }

    /// Lets time pass until there is something to do, and does it; false if that is not before
    /// `end`.
    async fn step(&mut self, end: Instant) -> bool {
        let due = self.dispatcher.due().filter(|due| *due <= end);
        tokio::time::sleep_until(due.unwrap_or(end)).await;
        if due.is_some() {
            self.dispatcher.serve();
        }
        due.is_some()
    }

    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while self.step(end).await {}
    }
}

/// The types of the whole messages that a client received since the last call.
async fn types(client: &mut UnixStream) -> Vec<String> {
    let mut bytes = vec![0; 64 * 1024];
    // The runtime has not polled a socket that was never read.
    tokio::task::yield_now().await;
    let count = client.try_read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    text.split(r#"{"type":""#)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_session_gets_its_position_within_the_interval_and_the_load_is_even() {
    let mut scene = Scene::new(400);
    scene.pass(INTERVAL).await;
    assert_eq!(scene.dispatcher.due(), None, "nothing moved");
    scene.save();
    let moved = Instant::now();
    let (mut known, mut most) = (0, 0);
    let mut quarters = [0; 4];
    while scene.step(moved + INTERVAL).await {
        let now = scene.informed();
        most = most.max(now - known);
        let quarter = 4 * moved.elapsed().as_millis() / (INTERVAL * 4 / 5).as_millis();
        quarters[usize::try_from(quarter).unwrap().min(3)] += now - known;
        known = now;
    }
    assert_eq!(known, 400);
    assert!(most <= scene.most_of_a_step(), "{most} in one step");
    assert!(
        quarters.iter().all(|sent| (50..150).contains(sent)),
        "{quarters:?}"
    );
    assert_eq!(scene.dispatcher.due(), None, "nothing moved since");
    for (_, client) in &mut scene.sessions {
        assert_eq!(types(client).await, ["position"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_gets_its_position_once_an_interval_while_the_cursor_moves() {
    let mut scene = Scene::new(50);
    for _ in 0..200 {
        scene.save();
        scene.pass(INTERVAL / 50).await;
    }
    for (_, client) in &mut scene.sessions {
        let positions = types(client).await.len();
        assert!(
            (4..=6).contains(&positions),
            "{positions} positions in four intervals, at most four fifths apart"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_with_the_last_change_and_a_text_session_get_no_position() {
    let mut scene = Scene::new(0);
    scene.join("age == 36", WireFormat::Json);
    scene.join("age == 1", WireFormat::Text);
    scene.save();
    scene.pass(INTERVAL).await;
    assert_eq!(types(&mut scene.sessions[0].1).await, ["create"]);
    assert!(types(&mut scene.sessions[1].1).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_for_changes_but_not_beyond_the_interval() {
    let mut scene = Scene::new(400);
    scene.pass(INTERVAL).await;
    scene.save();
    let moved = Instant::now();
    let (mut known, mut first) = (0, None);
    while known < 400 {
        tokio::time::advance(Duration::from_millis(2)).await;
        scene.dispatcher.announce(true);
        let now = scene.informed();
        assert!(
            now - known <= STEP_MEMBERS,
            "no more than a step of changes"
        );
        if now > known {
            first.get_or_insert(moved.elapsed());
        }
        known = now;
        assert!(moved.elapsed() < INTERVAL, "{known} of 400");
    }
    assert!(
        first.is_some_and(|first| first > Duration::from_millis(400)),
        "{first:?}: changes come first"
    );
}

#[tokio::test(start_paused = true)]
async fn positions_wait_until_the_round_is_over() {
    let mut scene = Scene::new(400);
    // More than one step of writes.
    for _ in 0..300 {
        scene.join("age == 36", WireFormat::Text);
    }
    scene.pass(INTERVAL).await;
    let known = scene.informed();
    scene.save();
    tokio::time::advance(Duration::from_millis(300)).await;
    assert_eq!(scene.informed(), 0);
    scene.dispatcher.serve();
    assert!(scene.dispatcher.run_queue.is_busy() && scene.dispatcher.is_busy());
    assert_eq!(scene.informed(), STEP_MEMBERS, "only changes were sent");
    scene.dispatcher.serve();
    let sent = scene.informed() - 300;
    assert!(!scene.dispatcher.run_queue.is_busy());
    assert!(
        (1..=scene.most_of_a_step()).contains(&sent),
        "{sent} of {known} got their position"
    );
}

#[tokio::test(start_paused = true)]
async fn pending_changes_go_before_the_position() {
    let mut scene = Scene::new(0);
    scene.join("age == 36", WireFormat::Json);
    scene.pass(INTERVAL).await;
    scene.save();
    // The group's round has not begun; the next change is outside its view.
    scene.seq += 1;
    scene
        .dispatcher
        .take_in(vec![super::joining::save_aged(scene.seq, 37)]);
    tokio::time::advance(INTERVAL * 9 / 10).await;
    scene.dispatcher.announce(true);
    assert_eq!(
        types(&mut scene.sessions[0].1).await,
        ["create", "position"]
    );
    scene.pass(INTERVAL).await;
    assert!(
        types(&mut scene.sessions[0].1).await.is_empty(),
        "each once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_delayed_dispatcher_sends_at_most_one_step_of_positions_at_once() {
    let mut scene = Scene::new(400);
    scene.pass(INTERVAL).await;
    scene.save();
    tokio::time::advance(INTERVAL * 9 / 10).await;
    let mut known = 0;
    while known < 400 {
        scene.dispatcher.announce(false);
        let sent = scene.informed() - known;
        // A step ends with the group that fills it.
        assert!((1..=24).contains(&sent), "{sent} at once, after {known}");
        known += sent;
    }
}
