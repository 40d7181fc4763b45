//! Peers that send more than anyone needs to: every frame and every byte counts, whatever it is
//! for.

use super::peer::{BINARY, CLOSE, FIRST, Got, LAST, MIDDLE, PING, PONG, Peer, TEXT, close, frame};
use crate::live::{ids, save_big};
use people_testing::process::Gateway;
use people_testing::wait::eventually;

/// Longer than a test waits: only the rule under test can end the connection before.
const NEVER: (&str, &str) = ("live.close_timeout_ms", "600000");
/// The window of the limits is longer than a test, too.
const WINDOW: (&str, &str) = ("live.messages_window_ms", "100000");

fn stopped() -> Got {
    Got::Close(Some(1000), String::new())
}

/// Everything up to the close frame, whose code and reason are returned.
async fn closed(peer: &mut Peer) -> (u16, String) {
    loop {
        match peer.told().await {
            Got::Close(Some(code), reason) => return (code, reason),
            Got::End => panic!("cut without a close frame"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn as_many_fragments_as_are_allowed_are_taken_and_one_more_is_closed_with_1008() {
    let gateway = Gateway::ready(&[("live.fragments_per_second", "1"), WINDOW, NEVER]).await;
    for payload in [&b""[..], b"x"] {
        let mut peer = Peer::open(gateway.address, "/people").await;
        peer.send(&frame(FIRST, payload)).await;
        peer.send(&frame(MIDDLE, payload).repeat(99)).await;
        peer.send(&frame(PING, b"hundred")).await;
        assert_eq!(peer.told().await, Got::Pong(b"hundred".to_vec()));
        peer.send(&frame(MIDDLE, payload)).await;
        assert_eq!(
            closed(&mut peer).await,
            (1008, "too many fragments".to_owned())
        );
        assert_eq!(peer.rest().await, [Got::End]);
    }
}

#[tokio::test]
async fn as_many_bytes_as_are_allowed_are_taken_and_one_more_is_closed_with_1008() {
    let gateway = Gateway::ready(&[("live.bytes_per_second", "1024"), WINDOW, NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let (half, ping) = (frame(BINARY, &vec![0; 50 * 1024]), frame(PING, b"all"));
    let rest = 100 * 1024 - half.len() - ping.len();
    // The header of a frame of this length has eight bytes.
    peer.send(&[half, frame(BINARY, &vec![0; rest - 8]), ping.clone()].concat())
        .await;
    assert_eq!(peer.told().await, Got::Pong(b"all".to_vec()));
    peer.send(&ping[..1]).await;
    assert_eq!(closed(&mut peer).await, (1008, "too many bytes".to_owned()));
}

#[tokio::test]
async fn endless_frames_of_every_kind_are_closed_with_1008() {
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
async fn a_client_that_fragments_its_longest_message_is_heard() {
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
            Got::Pong(b"heard".to_vec()),
            Got::Close(None, String::new()),
            Got::End,
        ];
        assert_eq!(peer.rest().await, expected, "in pieces of {length}");
    }
}

#[tokio::test]
async fn a_client_may_send_its_longest_message_as_often_as_messages_are_allowed() {
    let gateway = Gateway::ready(&[NEVER]).await;
    let mut peer = Peer::open(gateway.address, "/people").await;
    let longest = frame(BINARY, &vec![7; 64 * 1024]);
    for _ in 0..498 {
        peer.send(&longest).await;
    }
    peer.send(&[frame(PING, b"all"), frame(TEXT, b"stop")].concat())
        .await;
    assert_eq!(peer.told().await, Got::Pong(b"all".to_vec()));
    assert_eq!(peer.told().await, stopped());
}

#[tokio::test]
async fn a_peer_that_goes_on_sending_after_its_end_is_cut_off() {
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
        // The peer sees the end of it as an error.
        while peer.try_send(&endless).await.is_ok() {}
        eventually(name, async || {
            crate::live::counts(&gateway, "sessions", 0).await
        })
        .await;
    }
}

#[tokio::test]
async fn a_ping_is_answered_before_the_close_frame_behind_it_also_where_much_waits() {
    let gateway = Gateway::ready(&[NEVER]).await;
    for (last, code) in [(close(1000, b""), 1000), (frame(TEXT, &[0xff]), 1007)] {
        let mut peer = Peer::open_small(gateway.address, "/people").await;
        let before = gateway.metric("session_partial_writes_total").await;
        save_big(&gateway, &ids(100), 0..3).await;
        eventually("its socket is full", async || {
            gateway.metric("session_partial_writes_total").await > before
        })
        .await;
        peer.send(&[frame(PING, b"first"), last].concat()).await;
        let got = peer.rest().await;
        let [
            ..,
            Got::Text(_),
            Got::Pong(pong),
            Got::Close(Some(closed), _),
            Got::End,
        ] = &got[..]
        else {
            panic!("{:?}", got.last_chunk::<4>())
        };
        assert_eq!((&pong[..], *closed), (&b"first"[..], code));
    }
}
