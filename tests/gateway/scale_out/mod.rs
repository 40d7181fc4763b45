//! Several gateways on one Redis: a change that any of them takes reaches every client of each,
//! once and in order.

mod bar;
pub(crate) mod fleet;
pub(crate) mod truth;
pub(crate) mod writer;

use fleet::Fleet;
use truth::{Kinds, Markers, follow, judge};
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
            tokio::spawn(async move { writer.history(40).await })
        });
        let acknowledged = written(writers.collect()).await;
        markers.write(&mut Writer::new(9, fleet.addresses())).await;

        let log = fleet.log().await;
        let places: Vec<_> = log.iter().map(|change| change.at.to_string()).collect();
        assert!(
            acknowledged.iter().all(|at| places.contains(at)),
            "what was acknowledged is in the log"
        );
        for (number, (kinds, client)) in clients.into_iter().enumerate() {
            let received = client.await.expect("no panic").expect("never disconnected");
            judge(
                &format!("client {number} of {partitions} partitions"),
                kinds,
                &log,
                received,
            );
        }
    }
}

#[tokio::test]
async fn a_prefix_and_a_database_of_their_own_keep_deployments_apart() {
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
        let heard = [listener.sentence().await, listener.sentence().await];
        assert!(
            heard
                .iter()
                .all(|sentence| sentence.contains(&format!("firstName={name}"))),
            "{heard:?}"
        );
    }
}

/// Where all that the writers wrote stands.
pub(crate) async fn written(writers: Vec<tokio::task::JoinHandle<Vec<String>>>) -> Vec<String> {
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.expect("the writer gets through"));
    }
    all
}
