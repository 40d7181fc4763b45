//! Pings, peers that show no sign of life, and the limit of messages.

use std::time::Duration;

use super::peer::{BINARY, Frame, PING, PONG, Peer, frame};
use crate::live::{ids, save_big};
use people_testing::process::Gateway;
use people_testing::socket::End;
use people_testing::wait::eventually;

#[tokio::test]
async fn the_server_pings_at_its_interval() {
    let gateway = Gateway::ready(&[("live.ping_interval_ms", "100")]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    for _ in 0..5 {
        assert_eq!(peer.next().await, Frame::Ping);
    }
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let gateway = Gateway::ready(&[
        ("live.ping_interval_ms", "300"),
        ("live.silence_limit_ms", "2000"),
    ])
    .await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    for _ in 0..15 {
        assert_eq!(peer.next().await, Frame::Ping);
        peer.send(&frame(PONG, b"")).await;
    }
    peer.say("stop").await;
    assert_eq!(
        peer.next_non_ping().await,
        Frame::Close(Some(1000), String::new())
    );
}

#[tokio::test]
async fn a_client_that_sends_anything_stays() {
    let gateway = Gateway::ready(&[
        ("live.ping_interval_ms", "300"),
        ("live.silence_limit_ms", "2000"),
    ])
    .await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    // One frame takes longer than the limit: each of its bytes is a sign of life.
    for byte in frame(BINARY, &[0; 10]) {
        assert_eq!(peer.next().await, Frame::Ping);
        peer.send(&[byte]).await;
    }
    peer.say("stop").await;
    assert_eq!(
        peer.next_non_ping().await,
        Frame::Close(Some(1000), String::new())
    );
}

#[tokio::test]
async fn a_silent_client_is_closed_with_4010() {
    let gateway = Gateway::ready(&[
        ("live.ping_interval_ms", "100"),
        ("live.silence_limit_ms", "400"),
    ])
    .await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let Frame::Close(Some(4010), reason) = peer.next_non_ping().await else {
        panic!("not closed as stalled")
    };
    assert!(!reason.is_empty());
}

#[tokio::test]
async fn a_stalled_client_that_reads_again_finds_whole_frames_and_then_4010() {
    let settings = [
        ("live.ping_interval_ms", "100"),
        ("live.silence_limit_ms", "1000"),
        ("live.close_timeout_ms", "200"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut healthy = gateway.listen("").await;
    let mut peer = Peer::open_small(gateway.address, "/people").await;
    let people = ids(100);
    let (expected, ()) = tokio::join!(take(&mut healthy, 500), save_big(&gateway, &people, 0..5));
    healthy.say("stop").await;
    assert_eq!(healthy.end().await, End::Closed(1000, String::new()));
    eventually("the stalled session is gone", async || {
        crate::live::metric_is(&gateway, "sessions", 0).await
    })
    .await;
    let got = peer.rest().await;
    let [sentences @ .., Frame::Close(Some(4010), _), Frame::End] = &got[..] else {
        panic!("{:?}", got.last_chunk::<3>())
    };
    assert!(!sentences.is_empty() && sentences.len() < expected.len());
    assert!(
        sentences
            .iter()
            .zip(&expected)
            .all(|(got, expected)| *got == Frame::Text(expected.clone()))
    );
}

#[tokio::test]
async fn a_client_that_reads_and_sends_nothing_stays() {
    let settings = [
        ("live.ping_interval_ms", "200"),
        ("live.silence_limit_ms", "3000"),
        ("live.close_timeout_ms", "1000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    let mut peer = Peer::open_small(gateway.address, "/people").await;
    let people = ids(100);
    save_big(&gateway, &people, 0..5).await;
    // Twice the limit. At this pace the kernel reports room less than once per limit.
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..120 {
        pace.tick().await;
        assert!(peer.read_some(800).await, "cut, although the client reads");
    }
    let mut sentences = 0;
    while sentences < 500 {
        match peer.next_non_ping().await {
            Frame::Text(_) => sentences += 1,
            other => panic!("{other:?} after {sentences} sentences"),
        }
    }
}

#[tokio::test]
async fn a_message_above_the_limit_is_closed_with_1008() {
    let settings = [
        ("live.messages_per_second", "1"),
        ("live.messages_window_ms", "100000"),
    ];
    let gateway = Gateway::ready(&settings).await;
    for first in [BINARY, PING, PONG, 0x81] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&frame(first, b"x").repeat(99)).await;
        peer.send(&frame(PING, b"hundred")).await;
        while peer.next().await != Frame::Pong(b"hundred".to_vec()) {}
        peer.send(&frame(first, b"x")).await;
        let Frame::Close(Some(1008), _) = peer.next().await else {
            panic!("not closed with 1008")
        };
        assert_eq!(peer.rest().await, [Frame::End]);
    }
}

#[tokio::test]
async fn a_new_window_starts_a_new_count() {
    let settings = [
        ("live.messages_per_second", "10"),
        ("live.messages_window_ms", "1000"),
    ];
    let gateway =
        Gateway::ready(&[settings[0], settings[1], ("live.ping_interval_ms", "1500")]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    // The first ping comes at any time within the interval.
    assert_eq!(peer.next().await, Frame::Ping);
    for _ in 0..3 {
        for _ in 0..9 {
            peer.send(&frame(PING, b"")).await;
            assert_eq!(peer.next_non_ping().await, Frame::Pong(Vec::new()));
        }
        // A ping shows that a window has passed by the server's clock.
        assert_eq!(peer.next().await, Frame::Ping);
    }
}

async fn take(listener: &mut people_testing::socket::Listener, count: usize) -> Vec<String> {
    let mut sentences = Vec::new();
    while sentences.len() < count {
        sentences.push(listener.sentence().await);
    }
    sentences
}
