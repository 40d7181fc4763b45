//! Positions: each session is sent its own in time, few in a row, and changes come first.

use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::Instant;

use super::super::Dispatcher;
use super::super::dispatcher::STEP_MEMBERS;
use super::joining::save;
use super::{caught_up, dispatcher, join, newest, subscription};
use crate::protocol::format::WireFormat;
use crate::session::ServeHandle;

const INTERVAL: Duration = Duration::from_secs(10);

struct Scene {
    dispatcher: Dispatcher,
    sessions: Vec<(ServeHandle, UnixStream)>,
    seq: u64,
}

impl Scene {
    /// So many live sessions, each alone in its group; nobody is in their view.
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

    /// How many sessions know their position.
    fn know(&self) -> usize {
        let newest = newest(&self.dispatcher);
        self.sessions
            .iter()
            .filter(|(session, _)| session.knows(&newest))
            .count()
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

/// Whole messages that a client was sent since the last look, by their type.
async fn types(client: &mut UnixStream) -> Vec<String> {
    let mut bytes = vec![0; 64 * 1024];
    // The runtime has not looked at the socket yet, where it was never read.
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
async fn positions_are_spread_over_the_interval_and_everyone_is_told_within_it() {
    let mut scene = Scene::new(400);
    scene.pass(INTERVAL).await;
    assert_eq!(scene.dispatcher.due(), None, "nothing moved");
    scene.save();
    let moved = Instant::now();
    let (mut known, mut most) = (0, 0);
    let mut quarters = [0; 4];
    while scene.step(moved + INTERVAL).await {
        let now = scene.know();
        most = most.max(now - known);
        let quarter = 4 * moved.elapsed().as_millis() / (INTERVAL * 4 / 5).as_millis();
        quarters[usize::try_from(quarter).unwrap().min(3)] += now - known;
        known = now;
    }
    assert_eq!(known, 400);
    assert!(most <= 16, "{most} in one step");
    assert!(
        quarters.iter().all(|told| (50..150).contains(told)),
        "{quarters:?}"
    );
    assert_eq!(scene.dispatcher.due(), None, "nothing moved since");
    for (_, client) in &mut scene.sessions {
        assert_eq!(types(client).await, ["position"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_goes_on_moving_is_told_once_an_interval() {
    let mut scene = Scene::new(50);
    for _ in 0..200 {
        scene.save();
        scene.pass(INTERVAL / 50).await;
    }
    for (_, client) in &mut scene.sessions {
        let told = types(client).await.len();
        assert!(
            (4..=6).contains(&told),
            "{told} times in four intervals, each at most four fifths apart"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_shown_the_last_change_and_who_has_no_word_for_it_are_told_nothing() {
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
        let now = scene.know();
        assert!(
            now - known <= STEP_MEMBERS,
            "no longer than a step of changes"
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
async fn while_a_round_is_under_way_nothing_else_is_sent() {
    let mut scene = Scene::new(400);
    // More than one step of writes.
    for _ in 0..300 {
        scene.join("age == 36", WireFormat::Text);
    }
    scene.pass(INTERVAL).await;
    let known = scene.know();
    scene.save();
    tokio::time::advance(Duration::from_millis(300)).await;
    assert_eq!(scene.know(), 0);
    scene.dispatcher.serve();
    assert!(scene.dispatcher.run_queue.is_busy() && scene.dispatcher.is_busy());
    assert_eq!(scene.know(), STEP_MEMBERS, "who is in the round");
    scene.dispatcher.serve();
    let told = scene.know() - 300;
    assert!(
        !scene.dispatcher.run_queue.is_busy() && (1..=16).contains(&told),
        "{told} of {known} were told"
    );
}

/// What is told is not ahead of what was sent.
#[tokio::test(start_paused = true)]
async fn what_was_not_handed_yet_is_sent_before_the_position() {
    let mut scene = Scene::new(0);
    scene.join("age == 36", WireFormat::Json);
    scene.pass(INTERVAL).await;
    scene.save();
    // The group has a round before it; the next change is of somebody else.
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
async fn who_was_held_up_tells_no_more_than_a_step_at_once() {
    let mut scene = Scene::new(400);
    scene.pass(INTERVAL).await;
    scene.save();
    tokio::time::advance(INTERVAL * 9 / 10).await;
    let mut known = 0;
    while known < 400 {
        scene.dispatcher.announce(false);
        let told = scene.know() - known;
        // A step ends with the group that fills it.
        assert!((1..=24).contains(&told), "{told} at once, after {known}");
        known += told;
    }
}
