//! How a client comes back: with its cursor where it holds one, with a snapshot where it does not,
//! and when.

use std::time::Duration;

use futures_util::FutureExt as _;
use people_client::{ClientError, Event, Limits, Live, Loss, Start, View, ViewState};
use people_gateway::filter::Kinds;
use serde_json::json;

use crate::server::{Server, create, limits, live_at, next, outcome, page};

async fn lost(live: &mut Live) -> (Loss, Option<Duration>) {
    match next(live).await {
        Event::Disconnected { why, retry } => (why, retry),
        event => panic!("not a loss: {event:?}"),
    }
}

#[tokio::test]
async fn a_cut_client_resumes_with_the_latest_places_over_its_last_cursor_and_the_same_filter() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .kinds(Kinds::Saves)
        .condition("age > 1 && job != \"+&\"")
        .build();
    let mut peer = server.meet(&mut live).await;
    assert_eq!((peer.asked("from"), peer.asked("kinds")), ("now", "saves"));
    peer.say(&live_at("0:a.5.1,1:b.7.2")).await;
    peer.say(&create(1, "1:b.8.3")).await;
    peer.say(&create(2, "1:b.9.4")).await;
    drop(peer);
    for _ in 0..3 {
        next(&mut live).await;
    }
    assert!(matches!(lost(&mut live).await, (Loss::Cut(_), Some(_))));
    let peer = server.meet(&mut live).await;
    assert_eq!(peer.asked("from"), "0:a.5.1,1:b.9.4");
    assert_eq!(
        (peer.asked("kinds"), peer.asked("where")),
        ("saves", "age > 1 && job != \"+&\"")
    );
    // Cut off again before anything came: the same place.
    drop(peer);
    lost(&mut live).await;
    assert_eq!(
        server.meet(&mut live).await.asked("from"),
        "0:a.5.1,1:b.9.4"
    );
}

#[tokio::test]
async fn a_snapshot_that_was_cut_begins_again_and_its_half_is_never_seen_as_whole() {
    let server = Server::start().await;
    let mut live = server.client().from(Start::Snapshot).build();
    let mut view = View::new(Kinds::All);
    for _ in 0..3 {
        let (mut peer, event) = tokio::join!(server.accept(), next(&mut live));
        view.apply(&event).unwrap();
        assert_eq!(
            (peer.asked("from"), event),
            (
                "snapshot",
                Event::Connected {
                    from: Start::Snapshot
                }
            )
        );
        for message in [page(&[1, 2]), create(3, "0:a.9.9")] {
            peer.say(&message).await;
            view.apply(&next(&mut live).await).unwrap();
            assert_eq!((view.state(), live.cursor()), (ViewState::Loading, None));
        }
        assert_eq!(view.people().len(), 3);
        drop(peer);
        view.apply(&next(&mut live).await).unwrap();
        assert_eq!((view.people().len(), view.state()), (0, ViewState::Loading));
    }
    let (mut peer, event) = tokio::join!(server.accept(), next(&mut live));
    view.apply(&event).unwrap();
    for message in [page(&[4]), live_at("0:a.9.9")] {
        peer.say(&message).await;
        view.apply(&next(&mut live).await).unwrap();
    }
    assert_eq!(view.exact().map(std::collections::BTreeMap::len), Some(1));
    drop(peer);
    view.apply(&next(&mut live).await).unwrap();
    assert_eq!(server.meet(&mut live).await.asked("from"), "0:a.9.9");
}

#[tokio::test]
async fn a_client_that_was_reset_has_no_cursor_before_live() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .from(Start::Cursor("0:a.5.1".parse().unwrap()))
        .build();
    let mut peer = server.meet(&mut live).await;
    assert_eq!(peer.asked("from"), "0:a.5.1");
    peer.say(&json!({"type": "reset", "reason": "trimmed"}))
        .await;
    assert!(matches!(next(&mut live).await, Event::Reset { .. }));
    let ((), (why, _)) = tokio::join!(peer.close(4010, "slow"), lost(&mut live));
    assert_eq!(
        why,
        Loss::Closed {
            code: 4010,
            reason: "slow".into()
        }
    );
    assert_eq!(server.meet(&mut live).await.asked("from"), "snapshot");
}

