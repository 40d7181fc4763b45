//! Server-sent events, line by line.

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::live::websocket::peer::Peer;
use crate::live::{ids, save_big};
use crate::views::reader::read_event;
use crate::views::view::View;
use crate::views::{ADULTS, Client, WriteHeads, aged, churn, delete, listed, path, save};
use people_testing::process::Gateway;
use people_testing::wait::{DEADLINE, eventually};

/// An event source that checks the lines of each event.
struct Source {
    answer: reqwest::Response,
    read: Vec<u8>,
    view: View,
    last_id: Option<String>,
}

#[derive(Debug)]
struct Event {
    id: Option<String>,
    message: Value,
}

impl Source {
    async fn open(gateway: &Gateway, parameters: &[(&str, &str)], last_id: Option<&str>) -> Self {
        let mut request = gateway
            .request("GET", &path("/updates", parameters))
            .timeout(DEADLINE);
        if let Some(last) = last_id {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        // An id that is not a cursor restarts the stream.
        let known = last_id.filter(|id| id.split(',').all(|at| at.contains(':')));
        let from = parameters
            .iter()
            .find(|(name, _)| *name == "from")
            .map_or("now", |(_, from)| *from);
        let mut this = Self {
            answer,
            read: Vec::new(),
            view: View::from(known.unwrap_or(from), true),
            last_id: None,
        };
        assert_eq!(
            this.line().await.as_deref(),
            Some("retry: 3000"),
            "the first line, in the block of the first event"
        );
        this
    }

    /// The next line, none at the end.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(String::from_utf8(line[..end].to_vec()).expect("UTF-8"));
            }
            let chunk = timeout(DEADLINE, self.answer.chunk())
                .await
                .expect("in time")
                .ok()?;
            self.read.extend_from_slice(&chunk?);
        }
    }

    /// The lines up to the next empty one, without comments; none at the end. Panics on an empty
    /// block, which some clients would take for an event.
    async fn block(&mut self) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            match line.as_str() {
                "" => break,
                ":" => {}
                _ => lines.push(line),
            }
        }
        assert!(!lines.is_empty(), "a block without an event");
        Some(lines)
    }

    /// The next event, folded into the view; none at the end.
    async fn event(&mut self) -> Option<Event> {
        let block = self.block().await?;
        let (message, id) = read_event(block.iter().map(String::as_str));
        assert_eq!(block.len(), 2 + usize::from(id.is_some()), "{block:?}");
        self.view.apply(&message);
        if let Some(id) = &id {
            assert_eq!(
                crate::views::view::positions(id),
                crate::views::view::positions(&self.view.cursor()),
                "the whole cursor"
            );
            self.last_id = Some(id.clone());
        }
        Some(Event { id, message })
    }

    async fn until(&mut self, kind: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while events
            .last()
            .is_none_or(|last: &Event| last.message["type"] != kind)
        {
            events.push(self.event().await.expect("an event"));
        }
        events
    }
}

#[tokio::test]
async fn both_endpoints_answer_with_a_stream_that_no_proxy_may_store_or_buffer() {
    let gateway = Gateway::ready(&[]).await;
    let people = gateway
        .request("GET", "/people")
        .header("accept", "text/event-stream");
    for request in [gateway.request("GET", "/updates"), people] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
    }
    for origin in ["http://evil.example", "null"] {
        let answer = gateway
            .request("GET", "/updates")
            .header("origin", origin)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 403, "{origin}");
    }
    let answer = gateway
        .request("POST", "/updates")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 405);
    assert!(
        answer.headers()["allow"]
            .to_str()
            .expect("ASCII")
            .contains("GET")
    );
}

#[tokio::test]
async fn each_event_from_live_on_has_the_whole_cursor_as_its_id() {
    let gateway = Gateway::ready(&[("store.partitions", "4"), ("live.snapshot_people", "3")]).await;
    let people = ids(20);
    churn(&gateway, &people, 60, 1).await;
    let mut source = Source::open(&gateway, &[("from", "snapshot"), ("where", ADULTS)], None).await;
    let mut start = source.until("live").await;
    assert!(start.pop().expect("live").id.is_some());
    assert!(
        start.iter().all(|event| event.id.is_none()),
        "an interrupted snapshot starts again: its pages have no id"
    );
    let at = save(&gateway, &people[0], &aged(3)).await;
    let last_at = save(&gateway, &people[0], &aged(30)).await;
    let enter = source.until("enter").await.pop().expect("enter");
    assert_eq!(enter.message["at"], json!(last_at));
    let id = enter.id.expect("an id");
    assert!(id.split(',').any(|part| part == last_at), "{id} after {at}");
}

