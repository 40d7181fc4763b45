//! Reconnects: a client resumes at its cursor, or with a snapshot if it has none, after a wait.

use std::time::Duration;

use futures_util::FutureExt as _;
use people_client::{
    ClientError, Completeness, Disconnect, LiveClient, LiveEvent, PeopleView, StartPoint, Timeouts,
};
use people_gateway::filter::Kinds;
use serde_json::json;

use crate::client::server::{Server, create, live_at, next, next_result, page, timeouts};

/// Waits for a disconnect: its reason, and the wait before the next attempt.
async fn next_disconnect(live: &mut LiveClient) -> (Disconnect, Option<Duration>) {
    match next(live).await {
        LiveEvent::Disconnected { why, retry } => (why, retry),
        event => panic!("not a disconnect: {event:?}"),
    }
}

#[tokio::test]
async fn a_cut_client_resumes_at_its_advanced_cursor_with_the_same_filter() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .kinds(Kinds::Saves)
        .condition("age > 1 && job != \"+&\"")
        .build();
    let mut peer = server.accept_client(&mut live).await;
    assert_eq!(
        (peer.parameter("from"), peer.parameter("kinds")),
        ("now", "saves")
    );
    peer.send_json(&live_at("0:a.5.1,1:b.7.2")).await;
    peer.send_json(&create(1, "1:b.8.3")).await;
    peer.send_json(&create(2, "1:b.9.4")).await;
    drop(peer);
    for _ in 0..3 {
        next(&mut live).await;
    }
    assert!(matches!(
        next_disconnect(&mut live).await,
        (Disconnect::Cut(_), Some(_))
    ));
    let peer = server.accept_client(&mut live).await;
    assert_eq!(peer.parameter("from"), "0:a.5.1,1:b.9.4");
    assert_eq!(
        (peer.parameter("kinds"), peer.parameter("where")),
        ("saves", "age > 1 && job != \"+&\"")
    );
    // A second cut before any event does not move the cursor.
    drop(peer);
    next_disconnect(&mut live).await;
    assert_eq!(
        server.accept_client(&mut live).await.parameter("from"),
        "0:a.5.1,1:b.9.4"
    );
}

#[tokio::test]
async fn a_cut_snapshot_starts_again_and_is_never_exact() {
    let server = Server::start().await;
    let mut live = server.client().from(StartPoint::Snapshot).build();
    let mut view = PeopleView::new(Kinds::All);
    for _ in 0..3 {
        let (mut peer, event) = tokio::join!(server.accept(), next(&mut live));
        view.apply(&event).unwrap();
        assert_eq!(
            (peer.parameter("from"), event),
            (
                "snapshot",
                LiveEvent::Connected {
                    from: StartPoint::Snapshot
                }
            )
        );
        for message in [page(&[1, 2]), create(3, "0:a.9.9")] {
            peer.send_json(&message).await;
            view.apply(&next(&mut live).await).unwrap();
            assert_eq!(
                (view.completeness(), live.cursor()),
                (Completeness::Loading, None)
            );
        }
        assert_eq!(view.people().len(), 3);
        drop(peer);
        view.apply(&next(&mut live).await).unwrap();
        assert_eq!(
            (view.people().len(), view.completeness()),
            (0, Completeness::Loading)
        );
    }
    let (mut peer, event) = tokio::join!(server.accept(), next(&mut live));
    view.apply(&event).unwrap();
    for message in [page(&[4]), live_at("0:a.9.9")] {
        peer.send_json(&message).await;
        view.apply(&next(&mut live).await).unwrap();
    }
    assert_eq!(view.exact().map(std::collections::BTreeMap::len), Some(1));
    drop(peer);
    view.apply(&next(&mut live).await).unwrap();
    assert_eq!(
        server.accept_client(&mut live).await.parameter("from"),
        "0:a.9.9"
    );
}

#[tokio::test]
async fn a_reset_client_has_no_cursor_before_live() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .from(StartPoint::Cursor("0:a.5.1".parse().unwrap()))
        .build();
    let mut peer = server.accept_client(&mut live).await;
    assert_eq!(peer.parameter("from"), "0:a.5.1");
    peer.send_json(&json!({"type": "reset", "reason": "trimmed"}))
        .await;
    assert!(matches!(next(&mut live).await, LiveEvent::Reset { .. }));
    let ((), (why, _)) = tokio::join!(peer.close(4010, "slow"), next_disconnect(&mut live));
    assert_eq!(
        why,
        Disconnect::Closed {
            code: 4010,
            reason: "slow".into()
        }
    );
    assert_eq!(
        server.accept_client(&mut live).await.parameter("from"),
        "snapshot"
    );
}

