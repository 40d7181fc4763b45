//! The oracle: 24 clients with ten filters hold exactly the people who match through 600 random
//! changes, while subscriptions, gateways and Redis are killed. `ORACLE_SEED=N` repeats a history
//! that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use tokio::task::JoinHandle;

use super::author::Author;
use super::follower::{Follower, Subscription};
use super::{last_of_each_partition, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::join_writers;
use people_testing::people::{CONDITIONS, list};
use people_testing::process::Gateway;
use people_testing::process::settings::FREQUENT_POSITIONS;
use people_testing::wait::eventually;

const CLIENTS: usize = 24;
const CHANGES: usize = 600;
const AUTHORS: u32 = 4;
/// Changes between two faults.
const BETWEEN: usize = 90;

/// The gateways and their store.
enum Deployment {
    Redis(Fleet),
    Embedded(Gateway),
}

/// The process or connections that are killed.
#[derive(Clone, Copy)]
enum Fault {
    Subscriptions,
    Gateway,
    Redis,
}

/// 24 clients. Half of them connect during the writes.
struct Clients {
    addresses: Vec<std::net::SocketAddr>,
    running: Vec<Follower>,
}

#[tokio::test]
async fn views_stay_exact_while_subscriptions_are_killed() {
    let fleet = Fleet::start(3, 4, FREQUENT_POSITIONS).await;
    run(
        Deployment::Redis(fleet),
        4,
        0x5eed_0001,
        &[Fault::Subscriptions; 5],
    )
    .await;
}

#[tokio::test]
async fn views_stay_exact_while_gateways_are_killed_and_clients_resume_on_others() {
    let fleet = Fleet::start(3, 4, FREQUENT_POSITIONS).await;
    run(
        Deployment::Redis(fleet),
        4,
        0x5eed_0002,
        &[Fault::Gateway; 5],
    )
    .await;
}

#[tokio::test]
async fn views_stay_exact_while_redis_is_killed_and_restarted() {
    let fleet = Fleet::start(3, 4, FREQUENT_POSITIONS).await;
    run(Deployment::Redis(fleet), 4, 0x5eed_0003, &[Fault::Redis; 3]).await;
}

#[tokio::test]
async fn views_of_one_partition_stay_exact_through_all_faults_in_turn() {
    let fleet = Fleet::start(3, 1, FREQUENT_POSITIONS).await;
    let faults = [
        Fault::Subscriptions,
        Fault::Gateway,
        Fault::Redis,
        Fault::Gateway,
        Fault::Subscriptions,
    ];
    run(Deployment::Redis(fleet), 1, 0x5eed_0004, &faults).await;
}

#[tokio::test]
async fn views_of_the_embedded_store_stay_exact_while_its_gateway_is_killed() {
    let gateway =
        Gateway::ready(&[FREQUENT_POSITIONS, &[("store.partitions", "4")]].concat()).await;
    run(
        Deployment::Embedded(gateway),
        4,
        0x5eed_0005,
        &[Fault::Gateway; 3],
    )
    .await;
}

async fn run(mut deployment: Deployment, partitions: u16, seed: u64, faults: &[Fault]) {
    let seed = std::env::var("ORACLE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(seed);
    // A test's output is printed when it fails.
    eprintln!("ORACLE_SEED={seed}");
    let written_so_far = Arc::new(AtomicUsize::new(0));
    let mut clients = Clients {
        addresses: deployment.addresses(),
        running: Vec::new(),
    };
    clients.join(0..CLIENTS / 2).await;
    let authors = (0..AUTHORS).map(|number| {
        let author = Author::new(
            seed,
            number,
            deployment.addresses(),
            Arc::clone(&written_so_far),
        );
        tokio::spawn(author.history(CHANGES / AUTHORS as usize))
    });
    let authors: Vec<JoinHandle<_>> = authors.collect();
    for (number, fault) in faults.iter().enumerate() {
        let due = (number + 1) * BETWEEN;
        eventually("authors are at work", async || {
            written_so_far.load(Ordering::SeqCst) >= due
        })
        .await;
        deployment = deployment.inject(*fault, number).await;
        if number == 0 {
            clients.join(CLIENTS / 2..CLIENTS).await;
        }
    }
    let log_positions = join_writers(authors).await;
    assert_eq!(log_positions.len(), CHANGES);
    let last = last_of_each_partition(&log_positions);
    assert_eq!(
        last.len(),
        usize::from(partitions),
        "a change in every partition"
    );

    let all_people = list(deployment.gateway(), "").await;
    assert!(!all_people.is_empty());
    let log = deployment.log().await;
    let mut resumes = 0;
    for (number, client) in clients.running.into_iter().enumerate() {
        let name = format!("client {number} (ORACLE_SEED={seed})");
        let transcript = client.finish(&last).await;
        transcript.assert_consistent(&name);
        resumes += transcript.resumes;
        match (transcript.subscription.kinds, &log) {
            (Kinds::All, _) => {
                truth::assert_exact_view(&name, &transcript, deployment.gateway(), &all_people)
                    .await;
            }
            (_, Some(log)) => truth::assert_exact_changes(&name, &transcript, log),
            (_, None) => {}
        }
    }
    if faults.iter().any(|fault| matches!(fault, Fault::Gateway)) {
        assert!(
            resumes >= CLIENTS / 3,
            "clients of a killed gateway resumed: {resumes}"
        );
    } else {
        assert_eq!(resumes, 0, "a fault below a gateway disconnects no client");
    }
}

impl Clients {
    /// Starts the clients with these numbers, and waits until they are live.
    async fn join(&mut self, numbers: std::ops::Range<usize>) {
        let first = self.running.len();
        for number in numbers {
            // The last two of each half leave some kinds out, and start from now.
            let (kinds, from) = match number % (CLIENTS / 2) {
                10 => (Kinds::Saves, StartPoint::Now),
                11 => (Kinds::Deletes, StartPoint::Now),
                _ => (Kinds::All, StartPoint::Snapshot),
            };
            let condition = CONDITIONS[(number % (CLIENTS / 2)) % CONDITIONS.len()].to_owned();
            let subscription = Subscription {
                kinds,
                condition,
                from,
            };
            self.running.push(Follower::start(
                self.addresses.clone(),
                number,
                subscription,
            ));
        }
        for client in &mut self.running[first..] {
            client
                .until("a client is live", |progress| progress.live_count > 0)
                .await;
        }
    }
}

impl Deployment {
    fn addresses(&self) -> Vec<std::net::SocketAddr> {
        match self {
            Self::Redis(fleet) => fleet.addresses(),
            Self::Embedded(gateway) => vec![gateway.address],
        }
    }

    fn gateway(&self) -> &Gateway {
        match self {
            Self::Redis(fleet) => &fleet.gateways[0],
            Self::Embedded(gateway) => gateway,
        }
    }

    async fn log(&self) -> Option<Vec<people_gateway::domain::Change>> {
        match self {
            Self::Redis(fleet) => Some(fleet.log().await),
            Self::Embedded(_) => None,
        }
    }

    async fn inject(self, fault: Fault, number: usize) -> Self {
        match (self, fault) {
            (Self::Redis(mut fleet), Fault::Gateway) => {
                let victim = fleet.gateways.remove(number % 3);
                fleet
                    .gateways
                    .insert(number % 3, victim.kill9_and_restart().await);
                Self::Redis(fleet)
            }
            (Self::Redis(fleet), Fault::Subscriptions) => {
                fleet.all_subscribed().await;
                fleet.kill_subscriptions().await;
                Self::Redis(fleet)
            }
            (Self::Redis(mut fleet), Fault::Redis) => {
                fleet.redis.kill9();
                fleet.redis.restart().await;
                Self::Redis(fleet)
            }
            (Self::Embedded(gateway), _) => Self::Embedded(gateway.kill9_and_restart().await),
        }
    }
}
