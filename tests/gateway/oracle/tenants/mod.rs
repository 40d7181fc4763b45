//! Tenants that share people: whatever moves, refreshes, breaks or is cut, no client receives a
//! person or a value that its token hides, and each ends with exactly the view of its token.

mod access;
mod author;
mod stream;
mod watcher;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_testing::http::Answer;
use people_testing::issuer::{Issuer, claims, key_set};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::access::{Access, POLICY, TENANTS};
use self::author::{Pace, TenantAuthor};
use self::watcher::{Command, Counts, OwnFilter, RunningWatcher, TenantWatcher};
use crate::auth::TestFile;
use crate::scale_out::fleet::{DURABLE, Fleet};
use crate::scale_out::join_writers;
use crate::views::reader::ViewFormat;
use crate::views::{WriteHeads, listed, path};
use people_testing::process::settings::FREQUENT_POSITIONS;

/// One history each.
const SEEDS: [u64; 3] = [0x5eed_7e4a, 0x5eed_7e4b, 0x5eed_7e4c];
const PARTITIONS: u16 = 2;
const AUTHORS: u32 = 4;
const ROUNDS: usize = 14;
/// Changes of all authors in one round.
const CHANGES: usize = 60;
/// Changes of a round before its tokens, cuts and kills: authors are at work meanwhile.
const CHANGES_BEFORE: usize = 10;
/// The rounds in which a gateway is killed, each with its number.
const KILLS: [(usize, usize); 3] = [(3, 0), (7, 1), (11, 0)];

const OWN_FILTER: OwnFilter = OwnFilter {
    text: "age >= 30 || attributes.level == 1",
    holds: |person| {
        person["age"].as_u64().expect("an age") >= 30 || person["attributes"]["level"] == 1
    },
};

/// The clients of one tenant: format, filter, and whether their tokens change.
const CLIENTS: [(ViewFormat, Option<OwnFilter>, bool); 6] = [
    (ViewFormat::Json, None, false),
    (ViewFormat::Json, None, true),
    (ViewFormat::Json, Some(OWN_FILTER), false),
    (ViewFormat::Json, Some(OWN_FILTER), true),
    (ViewFormat::CloudEvents, None, true),
    (ViewFormat::Sse, None, true),
];

/// The changes that clients must meet.
const CHANGE_TYPES: &[&str] = &["create", "enter", "update", "leave", "delete", "batch"];

/// Gateways on one Redis that share a policy, and the issuer of their tokens.
struct TenantFleet {
    fleet: Fleet,
    issuer: Arc<Issuer>,
    /// An administrator's token.
    admin: String,
    _files: [TestFile; 2],
}

/// Names the seed if the test fails.
struct SeedReport(u64);

impl Drop for SeedReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {:#x}", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_sees_a_foreign_person_while_people_tokens_and_gateways_change() {
    let mut counts = Counts::new();
    for seed in SEEDS {
        let report = SeedReport(seed);
        let mut office = TenantFleet::start().await;
        let pace = Arc::new(Pace {
            allowed: Semaphore::new(0),
            written: AtomicUsize::new(0),
        });
        let authors = office.start_authors(seed, &pace);
        let watchers = office.start_watchers();
        let mut random = StdRng::seed_from_u64(seed);
        for round in 0..ROUNDS {
            pace.allowed.add_permits(CHANGES);
            eventually("authors are at work", async || {
                pace.written.load(Ordering::SeqCst) >= round * CHANGES + CHANGES_BEFORE
            })
            .await;
            disturb(&watchers, round, &mut random).await;
            if let Some((_, victim)) = KILLS.iter().find(|(killed, _)| *killed == round) {
                office.kill_and_restart(*victim).await;
            }
        }
        let mut written = WriteHeads::default();
        for at in join_writers(authors).await {
            written.add(&at);
        }
        let everyone = listed(&office.fleet.gateways[0], "").await;
        for (watcher, _) in watchers {
            let watcher = watcher.finish(&written).await;
            office.assert_exact(&watcher, &everyone).await;
            for (what, count) in watcher.counts {
                *counts.entry(what).or_default() += count;
            }
        }
        drop(report);
    }
    for what in [
        CHANGE_TYPES,
        &["snapshot", "token", "reset", "resumed", "lost"],
    ]
    .concat()
    {
        assert!(
            counts.contains_key(what),
            "the test met no {what}: {counts:?}"
        );
    }
}

