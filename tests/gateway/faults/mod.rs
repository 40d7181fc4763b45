//! Faults of the gateway and below it, and what its clients notice of them: a delay at most, unless
//! Redis lost data.

mod crash;
mod damage;
mod descriptors;
mod discontinuity;
mod frames;
mod outage;
mod start;
mod subscription;
mod tls;

use tokio::task::JoinHandle;

use crate::scale_out::clients::{Kinds, Markers, assert_received, follow};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::writer::Writer;
use people_testing::socket::End;

/// A client that reads: it returns its sentences, or how it was disconnected.
type Client = JoinHandle<Result<Vec<String>, End>>;

/// Text clients of every kind on every gateway of a fleet, connected throughout.
struct TextClients {
    clients: Vec<(Kinds, Client)>,
    markers: Markers,
}

impl TextClients {
    async fn connect(fleet: &Fleet) -> Self {
        let markers = Markers::new(fleet.partitions);
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
        Self { clients, markers }
    }

    /// Asserts that each client received exactly the changes in the log and was never disconnected,
    /// and that no gateway found a discontinuity.
    async fn assert_received_all(self, fleet: &Fleet) {
        self.markers
            .write(&mut Writer::new(99, fleet.addresses()))
            .await;
        let log = fleet.log().await;
        for (number, (kinds, client)) in self.clients.into_iter().enumerate() {
            let received = client.await.expect("no panic").expect("never disconnected");
            assert_received(&format!("client {number}"), kinds, &log, received);
        }
        assert_eq!(fleet.count("relay_resets_total").await, 0);
    }
}
