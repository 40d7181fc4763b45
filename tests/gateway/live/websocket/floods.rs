//! Peers that send too much: the limits count every frame and every byte.

use super::peer::{
    BINARY, CLOSE, FIRST, Frame, LAST, MIDDLE, PING, PONG, Peer, TEXT, close, frame,
};
use crate::live::{ids, save_big};
use people_testing::process::Gateway;
use people_testing::wait::eventually;

/// Longer than a test, so that only the rule under test can end the connection.
const NEVER: (&str, &str) = ("live.close_timeout_ms", "600000");
/// A window of the limits that is longer than a test.
const WINDOW: (&str, &str) = ("live.messages_window_ms", "100000");

fn stopped() -> Frame {
    Frame::Close(Some(1000), String::new())
}

/// Reads up to the close frame; returns its code and reason.
async fn closed(peer: &mut Peer) -> (u16, String) {
    loop {
        match peer.next_non_ping().await {
            Frame::Close(Some(code), reason) => return (code, reason),
            Frame::End => panic!("cut without a close frame"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_fragment_above_the_limit_is_closed_with_1008() {
    let gateway = Gateway::ready(&[("live.fragments_per_second", "1"), WINDOW, NEVER]).await;
    for payload in [&b""[..], b"x"] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&frame(FIRST, payload)).await;
        peer.send(&frame(MIDDLE, payload).repeat(99)).await;
        peer.send(&frame(PING, b"hundred")).await;
        assert_eq!(peer.next_non_ping().await, Frame::Pong(b"hundred".to_vec()));
        peer.send(&frame(MIDDLE, payload)).await;
        assert_eq!(
            closed(&mut peer).await,
            (1008, "too many fragments".to_owned())
        );
        assert_eq!(peer.rest().await, [Frame::End]);
    }
}

#[tokio::test]
async fn a_byte_above_the_limit_is_closed_with_1008() {
    let gateway = Gateway::ready(&[("live.bytes_per_second", "1024"), WINDOW, NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let (half, ping) = (frame(BINARY, &vec![0; 50 * 1024]), frame(PING, b"all"));
    let rest = 100 * 1024 - half.len() - ping.len();
    // The header of a frame of this length has eight bytes.
    peer.send(&[half, frame(BINARY, &vec![0; rest - 8]), ping.clone()].concat())
        .await;
    assert_eq!(peer.next_non_ping().await, Frame::Pong(b"all".to_vec()));
    peer.send(&ping[..1]).await;
    assert_eq!(closed(&mut peer).await, (1008, "too many bytes".to_owned()));
}

#[tokio::test]
async fn a_flood_of_frames_of_any_kind_is_closed_with_1008() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let one_byte = frame(MIDDLE, b"x");
    for (name, first, endless) in [
        ("empty continuations", frame(FIRST, b""), frame(MIDDLE, b"")),
        (
            "empty continuations of a binary",
            frame(BINARY & !LAST, b""),
            frame(MIDDLE, b""),
        ),
        ("one byte each", frame(FIRST, b"x"), one_byte.clone()),
        ("empty texts", vec![], frame(TEXT, b"")),
        ("empty binaries", vec![], frame(BINARY, b"")),
        ("binaries", vec![], frame(BINARY, &[7; 1000])),
        ("pings", vec![], frame(PING, b"")),
        ("pongs", vec![], frame(PONG, b"")),
        (
            "pings within a message",
            frame(FIRST, b"x"),
            frame(PING, &[7; 125]),
        ),
        (
            "two fragments a message",
            vec![],
            [frame(FIRST, b""), frame(LAST, b"")].concat(),
        ),
    ] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&[first, endless.repeat(10_001)].concat()).await;
        let (code, reason) = closed(&mut peer).await;
        assert_eq!(code, 1008, "{name}: {reason}");
    }
    let mut peer = Peer::open(gateway.address, "/people").await;
    peer.send(
        &[
            frame(FIRST, b"x"),
            one_byte.repeat(64_000),
            frame(LAST, b"x"),
        ]
        .concat(),
    )
    .await;
    assert_eq!(
        closed(&mut peer).await.0,
        1008,
        "a message of 64 KB in 64,000 fragments"
    );
}

#[tokio::test]
async fn a_client_may_fragment_its_longest_message() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for length in [64, 1024, 4096] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        let pieces = 64 * 1024 / length;
        let piece = vec![b'x'; length];
        let message = [
            frame(FIRST, &piece),
            frame(MIDDLE, &piece).repeat(pieces - 2),
            frame(LAST, &piece),
        ]
        .concat();
        peer.send(&[message, frame(PING, b"heard"), frame(CLOSE, b"")].concat())
            .await;
        let expected = [
            Frame::Pong(b"heard".to_vec()),
            Frame::Close(None, String::new()),
            Frame::End,
        ];
        assert_eq!(peer.rest().await, expected, "in pieces of {length}");
    }
}

#[tokio::test]
async fn a_client_may_send_its_longest_message_up_to_the_limit_of_messages() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let longest = frame(BINARY, &vec![7; 64 * 1024]);
    for _ in 0..498 {
        peer.send(&longest).await;
    }
    peer.send(&[frame(PING, b"all"), frame(TEXT, b"stop")].concat())
        .await;
    assert_eq!(peer.next_non_ping().await, Frame::Pong(b"all".to_vec()));
    assert_eq!(peer.next_non_ping().await, stopped());
}

#[tokio::test]
async fn a_peer_that_keeps_sending_after_the_close_is_cut_off() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let endless = frame(BINARY, &[7; 1000]).repeat(100);
    for (name, last) in [
        ("after a violation", frame(BINARY | 0x40, b"")),
        ("after too much", frame(PONG, b"").repeat(501)),
        ("after stop", frame(TEXT, b"stop")),
        ("after its own close frame", close(1000, b"")),
    ] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&last).await;
        // Sending fails once the gateway has cut the connection.
        while peer.try_send(&endless).await.is_ok() {}
        eventually(name, async || {
            crate::live::metric_is(&gateway, "sessions", 0).await
        })
        .await;
    }
}

#[tokio::test]
async fn a_ping_is_answered_before_the_close_frame_even_when_the_socket_is_full() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for (last, code) in [(close(1000, b""), 1000), (frame(TEXT, &[0xff]), 1007)] {
        let mut peer = Peer::open_small(gateway.address, "/people").await;
        let before = gateway.metric("session_partial_writes_total").await;
        save_big(&gateway, &ids(100), 0..3).await;
        eventually("the socket is full", async || {
            gateway.metric("session_partial_writes_total").await > before
        })
        .await;
        peer.send(&[frame(PING, b"first"), last].concat()).await;
        let got = peer.rest().await;
        let [before @ .., Frame::Close(Some(closed), _), Frame::End] = &got[..] else {
            panic!("{:?}", got.last_chunk::<2>())
        };
        assert_eq!(*closed, code);
        // The drainer may send sentences between the answer and the close frame.
        let pongs = before
            .iter()
            .filter(|frame| matches!(frame, Frame::Pong(_)));
        assert!(pongs.eq([&Frame::Pong(b"first".to_vec())]));
    }
}
