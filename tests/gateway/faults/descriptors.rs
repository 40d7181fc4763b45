//! Without free file descriptors, new clients wait and connected clients are served.

use serde_json::json;
use tokio::net::TcpStream;

use crate::live::websocket::peer::Peer;
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

/// Free descriptors before the idle clients connect, and the number of those clients.
const LEFT: u64 = 8;
const CLIENTS: usize = 32;
const STARVED: &str = "cannot accept connections";

/// Sends a request on a connection that stays open; returns the status.
async fn ask(peer: &mut Peer, request: &str, body: &str) -> u16 {
    let length = body.len();
    let head =
        format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    peer.send(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
        .await;
    peer.refusal().await.status
}

#[tokio::test]
async fn without_descriptors_connected_clients_are_served_and_new_clients_wait() {
    // The gateway closes no connection for sending nothing.
    let gateway = Gateway::ready(&[("http.header_timeout_ms", "600000")]).await;
    let mut listener = gateway.listen("").await;
    let mut connected = Peer::connect(gateway.address).await;
    assert_eq!(
        ask(&mut connected, "POST /people", &person("Ada").to_string()).await,
        201
    );
    assert!(listener.sentence().await.contains("Ada"));

    gateway.leave_files(LEFT);
    let mut idle = Vec::new();
    for _ in 0..CLIENTS {
        idle.push(
            TcpStream::connect(gateway.address)
                .await
                .expect("the kernel keeps it waiting"),
        );
    }
    let mut waiting = Peer::connect(gateway.address).await;
    eventually("the outage is logged", async || {
        gateway.log().contains(STARVED)
    })
    .await;
    for name in ["Grace", "Joan"] {
        assert_eq!(
            ask(&mut connected, "POST /people", &person(name).to_string()).await,
            201
        );
        assert!(listener.sentence().await.contains(name));
    }
    assert_eq!(
        ask(&mut connected, "GET /updates", "").await,
        503,
        "a stream needs descriptors of its own"
    );
    assert_eq!(
        ask(&mut connected, "POST /people", &json!({}).to_string()).await,
        422,
        "and a refused one leaves the connection usable"
    );

    drop(idle);
    assert_eq!(
        ask(&mut waiting, "POST /people", &person("Mary").to_string()).await,
        201
    );
    assert!(listener.sentence().await.contains("Mary"));
    gateway.wait_ready().await;
    gateway.listen("").await.say("stop").await;
    assert_eq!(
        gateway.log().matches(STARVED).count(),
        1,
        "one line, not one per attempt"
    );
}