#[tokio::test]
async fn closes_that_invite_a_return_are_followed_by_one_with_the_cursor() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = server.meet(&mut live).await;
    for (code, seq) in [(1001, 1), (1011, 2), (1013, 3), (4010, 4), (1012, 5)] {
        let cursor = format!("0:a.{seq}.1");
        peer.say(&live_at(&cursor)).await;
        next(&mut live).await;
        let ((), (why, retry)) = tokio::join!(peer.close(code, ""), lost(&mut live));
        assert_eq!(
            why,
            Loss::Closed {
                code,
                reason: String::new()
            }
        );
        assert!(retry.is_some_and(|wait| wait <= limits().backoff_most));
        peer = server.meet(&mut live).await;
        assert_eq!(peer.asked("from"), cursor, "{code}");
    }
}

#[tokio::test]
async fn a_restarting_gateway_names_the_time_within_which_to_return() {
    let server = Server::start().await;
    let hour = Duration::from_secs(3600);
    let mut live = server
        .client()
        .limits(Limits {
            backoff_first: hour,
            backoff_most: hour,
            ..limits()
        })
        .build();
    for code in [1001, 1012, 1012] {
        let mut peer = server.meet(&mut live).await;
        peer.say(&live_at("0:a.5.1")).await;
        next(&mut live).await;
        let ((), (_, retry)) = tokio::join!(peer.close(code, "retry-ms=30"), lost(&mut live));
        assert!(
            retry.is_some_and(|wait| wait <= Duration::from_millis(30)),
            "{retry:?}"
        );
    }
    assert_eq!(server.meet(&mut live).await.asked("from"), "0:a.5.1");
}

#[tokio::test]
async fn what_is_not_allowed_ends_the_client_with_the_reason() {
    for closed in [1002, 1003, 1007, 1008, 1009] {
        let server = Server::start().await;
        let mut live = server.client().build();
        let peer = server.meet(&mut live).await;
        let ((), ended) = tokio::join!(peer.close(closed, "not so"), outcome(&mut live));
        let error = ended.expect_err("no return");
        assert!(matches!(
            &error,
            ClientError::NotAllowed { code, reason } if (*code, &**reason) == (closed, "not so")
        ));
        assert!(matches!(outcome(&mut live).await, Err(ClientError::Ended)));
    }
}

#[tokio::test]
async fn a_normal_close_is_the_end() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let peer = server.meet(&mut live).await;
    let ((), (_, retry)) = tokio::join!(peer.close(1000, ""), lost(&mut live));
    assert_eq!(retry, None);
    assert!(matches!(outcome(&mut live).await, Err(ClientError::Ended)));
}

#[tokio::test]
async fn a_silent_server_is_left_and_tried_again() {
    let server = Server::start().await;
    let silence = Duration::from_millis(50);
    let mut live = server
        .client()
        .limits(Limits {
            silence,
            ..limits()
        })
        .build();
    let mut peer = server.meet(&mut live).await;
    peer.say(&live_at("0:a.5.1")).await;
    next(&mut live).await;
    assert_eq!(lost(&mut live).await.0, Loss::Silent(silence));
    assert_eq!(server.meet(&mut live).await.asked("from"), "0:a.5.1");
}

#[tokio::test]
async fn a_server_that_never_answers_the_handshake_is_left_and_tried_again() {
    let server = Server::start().await;
    let mut live = server
        .client()
        .limits(Limits {
            connect: Duration::from_millis(50),
            ..limits()
        })
        .build();
    let (held, (why, _)) = tokio::join!(server.tcp(), lost(&mut live));
    assert!(matches!(why, Loss::Unreachable(_)), "{why:?}");
    drop(held);
}

#[tokio::test]
async fn nobody_there_is_tried_for_ever() {
    let server = Server::start().await;
    let mut live = server.client().build();
    drop(server);
    for _ in 0..20 {
        let (why, retry) = lost(&mut live).await;
        assert!(
            matches!(why, Loss::Unreachable(_)) && retry.is_some(),
            "{why:?}"
        );
    }
}

#[tokio::test]
async fn nothing_is_lost_when_the_wait_for_an_event_is_given_up() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = None;
    let mut told = Vec::new();
    let script = async {
        peer = Some(server.accept().await);
        let peer = peer.as_mut().unwrap();
        peer.say(&live_at("0:a.0.0")).await;
        for seq in 1..=200 {
            peer.say(&create(1, &format!("0:a.{seq}.1"))).await;
            tokio::task::yield_now().await;
        }
    };
    let impatient = async {
        while told.len() < 202 {
            match live.next().now_or_never() {
                Some(event) => told.push(event.expect("no end")),
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(crate::server::DEADLINE, async {
        tokio::join!(script, impatient)
    })
    .await
    .expect("in time");
    let seqs = told.iter().filter_map(|event| match event {
        Event::Change { at, .. } => Some(at.position.seq.get()),
        _ => None,
    });
    assert!(seqs.eq(1..=200), "{told:?}");
}
