//! Connections between two requests: how long they are kept, and that no request is lost at their
//! end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::gateway::{DEADLINE, Gateway, Setup};

const REQUEST: &[u8] = b"GET /people HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn gateway(keep_alive: Duration) -> Gateway {
    let mut setup = Setup::default();
    setup.server.keep_alive = keep_alive;
    setup.server.header_limit = DEADLINE;
    Gateway::start_with(setup).await
}

/// Reads one answer to [`REQUEST`], of a gateway without people. None where the connection ended
/// before it.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut told = Vec::new();
    while !told.ends_with(b"0\r\n\r\n") {
        let mut bytes = [0; 4096];
        match timeout(DEADLINE, stream.read(&mut bytes))
            .await
            .expect("in time")
        {
            Ok(read) if read > 0 => told.extend_from_slice(&bytes[..read]),
            _ => {
                assert!(told.is_empty(), "an answer is whole");
                return None;
            }
        }
    }
    Some(String::from_utf8(told).expect("text"))
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_and_closed_when_none_comes() {
    let gateway = gateway(Duration::from_millis(1500)).await;
    let mut stream = gateway.connect().await;
    let began = Instant::now();
    for _ in 0..3 {
        stream.write_all(REQUEST).await.expect("sent");
        let answer = answer(&mut stream).await.expect("an answer");
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && !answer.contains("connection: close"),
            "{answer}"
        );
    }
    assert_eq!(answer(&mut stream).await, None, "closed, without a word");
    assert!(
        began.elapsed() >= Duration::from_millis(1500),
        "not before its time"
    );
}

#[tokio::test]
async fn a_connection_that_was_idle_for_a_while_serves_as_before() {
    let gateway = gateway(DEADLINE).await;
    let mut stream = gateway.connect().await;
    for piece in [REQUEST.len(), 1, 20] {
        for bytes in REQUEST.chunks(piece) {
            stream.write_all(bytes).await.expect("sent");
            tokio::task::yield_now().await;
        }
        assert!(
            answer(&mut stream)
                .await
                .expect("an answer")
                .starts_with("HTTP/1.1 200 ")
        );
        // Longer than the HTTP library is kept for it. That it is gone cannot be seen from here;
        // that it comes back can.
        let idle = Duration::from_millis(1200);
        assert!(timeout(idle, stream.read_u8()).await.is_err(), "still open");
    }
}

/// Clients that send their next request when the connection is about to be closed. Each is
/// answered, or the connection was closed when it had not been read: never is one taken and left
/// without an answer.
#[tokio::test]
async fn a_request_around_the_close_is_answered_or_was_never_taken() {
    let gateway = gateway(Duration::from_millis(1200)).await;
    let shortly_before = Duration::from_millis(1180);
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..64_u64 {
        let mut stream = gateway.connect().await;
        clients.spawn(async move {
            stream.write_all(REQUEST).await.expect("sent");
            answer(&mut stream).await.expect("an answer");
            let pause = shortly_before + Duration::from_micros(number * 625);
            // Waiting for the close, or until shortly around it.
            if timeout(pause, stream.readable()).await.is_ok() {
                return None;
            }
            if stream.write_all(REQUEST).await.is_err() {
                return None;
            }
            Some(answer(&mut stream).await.is_some())
        });
    }
    let sent: Vec<bool> = clients.join_all().await.into_iter().flatten().collect();
    let answered = sent.iter().filter(|answered| **answered).count() as u64;
    let counted: u64 = 64 + answered;
    assert_eq!(
        served(&gateway),
        counted,
        "what was read was answered: {answered} of {}",
        sent.len()
    );
}

/// Requests that the gateway answered.
fn served(gateway: &Gateway) -> u64 {
    use people_gateway::telemetry::RequestLabels;
    let labels = RequestLabels {
        method: "GET",
        route: "/people",
        status: 200,
    };
    gateway.metrics.http_requests.get_or_create(&labels).get()
}

#[tokio::test]
async fn at_a_shutdown_idle_connections_are_closed_at_once_and_requests_that_are_here_are_answered()
{
    let gateway = gateway(DEADLINE).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut stream = gateway.connect().await;
        stream.write_all(REQUEST).await.expect("sent");
        answer(&mut stream).await.expect("an answer");
        idle.push(stream);
    }
    let fresh = gateway.connect().await;
    let mut asking = gateway.connect().await;
    asking.write_all(REQUEST).await.expect("sent");
    answer(&mut asking).await.expect("an answer");
    asking.write_all(REQUEST).await.expect("sent");
    gateway.shutdown.cancel();
    gateway.tracker.close();
    assert!(answer(&mut asking).await.is_some(), "it was here");
    // Without the peers doing anything.
    timeout(DEADLINE, gateway.tracker.wait())
        .await
        .expect("all connections end");
    for mut stream in idle.into_iter().chain([fresh, asking]) {
        assert_eq!(answer(&mut stream).await, None);
    }
}