#[tokio::test]
async fn a_client_resumes_at_its_cursor_after_temporary_closes() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = server.accept_client(&mut live).await;
    for (code, seq) in [(1001, 1), (1011, 2), (1013, 3), (4010, 4), (1012, 5)] {
        let cursor = format!("0:a.{seq}.1");
        peer.send_json(&live_at(&cursor)).await;
        next(&mut live).await;
        let ((), (why, retry)) = tokio::join!(peer.close(code, ""), next_disconnect(&mut live));
        assert_eq!(
            why,
            Disconnect::Closed {
                code,
                reason: String::new()
            }
        );
        assert!(retry.is_some_and(|wait| wait <= timeouts().backoff_most));
        peer = server.accept_client(&mut live).await;
        assert_eq!(peer.parameter("from"), cursor, "{code}");
    }
}

#[tokio::test]
async fn a_restarting_gateway_sets_the_longest_wait() {
    let server = Server::start().await;
    let hour = Duration::from_secs(3600);
    let mut live = server
        .client()
        .timeouts(Timeouts {
            backoff_first: hour,
            backoff_most: hour,
            ..timeouts()
        })
        .build();
    for code in [1001, 1012, 1012] {
        let mut peer = server.accept_client(&mut live).await;
        peer.send_json(&live_at("0:a.5.1")).await;
        next(&mut live).await;
        let ((), (_, retry)) =
            tokio::join!(peer.close(code, "retry-ms=30"), next_disconnect(&mut live));
        assert!(
            retry.is_some_and(|wait| wait <= Duration::from_millis(30)),
            "{retry:?}"
        );
    }
    assert_eq!(
        server.accept_client(&mut live).await.parameter("from"),
        "0:a.5.1"
    );
}

#[tokio::test]
async fn closes_for_violations_end_the_client_with_the_reason() {
    for closed in [1002, 1003, 1007, 1008, 1009] {
        let server = Server::start().await;
        let mut live = server.client().build();
        let peer = server.accept_client(&mut live).await;
        let ((), ended) = tokio::join!(peer.close(closed, "not so"), next_result(&mut live));
        let error = ended.expect_err("no reconnect");
        assert!(matches!(
            &error,
            ClientError::NotAllowed { code, reason } if (*code, &**reason) == (closed, "not so")
        ));
        assert!(matches!(
            next_result(&mut live).await,
            Err(ClientError::Ended)
        ));
    }
}

#[tokio::test]
async fn a_normal_close_ends_the_client() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let peer = server.accept_client(&mut live).await;
    let ((), (_, retry)) = tokio::join!(peer.close(1000, ""), next_disconnect(&mut live));
    assert_eq!(retry, None);
    assert!(matches!(
        next_result(&mut live).await,
        Err(ClientError::Ended)
    ));
}

#[tokio::test]
async fn a_client_reconnects_if_the_server_is_silent() {
    let server = Server::start().await;
    let silence = Duration::from_millis(50);
    let mut live = server
        .client()
        .timeouts(Timeouts {
            silence,
            ..timeouts()
        })
        .build();
    let mut peer = server.accept_client(&mut live).await;
    peer.send_json(&live_at("0:a.5.1")).await;
    next(&mut live).await;
    assert_eq!(
        next_disconnect(&mut live).await.0,
        Disconnect::Silent(silence)
    );
    assert_eq!(
        server.accept_client(&mut live).await.parameter("from"),
        "0:a.5.1"
    );
}

#[tokio::test]
async fn a_handshake_without_an_answer_times_out() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .timeouts(Timeouts {
            connect: Duration::from_millis(50),
            ..timeouts()
        })
        .build();
    let (held, (why, _)) = tokio::join!(server.tcp(), next_disconnect(&mut live));
    assert!(matches!(why, Disconnect::Unreachable(_)), "{why:?}");
    drop(held);
}

#[tokio::test]
async fn a_client_retries_an_unreachable_server_without_end() {
    let server = Server::start().await;
    let mut live = server.client().build();
    drop(server);
    for _ in 0..20 {
        let (why, retry) = next_disconnect(&mut live).await;
        assert!(
            matches!(why, Disconnect::Unreachable(_)) && retry.is_some(),
            "{why:?}"
        );
    }
}

#[tokio::test]
async fn dropped_waits_lose_no_event() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = None;
    let mut events = Vec::new();
    let script = async {
        peer = Some(server.accept().await);
        let peer = peer.as_mut().unwrap();
        peer.send_json(&live_at("0:a.0.0")).await;
        for seq in 1..=200 {
            peer.send_json(&create(1, &format!("0:a.{seq}.1"))).await;
            tokio::task::yield_now().await;
        }
    };
    let poller = async {
        while events.len() < 202 {
            match live.next().now_or_never() {
                Some(event) => events.push(event.expect("no end")),
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(people_testing::wait::DEADLINE, async {
        tokio::join!(script, poller)
    })
    .await
    .expect("in time");
    let seqs = events.iter().filter_map(|event| match event {
        LiveEvent::Change { at, .. } => Some(at.position.seq.get()),
        _ => None,
    });
    assert!(seqs.eq(1..=200), "{events:?}");
}
