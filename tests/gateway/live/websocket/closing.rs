//! The end of a session: `stop`, `close_on`, and the answer to the peer's close frame.

use super::peer::{CLOSE, Frame, PING, Peer, close, frame};
use crate::live::{delete_all, ids, save_big};
use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};
use people_testing::wait::eventually;

/// Longer than a test, so that only the rule under test can end the connection.
const NEVER: (&str, &str) = ("live.close_timeout_ms", "600000");

fn closed(code: u16) -> Frame {
    Frame::Close(Some(code), String::new())
}

#[tokio::test]
async fn stop_is_answered_by_1000_without_a_reason() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for path in ["/people", "/updates?kinds=saves"] {
        let mut listener = Listener::open(gateway.address, path).await;
        listener.say("stop").await;
        assert_eq!(listener.end().await, End::Closed(1000, String::new()));
    }
}

#[tokio::test]
async fn after_stop_the_session_waits_for_the_peers_close_frame() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.say("stop").await;
    assert_eq!(peer.next().await, closed(1000));
    gateway.create(&person("Ada")).await;
    peer.send(&frame(PING, b"still there?")).await;
    assert!(
        crate::live::metric_is(&gateway, "sessions", 1).await,
        "the session waits"
    );
    peer.send(&close(1000, b"")).await;
    assert_eq!(
        peer.rest().await,
        [Frame::End],
        "nothing comes after a close frame"
    );
    eventually("the session is gone", async || {
        crate::live::metric_is(&gateway, "sessions", 0).await
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_never_answers_the_close_frame_is_cut_after_the_close_timeout() {
    let gateway = Gateway::ready(&[("live.close_timeout_ms", "200")]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.say("stop").await;
    assert_eq!(peer.rest().await, [closed(1000), Frame::End]);
    eventually("the session is gone", async || {
        crate::live::metric_is(&gateway, "sessions", 0).await
    })
    .await;
    assert!(crate::live::metric_is(&gateway, "sessions_closed_total", 1).await);
}

#[tokio::test]
async fn close_on_ends_the_session_with_the_first_change_of_its_kind() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let mut healthy = gateway.listen("").await;
    for (query, expected) in [
        ("?close_on=save", &["Saved Ada"][..]),
        ("?close_on=delete", &["Saved Ada", "Saved Grace", "Deleted"]),
        ("?close_on=save&kinds=saves", &["Saved Ada"]),
        ("?close_on=delete&kinds=deletes", &["Deleted"]),
    ] {
        let mut listener = gateway.listen(query).await;
        let ada = gateway.create(&person("Ada")).await;
        gateway.create(&person("Grace")).await;
        assert_eq!(gateway.delete(&ada).await, 204);
        // Once one client has the last change, a client that connects now does not get it.
        healthy.until(&gateway.create(&person("Late")).await).await;
        let mut seen = Vec::new();
        let end = loop {
            match listener.next().await {
                Ok(sentence) => seen.push(sentence),
                Err(end) => break end,
            }
        };
        assert_eq!(end, End::Closed(1000, String::new()), "{query}");
        assert_eq!(seen.len(), expected.len(), "{query}: {seen:?}");
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(
                expected.split(' ').all(|word| seen.contains(word)),
                "{query}: {seen}"
            );
        }
    }
}

#[tokio::test]
async fn close_on_ignores_changes_that_kinds_leaves_out() {
    let gateway = Gateway::ready(&[]).await;
    let mut saves = gateway.listen("?close_on=delete&kinds=saves").await;
    let mut deletes = gateway.listen("?close_on=save&kinds=deletes").await;
    for _ in 0..3 {
        let id = gateway.create(&person("Ada")).await;
        assert_eq!(gateway.delete(&id).await, 204);
        assert!(
            saves
                .sentence()
                .await
                .starts_with(&format!("Saved person [{id}]"))
        );
        assert_eq!(deletes.sentence().await, format!("Deleted person [{id}]"));
    }
    for mut listener in [saves, deletes] {
        listener.say("stop").await;
        assert_eq!(listener.end().await, End::Closed(1000, String::new()));
    }
}

#[tokio::test]
async fn a_slow_client_gets_every_change_up_to_its_close_on() {
    // Far less than this client needs: the timeout counts only while the client reads nothing.
    let gateway = Gateway::ready(&[("live.close_timeout_ms", "2000")]).await;
    let people = ids(100);
    let mut peer = Peer::open_small(gateway.address, "/people?close_on=delete").await;
    save_big(&gateway, &people, 0..2).await;
    delete_all(&gateway, &people[..1]).await;
    save_big(&gateway, &people[1..], 2..3).await;
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
    for _ in 0..80 {
        pace.tick().await;
        assert!(peer.read_some(2048).await, "cut early");
    }
    let mut saves = 0;
    loop {
        match peer.next_non_ping().await {
            Frame::Text(sentence) if sentence.starts_with("Saved") => saves += 1,
            Frame::Text(sentence) => {
                break assert_eq!(sentence, format!("Deleted person [{}]", people[0]));
            }
            other => panic!("{other:?} after {saves} saves"),
        }
    }
    assert_eq!(saves, 200);
    assert_eq!(peer.rest().await, [closed(1000), Frame::End]);
}

#[tokio::test]
async fn the_peers_close_is_answered_with_its_own_code() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for code in [1000, 1001, 1003, 1007, 1014, 3000, 3999, 4000, 4010, 4999] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&close(code, "bye, grüße".as_bytes())).await;
        assert_eq!(peer.rest().await, [closed(code), Frame::End]);
    }
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.send(&frame(CLOSE, b"")).await;
    assert_eq!(
        peer.rest().await,
        [Frame::Close(None, String::new()), Frame::End]
    );
    eventually("no session is left", async || {
        crate::live::metric_is(&gateway, "sessions", 0).await
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_closes_is_answered_even_while_it_still_sends() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for _ in 0..20 {
        let mut peer = Peer::open(gateway.address, "/people").await;
        let mut bytes = close(1000, b"");
        for _ in 0..50 {
            bytes.extend(frame(PING, &[7; 125]));
        }
        peer.send(&bytes).await;
        assert_eq!(peer.next().await, closed(1000));
    }
}

#[tokio::test]
async fn stop_and_the_peers_own_close_at_once_end_with_one_close_frame() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.send(&[frame(0x81, b"stop"), close(1001, b"")].concat())
        .await;
    assert_eq!(peer.rest().await, [closed(1000), Frame::End]);
}

#[tokio::test]
async fn a_peer_that_closes_and_reads_nothing_is_cut_after_the_close_timeout() {
    let settings = [
        ("live.close_timeout_ms", "300"),
        ("live.ping_interval_ms", "60000"),
        ("live.silence_limit_ms", "600000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut peer = Peer::open_small(gateway.address, "/people").await;
    save_big(&gateway, &ids(100), 0..3).await;
    eventually("the socket is full", async || {
        gateway.metric("session_partial_writes_total").await > 0.0
    })
    .await;
    peer.send(&close(1000, b"")).await;
    eventually("the session is gone", async || {
        crate::live::metric_is(&gateway, "sessions", 0).await
    })
    .await;
    drop(peer);
}
