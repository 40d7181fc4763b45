//! A collector that is down or hangs: only the log shows it.

use rustix::process::Signal;
use tokio::net::TcpListener;

use super::{SOON, post};
use people_testing::collector::Collector;
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

/// Longer than any test.
const FOR_EVER: &str = "3600000";

#[tokio::test]
async fn a_collector_that_is_down_changes_nothing_for_clients() {
    let collector = Collector::start().await;
    let url = collector.url();
    drop(collector);
    // Fewer spans than one request has.
    let few = ("trace.queue_spans", "2");
    let gateway = Gateway::ready(&[("trace.endpoint", &url), SOON, few]).await;
    let mut listener = gateway.listen("").await;
    eventually("the outage is logged", || async {
        assert_eq!(post(&gateway, None).await.0, 201);
        gateway.log().contains("spans cannot be exported")
    })
    .await;
    gateway.create(&person("Grace")).await;
    listener.until("Grace").await;
    assert!(
        gateway.count("trace_spans_total").await > 2,
        "more spans than the queue holds"
    );
    assert_eq!(gateway.count("trace_spans_exported_total").await, 0);
}

#[tokio::test]
async fn a_plain_collector_needs_no_certificates_of_authorities() {
    let collector = Collector::start().await;
    let nobody = tempfile::NamedTempFile::new().expect("a file");
    let settings = [("trace.endpoint", &*collector.url()), SOON];
    let gateway = Gateway::trusting(nobody.path(), &settings).await;
    gateway.wait_ready().await;
    eventually("a span arrives", || async {
        assert_eq!(post(&gateway, None).await.0, 201);
        !collector.named("POST /people").is_empty()
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_the_collector_and_its_end_are_each_logged_once() {
    let collector = Collector::start().await;
    collector.refuse();
    let gateway = Gateway::ready(&[("trace.endpoint", &collector.url()), SOON]).await;
    eventually("several exports are refused", || async {
        assert_eq!(post(&gateway, None).await.0, 201);
        collector.refused() > 3
    })
    .await;
    assert_eq!(
        gateway.log().matches("spans cannot be exported").count(),
        1,
        "{}",
        gateway.log()
    );
    collector.accept();
    eventually("several exports are accepted", || async {
        assert_eq!(post(&gateway, None).await.0, 201);
        collector.named("POST /people").len() > 10
    })
    .await;
    let (recorded, exported) = (
        gateway.count("trace_spans_total").await,
        gateway.count("trace_spans_exported_total").await,
    );
    assert!(
        (30..recorded).contains(&exported),
        "{exported} of {recorded}: three a request, those of the outage are lost"
    );
    eventually("the end is logged", || async {
        gateway.log().contains("spans are exported again")
    })
    .await;
    assert_eq!(
        gateway.log().matches("spans are exported again").count(),
        1,
        "{}",
        gateway.log()
    );
}

#[tokio::test]
async fn a_collector_that_hangs_delays_neither_requests_nor_the_shutdown() {
    // This listener never accepts a connection.
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", hanging.local_addr().expect("its address"));
    let settings = [
        ("trace.endpoint", &*url),
        SOON,
        ("trace.timeout_ms", FOR_EVER),
        ("shutdown.grace_ms", "1000"),
    ];
    let mut gateway = Gateway::ready(&settings).await;
    for _ in 0..5 {
        assert_eq!(post(&gateway, None).await.0, 201);
    }
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exit_code().await, Some(0));
    assert!(
        gateway
            .log()
            .contains("the last spans could not be exported"),
        "{}",
        gateway.log()
    );
}
