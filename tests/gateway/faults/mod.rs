//! What breaks below the gateway, and what its clients notice of it: a delay.

mod crash;
mod damage;
mod descriptors;
mod frames;
mod history;
mod outage;
mod start;
mod subscription;
mod tls;

use tokio::task::JoinHandle;

use crate::scale_out::fleet::Fleet;
use crate::scale_out::truth::{Kinds, Markers, follow, judge};
use crate::scale_out::writer::Writer;
use people_testing::socket::End;

/// A client at its reading: all that it was shown, or how it was disconnected.
type Client = JoinHandle<Result<Vec<String>, End>>;

/// Text clients of every kind on every gateway of a fleet, connected throughout.
struct Audience {
    clients: Vec<(Kinds, Client)>,
    markers: Markers,
}

impl Audience {
    async fn of(fleet: &Fleet) -> Self {
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

    /// Asserts that each of them was shown exactly what the log holds, and never disconnected; and
    /// that no gateway thought that history had broken.
    async fn has_seen_all(self, fleet: &Fleet) {
        self.markers
            .write(&mut Writer::new(99, fleet.addresses()))
            .await;
        let log = fleet.log().await;
        for (number, (kinds, client)) in self.clients.into_iter().enumerate() {
            let received = client.await.expect("no panic").expect("never disconnected");
            judge(&format!("client {number}"), kinds, &log, received);
        }
        assert_eq!(fleet.count("relay_resets_total").await, 0);
    }
}