#[tokio::test]
async fn last_event_id_resumes_and_overrides_from() {
    let gateway = Gateway::ready(&[
        ("store.partitions", "4"),
        ("live.position_interval_ms", "100"),
    ])
    .await;
    let people = ids(20);
    churn(&gateway, &people, 60, 1).await;
    let parameters = [("from", "snapshot"), ("where", ADULTS)];
    let mut source = Source::open(&gateway, &parameters, None).await;
    source.until("live").await;
    let (view, id) = (source.view.clone(), source.last_id.clone().expect("an id"));
    drop(source);
    let written = churn(&gateway, &people, 60, 2).await;
    let mut witness = Client::live(&gateway, &[]).await;
    witness.read_past(&written).await;
    let mut source = Source::open(&gateway, &parameters, Some(&id)).await;
    source.view = view.resumed();
    let mut events = source.until("live").await;
    assert!(events.pop().expect("live").id.is_some());
    assert!(
        !events.is_empty() && events.iter().all(|event| event.id.is_none()),
        "no id before live"
    );
    assert!(
        events
            .iter()
            .all(|event| event.message["type"] != "snapshot"),
        "last-event-id overrides from"
    );
    assert_eq!(source.view.people, listed(&gateway, ADULTS).await);
    // Some libraries send the id in the query.
    let queried = [
        ("from", "snapshot"),
        ("where", ADULTS),
        ("lastEventId", &id),
    ];
    let mut source = Source::open(&gateway, &queried, None).await;
    source.view = view.resumed();
    let events = source.until("live").await;
    assert!(
        events
            .iter()
            .all(|event| event.message["type"] != "snapshot"),
        "last-event-id overrides from"
    );
    assert_eq!(source.view.people, listed(&gateway, ADULTS).await);
    let mut empty = Source::open(&gateway, &[("from", "snapshot")], Some("")).await;
    assert_eq!(
        empty.event().await.expect("an event").message["type"],
        "snapshot",
        "an empty id counts as none"
    );
    let mut empty =
        Source::open(&gateway, &[("from", "snapshot"), ("lastEventId", "")], None).await;
    assert_eq!(
        empty.event().await.expect("an event").message["type"],
        "snapshot",
        "an empty id counts as none"
    );
}

#[tokio::test]
async fn an_unknown_last_event_id_restarts_the_stream() {
    let gateway = Gateway::ready(&[("store.partitions", "2")]).await;
    churn(&gateway, &ids(5), 20, 1).await;
    // An event source does not reconnect after a refusal.
    for unknown in [
        "yesterday",
        "42",
        "0:1.1.1",
        "0:1.1.1,7:1.1.1",
        "0:1.9007199254740993.0,1:1.1.1",
        "0:1.1.1,1:x,",
        "ü",
    ] {
        // The header overrides `from`, even an invalid one.
        for parameters in [vec![("from", "x")], vec![("lastEventId", unknown)]] {
            let header = if parameters[0].0 == "from" {
                Some(unknown)
            } else {
                None
            };
            let mut source = Source::open(&gateway, &parameters, header).await;
            let reset = source.event().await.expect("an event");
            assert_eq!(
                reset.message,
                json!({"type": "reset", "reason": "unknown"}),
                "{unknown}"
            );
            assert!(
                source.until("live").await.pop().expect("live").id.is_some(),
                "{unknown}"
            );
            assert_eq!(source.view.people, listed(&gateway, "").await, "{unknown}");
        }
    }
    assert_eq!(
        gateway
            .count_at("session_resets_total", "reason=\"unknown\"")
            .await,
        14
    );
    let refused = gateway
        .request("GET", "/updates?from=yesterday")
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 400, "an invalid from is refused");
    let refused = gateway
        .request("GET", "/updates?lastEventId=1&lastEventId=2")
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn a_quiet_stream_is_kept_open_by_comments_and_positions_have_ids() {
    let gateway = Gateway::ready(&[
        ("live.ping_interval_ms", "100"),
        ("live.position_interval_ms", "100"),
    ])
    .await;
    let mut source = Source::open(&gateway, &[("where", "false")], None).await;
    source.until("live").await;
    for _ in 0..2 {
        assert_eq!(source.line().await.as_deref(), Some(":"));
    }
    let at = save(&gateway, &ids(1)[0], &aged(3)).await;
    let position = source.until("position").await.pop().expect("a position");
    assert_eq!(position.id.as_deref(), Some(&*at));
}

#[tokio::test]
async fn a_stream_ends_when_the_gateway_stops() {
    let mut gateway = Gateway::ready(&[]).await;
    let mut source = Source::open(&gateway, &[], None).await;
    source.until("live").await;
    gateway.signal(Signal::TERM);
    assert!(source.event().await.is_none());
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_client_that_disconnects_or_never_reads_frees_its_session() {
    let gateway = Gateway::ready(&[
        ("live.ping_interval_ms", "100"),
        ("live.silence_limit_ms", "1000"),
    ])
    .await;
    let mut source = Source::open(&gateway, &[], None).await;
    source.until("live").await;
    assert_eq!(gateway.count("sessions").await, 1);
    drop(source);
    let gone = || async { gateway.count("sessions").await == 0 };
    eventually("the session is gone", gone).await;

    let mut idle = Peer::connect_small(gateway.address).await;
    idle.send(b"GET /updates HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(idle.head().await.0, 200);
    let people = ids(100);
    for round in 0..60 {
        save_big(&gateway, &people, round..round + 1).await;
        if gateway.count("sessions").await == 0 {
            break;
        }
    }
    eventually("the session is dropped", gone).await;
}

#[tokio::test]
async fn a_person_is_one_line_of_data_for_any_values() {
    let gateway = Gateway::ready(&[]).await;
    let mut source = Source::open(&gateway, &[], None).await;
    source.until("live").await;
    let mut odd = aged(3);
    odd["firstName"] = json!("line\nline\r\n\u{2028}\u{0}data: x\n\n");
    odd["attributes"] = json!({"a\nb": ["\r", "\n\n"]});
    let id = &ids(1)[0];
    save(&gateway, id, &odd).await;
    let received = source.until("create").await.pop().expect("create").message;
    assert_eq!(
        (
            &received["person"]["firstName"],
            &received["person"]["attributes"]
        ),
        (&odd["firstName"], &odd["attributes"])
    );
    let mut written = WriteHeads::default();
    written.add(&delete(&gateway, id).await.expect("the person exists"));
    source.until("delete").await;
}
