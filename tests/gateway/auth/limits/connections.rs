//! Connections: so many at the same time for each peer.

use people_testing::issuer::Issuer;
use people_testing::process::Gateway;
use people_testing::wait::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{Guarded, limited, writer};
use crate::live::websocket::peer::Peer;

async fn connect(gateway: &Gateway, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((from, 0).into())
        .expect("an address of loopback");
    socket.connect(gateway.address).await.expect("a connection")
}

/// What a connection is told without a question.
async fn told(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    text
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_closed() {
    let gateway = Gateway::ready(&[("limits.connections", "3")]).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.send(b"GET /rights HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        assert_eq!(peer.refusal().await.status, 200);
        open.push(peer);
    }
    let mut fourth = connect(&gateway, [127, 0, 0, 1]).await;
    let answer = told(&mut fourth).await;
    for part in [
        "HTTP/1.1 429 Too Many Requests\r\n",
        "\r\nretry-after: 5\r\n",
        "\r\nconnection: close\r\n",
        r#""type":"/problems/limit""#,
        r#""limit":"connections""#,
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert_eq!(limited(&gateway, "connections").await, 1);
    // Another address has connections of its own, and X-Forwarded-For changes nothing here.
    let mut other = connect(&gateway, [127, 0, 0, 2]).await;
    let request = b"GET /rights HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    other.write_all(request).await.expect("an open connection");
    assert!(told(&mut other).await.starts_with("HTTP/1.1 200 OK\r\n"));
    // One that ends makes room for one.
    open.pop();
    eventually("there is room for a connection", async || {
        let mut again = connect(&gateway, [127, 0, 0, 1]).await;
        again.write_all(request).await.is_ok() && told(&mut again).await.contains(" 200 OK")
    })
    .await;
}

#[tokio::test]
async fn heads_that_never_end_keep_no_one_out() {
    let issuer = Issuer::new("HS256");
    let settings = [
        ("limits.connections", "20"),
        ("http.header_timeout_ms", "2000"),
    ];
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let token = writer(&issuer, "ada");
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(&guarded.gateway, [127, 0, 0, 3]).await;
        // Those beyond the limit are closed at once.
        let _ = stream.write_all(b"GET /peop").await;
        slow.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(guarded.refusal(&token).await, None);
    }
    eventually("all of them are gone", async || {
        guarded.gateway.metric("http_connections").await < 2.0
    })
    .await;
    assert_eq!(limited(&guarded.gateway, "connections").await, 180);
}
