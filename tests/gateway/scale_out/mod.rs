//! Several gateways on one Redis: a change through any of them reaches every client of each, once
//! and in order.

pub(crate) mod clients;
pub(crate) mod fleet;
mod kills;
pub(crate) mod writer;

use clients::{Kinds, Markers, assert_received, follow};
use fleet::Fleet;
use writer::Writer;

use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;

#[tokio::test]
async fn a_change_through_any_gateway_reaches_every_client_of_each_once_and_in_order() {
    for partitions in [1, 4] {
        let fleet = Fleet::start(3, partitions, &[]).await;
        let markers = Markers::new(partitions);
        let mut clients = Vec::new();
        for gateway in &fleet.gateways {
            for kinds in Kinds::ALL {
                let listener = gateway.listen(kinds.query()).await;
                clients.push((
                    kinds,
                    tokio::spawn(follow(listener, markers.sentences(kinds))),
                ));
            }
        }
        let writers = (0..3).map(|name| {
            let mut writer = Writer::new(name, fleet.addresses());
            tokio::spawn(async move { writer.make_changes(40).await })
        });
        let acknowledged = join_writers(writers.collect()).await;
        markers.write(&mut Writer::new(9, fleet.addresses())).await;

        let log = fleet.log().await;
        let positions: Vec<_> = log.iter().map(|change| change.at.to_string()).collect();
        assert!(
            acknowledged.iter().all(|at| positions.contains(at)),
            "every acknowledged write is in the log"
        );
        for (number, (kinds, client)) in clients.into_iter().enumerate() {
            let received = client.await.expect("no panic").expect("never disconnected");
            assert_received(
                &format!("client {number} of {partitions} partitions"),
                kinds,
                &log,
                received,
            );
        }
    }
}

#[tokio::test]
async fn deployments_with_another_prefix_or_database_are_separate() {
    let redis = RedisServer::start(&[]).await;
    let deployment = async |prefix: &str, database: u32| {
        let url = format!("{}/{database}", redis.url());
        Gateway::ready(&[("store.url", &url), ("store.prefix", prefix)]).await
    };
    let gateways = [
        deployment("one", 0).await,
        deployment("one", 1).await,
        deployment("two", 0).await,
    ];
    let mut listeners = Vec::new();
    for gateway in &gateways {
        listeners.push(gateway.listen("").await);
    }
    let names = ["Ada", "Grace", "Joan"];
    for (gateway, name) in gateways.iter().zip(names) {
        gateway.create(&person(name)).await;
    }
    for (gateway, name) in gateways.iter().zip(names) {
        gateway.create(&person(&format!("{name} again"))).await;
    }
    for (listener, name) in listeners.iter_mut().zip(names) {
        let sentences = [listener.sentence().await, listener.sentence().await];
        assert!(
            sentences
                .iter()
                .all(|sentence| sentence.contains(&format!("firstName={name}"))),
            "{sentences:?}"
        );
    }
}

/// Waits for the writers; returns the positions of their changes.
pub(crate) async fn join_writers(
    writers: Vec<tokio::task::JoinHandle<Vec<String>>>,
) -> Vec<String> {
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.expect("the writer finishes"));
    }
    all
}
