//! The oracle: 24 clients with ten filters hold exactly what matches through 600 random changes,
//! while subscriptions, gateways and Redis are killed. A history that fails is written again with
//! `ORACLE_SEED=N`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_client::StartPoint;
use people_gateway::filter::Kinds;
use tokio::task::JoinHandle;

use super::author::{Author, CONDITIONS};
use super::follower::{Asks, Follower};
use super::{TELLING, last_of_each, truth};
use crate::scale_out::fleet::Fleet;
use crate::scale_out::written;
use people_testing::process::Gateway;
use people_testing::wait::eventually;

const CLIENTS: usize = 24;
const CHANGES: usize = 600;
const AUTHORS: u32 = 4;
/// Changes between two faults.
const BETWEEN: usize = 90;

/// The gateways, and where they keep their people.
enum World {
    Redis(Fleet),
    Embedded(Gateway),
}

/// What is killed.
#[derive(Clone, Copy)]
enum Fault {
    Subscriptions,
    Gateway,
    Redis,
}

/// 24 clients, of whom half come while people are being written.
struct Clients {
    addresses: Vec<std::net::SocketAddr>,
    running: Vec<Follower>,
}

#[tokio::test]
async fn views_stay_exact_while_subscriptions_are_killed() {
    let fleet = Fleet::start(3, 4, TELLING).await;
    run(
        World::Redis(fleet),
        4,
        0x5eed_0001,
        &[Fault::Subscriptions; 5],
    )
    .await;
}

#[tokio::test]
async fn views_stay_exact_while_gateways_are_killed_and_clients_resume_on_others() {
    let fleet = Fleet::start(3, 4, TELLING).await;
    run(World::Redis(fleet), 4, 0x5eed_0002, &[Fault::Gateway; 5]).await;
}

#[tokio::test]
async fn views_stay_exact_while_redis_is_killed_and_restarted() {
    let fleet = Fleet::start(3, 4, TELLING).await;
    run(World::Redis(fleet), 4, 0x5eed_0003, &[Fault::Redis; 3]).await;
}

#[tokio::test]
async fn views_of_one_partition_stay_exact_through_all_faults_in_turn() {
    let fleet = Fleet::start(3, 1, TELLING).await;
    let faults = [
        Fault::Subscriptions,
        Fault::Gateway,
        Fault::Redis,
        Fault::Gateway,
        Fault::Subscriptions,
    ];
    run(World::Redis(fleet), 1, 0x5eed_0004, &faults).await;
}

#[tokio::test]
async fn views_of_the_embedded_store_stay_exact_while_its_gateway_is_killed() {
    let gateway = Gateway::ready(&[TELLING, &[("store.partitions", "4")]].concat()).await;
    run(
        World::Embedded(gateway),
        4,
        0x5eed_0005,
        &[Fault::Gateway; 3],
    )
    .await;
}

async fn run(mut world: World, partitions: u16, seed: u64, faults: &[Fault]) {
    let seed = std::env::var("ORACLE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(seed);
    // Shown where the test fails.
    eprintln!("ORACLE_SEED={seed}");
    let written_so_far = Arc::new(AtomicUsize::new(0));
    let mut clients = Clients {
        addresses: world.addresses(),
        running: Vec::new(),
    };
    clients.join(0..CLIENTS / 2).await;
    let authors = (0..AUTHORS).map(|number| {
        let author = Author::new(seed, number, world.addresses(), Arc::clone(&written_so_far));
        tokio::spawn(author.history(CHANGES / AUTHORS as usize))
    });
    let authors: Vec<JoinHandle<_>> = authors.collect();
    for (number, fault) in faults.iter().enumerate() {
        let due = (number + 1) * BETWEEN;
        eventually("authors are at work", async || {
            written_so_far.load(Ordering::SeqCst) >= due
        })
        .await;
        world = world.suffer(*fault, number).await;
        if number == 0 {
            clients.join(CLIENTS / 2..CLIENTS).await;
        }
    }
    let places = written(authors).await;
    assert_eq!(places.len(), CHANGES);
    let last = last_of_each(&places);
    assert_eq!(
        last.len(),
        usize::from(partitions),
        "every partition was written to"
    );

    let everyone = truth::list(world.gateway(), "").await;
    assert!(!everyone.is_empty());
    let log = world.log().await;
    let mut resumes = 0;
    for (number, client) in clients.running.into_iter().enumerate() {
        let who = format!("client {number} (ORACLE_SEED={seed})");
        let shown = client.finish(&last).await;
        shown.was_told_the_truth(&who);
        resumes += shown.resumes;
        match (shown.asks.kinds, &log) {
            (Kinds::All, _) => truth::judge(&who, &shown, world.gateway(), &everyone).await,
            (_, Some(log)) => truth::judge_kinds(&who, &shown, log),
            (_, None) => {}
        }
    }
    if faults.iter().any(|fault| matches!(fault, Fault::Gateway)) {
        assert!(
            resumes >= CLIENTS / 3,
            "clients of a killed gateway resumed: {resumes}"
        );
    } else {
        assert_eq!(resumes, 0, "what breaks below a gateway disconnects nobody");
    }
}

impl Clients {
    /// Starts clients with these numbers. They are live when this returns.
    async fn join(&mut self, numbers: std::ops::Range<usize>) {
        let first = self.running.len();
        for number in numbers {
            // The last of each half leave some kinds out; they begin with now, whoever is there.
            let (kinds, from) = match number % (CLIENTS / 2) {
                10 => (Kinds::Saves, StartPoint::Now),
                11 => (Kinds::Deletes, StartPoint::Now),
                _ => (Kinds::All, StartPoint::Snapshot),
            };
            let condition = CONDITIONS[(number % (CLIENTS / 2)) % CONDITIONS.len()].to_owned();
            let asks = Asks {
                kinds,
                condition,
                from,
            };
            self.running
                .push(Follower::start(self.addresses.clone(), number, asks));
        }
        for client in &mut self.running[first..] {
            client
                .until("a client is live", |progress| progress.lives > 0)
                .await;
        }
    }
}

impl World {
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

    async fn suffer(self, fault: Fault, number: usize) -> Self {
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
