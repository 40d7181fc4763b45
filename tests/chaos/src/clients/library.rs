//! A client of the library `people-client`, as its users write one: it reconnects by itself, and
//! folds its events into a view.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use people_client::{Cursor, LiveClient, PeopleView, StartPoint, Timeouts};
use people_gateway::domain::LogPosition;
use people_gateway::filter::Kinds;
use people_testing::people::People;
use tokio::task::JoinHandle;

use super::violation::{Kind, Violation};

/// The library's client of one gateway.
pub struct LibraryClient {
    pub name: String,
    pub condition: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    view: PeopleView,
    cursor: Option<Cursor>,
    contradictions: Vec<Violation>,
}

impl LibraryClient {
    /// Starts a client with a snapshot.
    pub fn start(name: String, condition: &str, address: SocketAddr) -> Self {
        let url = format!("ws://{address}/updates").parse().expect("a url");
        let timeouts = Timeouts {
            backoff_first: Duration::from_millis(20),
            ..Timeouts::default()
        };
        let client = LiveClient::builder(url)
            .condition(condition)
            .timeouts(timeouts)
            .from(StartPoint::Snapshot)
            .build();
        let state = Arc::new(Mutex::new(State {
            view: PeopleView::new(Kinds::All),
            cursor: None,
            contradictions: Vec::new(),
        }));
        Self {
            name,
            condition: condition.to_owned(),
            task: tokio::spawn(follow(client, Arc::clone(&state))),
            state,
        }
    }

    /// Whether the view is exact.
    pub fn is_exact(&self) -> bool {
        self.state.lock().expect("no panic").view.exact().is_some()
    }

    /// What is wrong with the view, when exactly these people match and the logs end here.
    pub fn mismatch(&self, matching: &People, heads: &[LogPosition]) -> Option<String> {
        let state = self.state.lock().expect("no panic");
        if self.task.is_finished() {
            return Some("the client has ended".to_owned());
        }
        let cursor = state.cursor.as_ref();
        let at = |head: &LogPosition| cursor.and_then(|cursor| cursor.get(head.partition));
        if let Some(head) = heads.iter().find(|head| at(head) != Some(head.position)) {
            return Some(format!("its cursor {cursor:?} did not reach {head}"));
        }
        let Some(people) = state.view.exact() else {
            return Some("its view is not exact".to_owned());
        };
        let ids = people.keys().chain(matching.keys());
        let wrong: Vec<_> = ids
            .filter(|id| people.get(id) != matching.get(id))
            .collect();
        (!wrong.is_empty()).then(|| format!("its view is wrong about {wrong:?}"))
    }

    pub fn contradictions(&self) -> Vec<Violation> {
        self.state.lock().expect("no panic").contradictions.clone()
    }
}

impl Drop for LibraryClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(mut client: LiveClient, state: Arc<Mutex<State>>) {
    while let Ok(event) = client.next().await {
        let mut state = state.lock().expect("no panic");
        if let Err(contradiction) = state.view.apply(&event) {
            let what = format!("{contradiction} ({event:?})");
            let violation = Violation::new(Kind::WrongView, what);
            state.contradictions.push(violation);
        }
        state.cursor = client.cursor().cloned();
    }
}