impl TenantFleet {
    /// Starts two gateways with the policy on one durable Redis.
    async fn start() -> Self {
        let issuer = Arc::new(Issuer::new("HS256"));
        let admin = issuer.token(&claims("root", "admin"));
        let keys = TestFile::new("keys", &key_set(&[issuer.jwk()]));
        let policy = TestFile::new("policy.toml", POLICY);
        let rights = [
            ("auth.mode", "jwt"),
            ("auth.keys", keys.text()),
            ("auth.policy", policy.text()),
            // Pages so small that a snapshot takes several.
            ("live.snapshot_people", "8"),
        ];
        let settings = [FREQUENT_POSITIONS, &rights].concat();
        let redis = RedisServer::start(DURABLE).await;
        let mut fleet = Fleet::on(redis, 2, PARTITIONS, &settings).await;
        for gateway in &mut fleet.gateways {
            gateway.token = Some(admin.clone());
        }
        Self {
            fleet,
            issuer,
            admin,
            _files: [keys, policy],
        }
    }

    fn start_authors(&self, seed: u64, pace: &Arc<Pace>) -> Vec<JoinHandle<Vec<String>>> {
        let authors = (0..AUTHORS).map(|number| {
            let (gateways, pace) = (self.fleet.addresses(), Arc::clone(pace));
            let author = TenantAuthor::new((seed, number), gateways, &self.admin, pace);
            tokio::spawn(author.history(ROUNDS * CHANGES / AUTHORS as usize))
        });
        authors.collect()
    }

    /// Starts the clients of all tenants, on both gateways. Each comes with the number of its
    /// tenant if its tokens change.
    fn start_watchers(&self) -> Vec<(RunningWatcher, Option<usize>)> {
        let mut watchers = Vec::new();
        for (number, tenant) in TENANTS.into_iter().enumerate() {
            for (client, (format, filter, changes)) in CLIENTS.into_iter().enumerate() {
                let mut gateways = self.fleet.addresses();
                gateways.rotate_left((number + client) % 2);
                let access = Access {
                    tenant,
                    is_narrow: false,
                };
                let watcher = TenantWatcher::new(
                    format!("{tenant}-{client}"),
                    Arc::clone(&self.issuer),
                    gateways,
                    (format, filter, access),
                );
                watchers.push((watcher.start(), changes.then_some(number)));
            }
        }
        watchers
    }

    async fn kill_and_restart(&mut self, victim: usize) {
        let gateway = self.fleet.gateways.remove(victim);
        let gateway = gateway.kill9_and_restart().await;
        gateway.wait_ready().await;
        self.fleet.gateways.insert(victim, gateway);
    }

    /// Asserts that a client's view is what an administrator sees, filtered and masked by the test,
    /// and that the client's list is the same on each gateway.
    async fn assert_exact(&self, watcher: &TenantWatcher, everyone: &BTreeMap<String, Value>) {
        let expected: BTreeMap<String, Value> = everyone
            .iter()
            .filter(|(_, person)| watcher.admits(person))
            .map(|(id, person)| (id.clone(), watcher.access.shown(person)))
            .collect();
        let what = format!("{} {:?}", watcher.name, watcher.access);
        assert_eq!(watcher.view.people, expected, "the view of {what}");
        let token = watcher.access.token(&self.issuer, &watcher.name);
        let condition = watcher.filter.map_or("", |filter| filter.text);
        let path = path("/people", &[("where", condition)]);
        for gateway in &self.fleet.gateways {
            let answer = Answer::of(gateway.request_as(Some(&token), "GET", &path)).await;
            watcher.access.assert_hides(&answer.body);
            let list = answer.json();
            let list: Vec<&Value> = list.as_array().expect("a list").iter().collect();
            assert_eq!(list, expected.values().collect::<Vec<_>>(), "{what}");
        }
    }
}

/// Gives clients new tokens, and cuts some, at times just after a token was sent.
async fn disturb(watchers: &[(RunningWatcher, Option<usize>)], round: usize, random: &mut StdRng) {
    for (watcher, tenant) in watchers {
        if let Some(tenant) = tenant
            && let Some(access) = access_of(*tenant, round)
        {
            watcher.command(Command::Take(access)).await;
        }
        if random.random_bool(0.2) {
            watcher.command(Command::Cut).await;
        }
    }
}

/// The rights that a client takes in a round, if any, by the number of its first tenant: another
/// tenant, the same again, the narrow role of it, that of another tenant, and a whole tenant.
fn access_of(tenant: usize, round: usize) -> Option<Access> {
    let (further, is_narrow) = match round {
        2 | 3 => (1, false),
        5 | 7 => (1, true),
        9 => (2, true),
        11 => (2, false),
        12 => (0, true),
        _ => return None,
    };
    Some(Access {
        tenant: TENANTS[(tenant + further) % TENANTS.len()],
        is_narrow,
    })
}
