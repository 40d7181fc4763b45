//! The trace context: published frames carry it only if the write's trace is recorded, and the log
//! never keeps it.

use ::redis::aio::PubSub;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{PARENT, SOON, TRACE, post, span};
use crate::scale_out::fleet::Fleet;
use people_testing::collector::Collector;
use people_testing::wait::DEADLINE;

/// Subscribes to the changes of the fleet's only partition.
async fn subscribe(fleet: &Fleet) -> PubSub {
    let client = ::redis::Client::open(fleet.redis.url()).expect("an address");
    let mut channel = client.get_async_pubsub().await.expect("a connection");
    channel
        .subscribe(Fleet::first_channel(1))
        .await
        .expect("subscribed");
    channel
}

/// Waits for the next frame; returns the tokens of its header.
async fn header(channel: &mut PubSub) -> Vec<String> {
    let message = timeout(DEADLINE, channel.on_message().next())
        .await
        .expect("in time")
        .expect("a frame");
    let frame = String::from_utf8(message.get_payload_bytes().to_vec()).expect("text");
    frame
        .lines()
        .next()
        .expect("a header")
        .split(' ')
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn frames_carry_a_context_only_with_a_collector_and_a_recorded_trace() {
    let fleet = Fleet::start(1, 1, &[]).await;
    let mut channel = subscribe(&fleet).await;
    assert_eq!(post(&fleet.gateways[0], Some(PARENT)).await.0, 201);
    let plain = header(&mut channel).await;
    assert_eq!(plain.len(), 11, "{plain:?}");

    let collector = Collector::start().await;
    let fleet = Fleet::on(
        fleet.redis,
        1,
        1,
        &[("trace.endpoint", &collector.url()), SOON],
    )
    .await;
    let mut channel = subscribe(&fleet).await;
    assert_eq!(
        post(&fleet.gateways[0], Some(&PARENT.replace("-01", "-00")))
            .await
            .0,
        201
    );
    assert_eq!(
        header(&mut channel).await.len(),
        11,
        "the caller does not record this trace"
    );
    assert_eq!(post(&fleet.gateways[0], Some(PARENT)).await.0, 201);
    let traced = header(&mut channel).await;
    let write = span(&collector, "publish people").await;
    assert_eq!(traced[11..], [format!("00-{TRACE}-{}-01", write.id)]);

    assert!(
        fleet
            .log()
            .await
            .iter()
            .all(|change| change.trace.is_none()),
        "the log keeps no trace context"
    );
}
