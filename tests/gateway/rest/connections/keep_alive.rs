//! Connections between two requests: how long they stay open, and that no request is lost at their
//! end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use people_testing::http::{Gateway, Setup};
use people_testing::wait::DEADLINE;

const REQUEST: &[u8] = b"GET /people HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn gateway(keep_alive: Duration) -> Gateway {
    let mut setup = Setup::default();
    setup.server.keep_alive = keep_alive;
    setup.server.header_limit = DEADLINE;
    Gateway::start_with(setup).await
}

/// Reads one answer to [`REQUEST`] of a gateway without people; none where the connection ended
/// before it.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"0\r\n\r\n") {
        let mut bytes = [0; 4096];
        match timeout(DEADLINE, stream.read(&mut bytes))
            .await
            .expect("in time")
        {
            Ok(read) if read > 0 => answer.extend_from_slice(&bytes[..read]),
            _ => {
                assert!(answer.is_empty(), "an answer is whole");
                return None;
            }
        }
    }
    Some(String::from_utf8(answer).expect("text"))
}

#[tokio::test]
async fn a_connection_stays_open_between_requests_and_is_closed_when_none_comes() {
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
    assert_eq!(answer(&mut stream).await, None, "closed without an answer");
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
        // Longer than the gateway keeps hyper for an idle connection. The test cannot see that it
        // is dropped; it sees that the next request is answered.
        let idle = Duration::from_millis(1200);
        assert!(timeout(idle, stream.read_u8()).await.is_err(), "still open");
    }
}

/// Clients send their next request when the connection is about to be closed. Each request is
/// answered, or the connection was closed before the gateway read it.
#[tokio::test]
async fn a_request_around_the_close_is_answered_or_was_never_read() {
    let gateway = gateway(Duration::from_millis(1200)).await;
    let shortly_before = Duration::from_millis(1180);
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..64_u64 {
        let mut stream = gateway.connect().await;
        clients.spawn(async move {
            stream.write_all(REQUEST).await.expect("sent");
            answer(&mut stream).await.expect("an answer");
            let pause = shortly_before + Duration::from_micros(number * 625);
            // Waits for the close, or until about that time.
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
        "each request that was read is answered: {answered} of {}",
        sent.len()
    );
}

/// Requests that the gateway answered.
fn served(gateway: &Gateway) -> u64 {
    use people_gateway::http::RequestLabels;
    let labels = RequestLabels {
        method: "GET",
        route: "/people",
        status: 200,
    };
    gateway.metrics.http_requests.get_or_create(&labels).get()
}

#[tokio::test]
async fn a_shutdown_closes_idle_connections_at_once_and_answers_requests_that_have_arrived() {
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
    assert!(answer(&mut asking).await.is_some(), "it had arrived");
    // The peers do nothing.
    timeout(DEADLINE, gateway.tracker.wait())
        .await
        .expect("all connections end");
    for mut stream in idle.into_iter().chain([fresh, asking]) {
        assert_eq!(answer(&mut stream).await, None);
    }
}
