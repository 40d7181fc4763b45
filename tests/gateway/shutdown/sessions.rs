//! The end of live sessions at a shutdown.

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{FOR_EVER, Import, stop};
use people_testing::process::{Gateway, person};
use people_testing::socket::End;
use people_testing::wait::DEADLINE;

/// More sessions than are closed in one step, and fewer than the usual limit of open files.
const MANY: usize = 500;

/// Asserts that a client is asked to reconnect, after the time in the close reason.
#[track_caller]
fn assert_asked_back(end: End) {
    let End::Closed(1012, reason) = end else {
        panic!("not asked back: {end:?}")
    };
    let milliseconds = reason
        .strip_prefix("retry-ms=")
        .and_then(|number| number.parse::<u64>().ok());
    assert!(milliseconds.is_some_and(|number| number > 0), "{reason}");
}

#[tokio::test]
async fn each_of_many_sessions_is_asked_back_after_the_last_change() {
    let mut gateway = Gateway::ready(&[]).await;
    let mut listeners = Vec::new();
    for _ in 0..MANY {
        listeners.push(gateway.listen("").await);
    }
    gateway.create(&person("Ada")).await;
    gateway.signal(Signal::TERM);
    let mut clients = JoinSet::new();
    for mut listener in listeners {
        clients.spawn(async move {
            assert!(listener.sentence().await.contains("Ada"));
            listener.end().await
        });
    }
    for end in clients.join_all().await {
        assert_asked_back(end);
    }
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn sessions_are_closed_while_a_request_is_still_running() {
    let mut gateway = Gateway::ready(&[("shutdown.grace_ms", FOR_EVER)]).await;
    let import = Import::begin(&gateway).await;
    let listener = gateway.listen("").await;
    stop(&gateway).await;
    assert_asked_back(listener.end().await);
    assert!(import.end().await.contains(r#""saved":1"#));
    assert_eq!(gateway.exit_code().await, Some(0));
}

/// Opens a WebSocket that sends nothing after the handshake, and reads nothing after its answer.
async fn mute(gateway: &Gateway) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address)
        .await
        .expect("a connection");
    let handshake = "GET /people HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\n\
                     upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(handshake.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(
            timeout(DEADLINE, stream.read_u8())
                .await
                .expect("in time")
                .expect("an answer"),
        );
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    stream
}

#[tokio::test]
async fn peers_that_do_not_answer_the_close_do_not_delay_the_end() {
    // Either limit ends the wait: first the grace period is the shorter one, then the close
    // timeout.
    for (grace, close_timeout) in [("500", FOR_EVER), (FOR_EVER, "500")] {
        let mut gateway = Gateway::ready(&[
            ("shutdown.grace_ms", grace),
            ("live.close_timeout_ms", close_timeout),
        ])
        .await;
        let mut peers = Vec::new();
        for _ in 0..10 {
            peers.push(mute(&gateway).await);
        }
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.exit_code().await, Some(0));
        for mut peer in peers {
            let mut received = Vec::new();
            timeout(DEADLINE, peer.read_to_end(&mut received))
                .await
                .expect("in time")
                .expect("no reset");
            assert_eq!(
                received.get(..1),
                Some(&[0x88][..]),
                "a close frame, and nothing before it"
            );
            assert_eq!(received.get(2..4), Some(&1012_u16.to_be_bytes()[..]));
        }
    }
}
