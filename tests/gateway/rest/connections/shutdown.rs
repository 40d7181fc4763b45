//! The end of the server: running requests finish, and no new one is accepted.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::ADA;
use crate::rest::failing_store::FaultyStore;
use people_testing::http::{Gateway, read_to_end};
use people_testing::wait::{DEADLINE, eventually};

#[tokio::test]
async fn a_running_request_finishes_and_then_no_connection_is_left() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let (reached, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at, until) = (Arc::clone(&reached), Arc::clone(&release));
    store.get().expect("wrapped").before_apply(1, move |_| {
        let (at, until) = (Arc::clone(&at), Arc::clone(&until));
        Box::pin(async move {
            at.notify_one();
            until.notified().await;
            None
        })
    });
    let idle = gateway.connect().await;
    let mut busy = gateway.connect().await;
    let head = format!(
        "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        ADA.len()
    );
    busy.write_all(format!("{head}{ADA}").as_bytes())
        .await
        .expect("sent");
    timeout(DEADLINE, reached.notified())
        .await
        .expect("the request runs");

    gateway.shutdown.cancel();
    let mut idle = idle;
    assert_eq!(
        read_to_end(&mut idle).await,
        "",
        "an idle connection is closed"
    );
    release.notify_one();
    assert!(
        read_to_end(&mut busy).await.starts_with("HTTP/1.1 201 "),
        "the running request is answered"
    );
    gateway.tracker.close();
    drop((idle, busy));
    timeout(DEADLINE, gateway.tracker.wait())
        .await
        .expect("no connection is left");
    let refused = async {
        while TcpStream::connect(gateway.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, refused)
        .await
        .expect("the port is closed");
}

#[tokio::test]
async fn a_request_that_arrived_before_the_shutdown_is_answered_although_it_is_unread() {
    let gateway = Gateway::start().await;
    let mut peers = Vec::new();
    for _ in 0..20 {
        let peer = gateway.connect().await;
        peer.writable().await.expect("connected");
        peers.push(peer);
    }
    eventually("all are accepted", async || {
        gateway.metrics.http_connections.get() == 20
    })
    .await;
    // One thread runs all of this, so that the server reads nothing before the shutdown.
    for peer in &peers {
        let request = b"GET /people HTTP/1.1\r\nhost: localhost\r\n\r\n";
        assert_eq!(peer.try_write(request).expect("sent"), request.len());
    }
    gateway.shutdown.cancel();
    for mut peer in peers {
        let answer = read_to_end(&mut peer).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
