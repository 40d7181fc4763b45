//! Writers on all gateways, while all subscriptions are killed again and again, and one gateway
//! once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::clients::{Kinds, Markers, assert_received, follow};
use super::fleet::Fleet;
use super::join_writers;
use super::writer::Writer;
use people_testing::socket::End;
use people_testing::wait::DEADLINE;

const PARTITIONS: u16 = 4;
const CLIENTS_PER_GATEWAY: usize = 10;
const WRITERS: u32 = 8;
const CHANGES: usize = 2_000;
/// The gateway that is killed.
const VICTIM: usize = 0;
/// Changes between two kills of all subscriptions.
const CHANGES_PER_KILL: usize = 100;

/// Counters that all writers share.
struct Progress {
    /// Changes that writers have begun.
    begun: AtomicUsize,
    /// Changes that may begin: a few more than the next kill waits for, so that writers are at work
    /// during each kill.
    allowed: Semaphore,
    /// Changes that were acknowledged.
    made: AtomicUsize,
    moved: Notify,
}

impl Progress {
    fn new() -> Arc<Self> {
        let (begun, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self {
            begun,
            allowed: Semaphore::new(2 * CHANGES_PER_KILL),
            made,
            moved: Notify::new(),
        })
    }

    /// Takes one of the remaining changes; false if none is left. Writers share them, so that none
    /// ends long before the others.
    async fn begin(&self) -> bool {
        let left = self.begun.fetch_add(1, Ordering::SeqCst) < CHANGES;
        if left {
            self.allowed.acquire().await.expect("never closed").forget();
        }
        left
    }

    fn done(&self) {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    async fn wait_for(&self, count: usize) {
        let reached = async {
            loop {
                let moved = self.moved.notified();
                if self.made.load(Ordering::SeqCst) >= count {
                    return;
                }
                moved.await;
            }
        };
        timeout(DEADLINE, reached)
            .await
            .expect("the writers make progress");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connected_client_gets_every_change_of_its_kinds_once_despite_kills() {
    let mut fleet = Fleet::start(3, PARTITIONS, &[]).await;
    let markers = Markers::new(PARTITIONS);
    let mut clients = Vec::new();
    for (number, gateway) in fleet.gateways.iter().enumerate() {
        for client in 0..CLIENTS_PER_GATEWAY {
            let kinds = Kinds::ALL[client % Kinds::ALL.len()];
            let listener = gateway.listen(kinds.query()).await;
            clients.push((
                number,
                kinds,
                tokio::spawn(follow(listener, markers.sentences(kinds))),
            ));
        }
    }
    let addresses = fleet.addresses();
    let progress = Progress::new();
    let writers = (0..WRITERS).map(|name| {
        let (mut writer, progress) = (Writer::new(name, addresses.clone()), Arc::clone(&progress));
        tokio::spawn(async move {
            let mut positions = Vec::new();
            while progress.begin().await {
                positions.push(writer.change().await);
                progress.done();
            }
            positions
        })
    });
    let writers = writers.collect();
    for kill in 1..CHANGES / CHANGES_PER_KILL {
        progress.wait_for(kill * CHANGES_PER_KILL).await;
        fleet.all_subscribed().await;
        fleet.kill_subscriptions().await;
        if kill == CHANGES / CHANGES_PER_KILL / 2 {
            let victim = fleet.gateways.remove(VICTIM);
            fleet
                .gateways
                .insert(VICTIM, victim.kill9_and_restart().await);
        }
        progress.allowed.add_permits(CHANGES_PER_KILL);
    }
    let acknowledged = join_writers(writers).await;
    markers.write(&mut Writer::new(WRITERS, addresses)).await;

    let log = fleet.log().await;
    assert_eq!(
        log.len(),
        CHANGES + 2 * usize::from(PARTITIONS),
        "a repeated write made no second change"
    );
    let positions: HashSet<_> = log.iter().map(|change| change.at.to_string()).collect();
    let acknowledged: HashSet<_> = acknowledged.into_iter().collect();
    assert_eq!(acknowledged.len(), CHANGES);
    assert!(
        acknowledged.is_subset(&positions),
        "every acknowledged write is in the log"
    );
    for (number, (gateway, kinds, client)) in clients.into_iter().enumerate() {
        let received = client.await.expect("no panic");
        if gateway == VICTIM {
            assert_eq!(received, Err(End::Cut));
        } else {
            assert_received(
                &format!("client {number}"),
                kinds,
                &log,
                received.expect("never disconnected"),
            );
        }
    }
    assert_healed_without_a_reset(&fleet).await;
}

async fn assert_healed_without_a_reset(fleet: &Fleet) {
    for (number, gateway) in fleet.gateways.iter().enumerate() {
        assert_eq!(
            gateway.count("relay_resets_total").await,
            0,
            "gateway {number}"
        );
        if number != VICTIM {
            let kills = (CHANGES / CHANGES_PER_KILL - 1) as u64;
            assert_eq!(
                gateway.count("relay_disconnects_total").await,
                kills,
                "every kill disconnected gateway {number}"
            );
        }
    }
}
