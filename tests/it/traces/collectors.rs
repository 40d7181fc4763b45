//! A collector that is down, or that hangs: nobody but the log notices.

use rustix::process::Signal;
use tokio::net::TcpListener;

use super::{PARENT, SOON, post};
use crate::collector::Collector;
use crate::process::{Gateway, eventually, person};

/// Longer than any test.
const FOR_EVER: &str = "3600000";

#[tokio::test]
async fn a_collector_that_is_down_changes_nothing_for_clients_and_is_told_once() {
    let collector = Collector::start().await;
    let (address, url) = (collector.address(), collector.url());
    drop(collector);
    let few = ("trace.queue_spans", "4");
    let gateway = Gateway::ready(&[("trace.endpoint", &url), SOON, few]).await;
    let mut listener = gateway.listen("").await;
    eventually("the collector is missed", || async {
        assert_eq!(post(&gateway, None).await.0, 201);
        assert!(listener_hears(&gateway).await);
        gateway.log().contains("spans cannot be exported")
    })
    .await;
    for _ in 0..50 {
        assert_eq!(post(&gateway, None).await.0, 201, "more spans than wait for a collector");
    }
    assert!(listener.sentence().await.contains("Ada"));

    let collector = Collector::at(address).await;
    eventually("the collector is there again", || async {
        assert_eq!(post(&gateway, Some(PARENT)).await.0, 201);
        !collector.spans().is_empty() && gateway.log().contains("spans are exported again")
    })
    .await;
    assert_eq!(gateway.log().matches("spans cannot be exported").count(), 1, "{}", gateway.log());
}

/// Whether a save reaches a session.
async fn listener_hears(gateway: &Gateway) -> bool {
    let mut listener = gateway.listen("").await;
    gateway.create(&person("Grace")).await;
    listener.until("Grace").await;
    true
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_neither_requests_nor_the_end() {
    // Connections wait for ever to be accepted.
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", hanging.local_addr().expect("its address"));
    let settings = [("trace.endpoint", &*url), SOON, ("trace.timeout_ms", FOR_EVER), ("shutdown.grace_ms", "1000")];
    let mut gateway = Gateway::ready(&settings).await;
    for _ in 0..5 {
        assert_eq!(post(&gateway, None).await.0, 201);
    }
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exit_code().await, Some(0));
    assert!(gateway.log().contains("the last spans could not be exported"), "{}", gateway.log());
}
