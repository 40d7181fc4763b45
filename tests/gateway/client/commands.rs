//! The client's commands: filters that survive a reconnect, pings, and stops.

use std::time::Duration;

use people_client::{
    COMMANDS_MAX, ClientError, Disconnect, FilterStart, LiveClient, LiveEvent, StartPoint,
    Timeouts, ViewFilter,
};
use people_gateway::filter::Kinds;
use serde_json::json;

use crate::client::server::{Peer, Server, create, live_at, next, next_result, timeouts};

fn filter() -> ViewFilter {
    ViewFilter {
        kinds: Kinds::Deletes,
        condition: "age > 1".into(),
    }
}

async fn live_client(server: &Server) -> (LiveClient, Peer) {
    let mut live = server.client().condition("old").build();
    let mut peer = server.accept_client(&mut live).await;
    peer.send_json(&live_at("0:a.5.1")).await;
    next(&mut live).await;
    (live, peer)
}

#[tokio::test]
async fn a_filter_applies_from_its_answer_and_to_later_connections() {
    let server = Server::start().await;
    let (mut live, mut peer) = live_client(&server).await;
    live.filter(filter(), FilterStart::Now, "x").unwrap();
    let (command, event) = tokio::join!(
        async {
            let command = peer.next_message().await;
            peer.send_json(&json!({"type": "filtered", "ref": "x", "cursor": "0:a.6.2"}))
                .await;
            command
        },
        next(&mut live)
    );
    let sent = json!({
        "type": "filter", "kinds": "deletes", "where": "age > 1", "from": "now", "ref": "x",
    });
    assert_eq!(command, sent);
    let cursor = "0:a.6.2".parse().unwrap();
    assert_eq!(
        event,
        LiveEvent::Filtered {
            reference: "x".into(),
            cursor: Some(cursor),
            kinds: Kinds::Deletes
        }
    );
    drop(peer);
    next(&mut live).await;
    let peer = server.accept_client(&mut live).await;
    assert_eq!(
        (
            peer.parameter("kinds"),
            peer.parameter("where"),
            peer.parameter("from")
        ),
        ("deletes", "age > 1", "0:a.6.2")
    );
}

#[tokio::test]
async fn a_filter_without_an_answer_is_sent_again_after_a_cut() {
    let server = Server::start().await;
    let (mut live, mut peer) = live_client(&server).await;
    live.filter(filter(), FilterStart::Snapshot, "x").unwrap();
    let (first, lost) = tokio::join!(
        async move {
            peer.next_message().await // The drop cuts the connection.
        },
        next(&mut live)
    );
    assert!(matches!(lost, LiveEvent::Disconnected { .. }));
    let mut peer = server.accept_client(&mut live).await;
    assert_eq!(
        (peer.parameter("where"), peer.parameter("from")),
        ("old", "0:a.5.1"),
        "the old filter still applies"
    );
    let (again, event) = tokio::join!(
        async {
            let again = peer.next_message().await;
            peer.send_json(&json!({"type": "filtered", "ref": "x"}))
                .await;
            again
        },
        next(&mut live)
    );
    assert_eq!(first, again);
    assert_eq!(
        event,
        LiveEvent::Filtered {
            reference: "x".into(),
            cursor: None,
            kinds: Kinds::Deletes
        }
    );
    // A cut during the snapshot starts it again with the new filter.
    drop(peer);
    next(&mut live).await;
    let peer = server.accept_client(&mut live).await;
    assert_eq!(
        (peer.parameter("where"), peer.parameter("from")),
        ("age > 1", "snapshot")
    );
}

#[tokio::test]
async fn a_refused_filter_changes_nothing() {
    let server = Server::start().await;
    let (mut live, mut peer) = live_client(&server).await;
    live.filter(filter(), FilterStart::Now, "x").unwrap();
    let problem = json!({"type": "/problems/filter", "detail": "no", "offset": 3, "status": 400});
    peer.send_json(&json!({"type": "error", "ref": "x", "problem": problem}))
        .await;
    let LiveEvent::Error { reference, problem } = next(&mut live).await else {
        panic!("an error")
    };
    assert_eq!(
        (
            reference.as_deref(),
            problem.offset,
            problem.detail.as_str()
        ),
        (Some("x"), Some(3), "no")
    );
    drop(peer);
    next(&mut live).await;
    let mut peer = server.accept_client(&mut live).await;
    assert_eq!(peer.parameter("where"), "old");
    live.ping("p").unwrap();
    let (command, pong) = tokio::join!(
        async {
            let command = peer.next_message().await;
            peer.send_json(&json!({"type": "pong", "ref": "p", "cursor": "0:a.9.9"}))
                .await;
            command
        },
        next(&mut live)
    );
    assert_eq!(
        command,
        json!({"type": "ping", "ref": "p"}),
        "the client does not send the refused filter again"
    );
    assert!(matches!(pong, LiveEvent::Pong { reference: Some(name), .. } if name == "p"));
    assert_eq!(
        live.cursor().map(ToString::to_string),
        Some("0:a.9.9".into())
    );
}

#[tokio::test]
async fn events_in_flight_arrive_between_a_stop_and_the_end() {
    let server = Server::start().await;
    let (mut live, mut peer) = live_client(&server).await;
    live.stop();
    let script = async move {
        peer.send_json(&create(1, "0:a.6.2")).await;
        assert_eq!(peer.next_message().await, json!({"type": "stop"}));
        peer.send_json(&create(2, "0:a.7.3")).await;
        peer.close(1000, "").await;
    };
    let client = async {
        assert!(matches!(next(&mut live).await, LiveEvent::Change { .. }));
        assert!(matches!(next(&mut live).await, LiveEvent::Change { .. }));
        assert!(matches!(
            next(&mut live).await,
            LiveEvent::Disconnected { retry: None, .. }
        ));
        assert!(matches!(
            next_result(&mut live).await,
            Err(ClientError::Ended)
        ));
        assert!(matches!(live.ping("p"), Err(ClientError::Ended)));
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_stop_ends_the_client_even_without_an_answer() {
    for disconnects in [true, false] {
        let server = Server::start().await;
        let stop = if disconnects {
            timeouts().stop
        } else {
            Duration::from_millis(30)
        };
        let mut live = server
            .client()
            .from(StartPoint::Snapshot)
            .timeouts(Timeouts { stop, ..timeouts() })
            .build();
        let mut peer = Some(server.accept_client(&mut live).await);
        live.stop();
        if disconnects {
            peer = None;
        }
        let event = next(&mut live).await;
        let LiveEvent::Disconnected { why, retry: None } = event else {
            panic!("{event:?}")
        };
        assert_eq!(why == Disconnect::StopUnanswered, !disconnects, "{why:?}");
        assert!(matches!(
            next_result(&mut live).await,
            Err(ClientError::Ended)
        ));
        drop(peer);
    }
    let mut unstarted = Server::start().await.client().build();
    unstarted.stop();
    assert!(matches!(
        next_result(&mut unstarted).await,
        Err(ClientError::Ended)
    ));
}

#[tokio::test]
async fn unsent_commands_have_a_limit() {
    let mut live = Server::start().await.client().build();
    for number in 0..COMMANDS_MAX {
        live.filter(filter(), FilterStart::Now, number.to_string())
            .unwrap();
    }
    assert!(matches!(
        live.filter(filter(), FilterStart::Now, "x"),
        Err(ClientError::TooManyCommands)
    ));
    assert!(matches!(live.ping("x"), Err(ClientError::TooManyCommands)));
}
