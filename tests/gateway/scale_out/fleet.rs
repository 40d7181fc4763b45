//! Gateways that share one Redis.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use people_gateway::domain::{Change, Partition, Partitions};
use people_gateway::store::redis::{Options, hash_tag};

use people_testing::process::Gateway;
use people_testing::process::settings::QUICK;
use people_testing::redis::RedisServer;
use people_testing::redis::log::tails;
use people_testing::wait::eventually;

/// Options for a Redis that keeps every write when its process is killed, as operators should use.
pub(crate) const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A prefix and a database that are not the defaults.
const PREFIX: &str = "fleet";
const DATABASE: u32 = 3;

/// One Redis and its gateways.
pub(crate) struct Fleet {
    pub(crate) redis: RedisServer,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) partitions: u16,
}

impl Fleet {
    /// Starts this many gateways on a new durable Redis; waits until they are ready.
    pub(crate) async fn start(gateways: usize, partitions: u16, settings: &[(&str, &str)]) -> Self {
        Self::on(
            RedisServer::start(DURABLE).await,
            gateways,
            partitions,
            settings,
        )
        .await
    }

    /// Starts this many gateways on this Redis; waits until they are ready.
    pub(crate) async fn on(
        redis: RedisServer,
        gateways: usize,
        partitions: u16,
        settings: &[(&str, &str)],
    ) -> Self {
        let (url, partition_count) = (url(&redis), partitions.to_string());
        let mut all = QUICK.to_vec();
        all.extend([
            ("store.url", &*url),
            ("store.prefix", PREFIX),
            ("store.partitions", &*partition_count),
        ]);
        all.extend(settings);
        let mut running = Vec::new();
        for _ in 0..gateways {
            running.push(Gateway::ready(&all).await);
        }
        Self {
            redis,
            gateways: running,
            partitions,
        }
    }

    /// The addresses of REST.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways
            .iter()
            .map(|gateway| gateway.address)
            .collect()
    }

    /// All changes since the beginning, partition by partition, from the log.
    pub(crate) async fn log(&self) -> Vec<Change> {
        let partitions = Partitions::new(NonZeroU16::new(self.partitions).expect("at least one"));
        let options = Options {
            url: url(&self.redis),
            prefix: PREFIX.to_owned(),
            partitions: Some(partitions),
            ..Options::default()
        };
        let mut log = Vec::new();
        for tail in tails(options).await {
            assert_eq!(
                tail.changes.len() as u64,
                tail.head.seq.get(),
                "the log is not trimmed"
            );
            log.extend(tail.changes);
        }
        log
    }

    /// The channel of the changes of the first of so many partitions.
    pub(crate) fn first_channel(partitions: u16) -> String {
        let partitions = NonZeroU16::new(partitions).expect("at least one");
        let tag = hash_tag(PREFIX, Partition::new(0), Partitions::new(partitions));
        format!("{{{tag}}}:changes:{DATABASE}")
    }

    /// The sum of a counter over all gateways.
    pub(crate) async fn count(&self, name: &str) -> u64 {
        let mut sum = 0;
        for gateway in &self.gateways {
            sum += gateway.count(name).await;
        }
        sum
    }

    /// Waits until every gateway is subscribed.
    pub(crate) async fn all_subscribed(&self) {
        let channel = Self::first_channel(self.partitions);
        eventually("every gateway is subscribed", || async {
            let (_, count): (String, usize) =
                self.redis.command(&["PUBSUB", "NUMSUB", &channel]).await;
            count == self.gateways.len()
        })
        .await;
    }

    /// Ends every subscription, as a Redis does whose output buffers exceed their limit.
    pub(crate) async fn kill_subscriptions(&self) {
        self.redis
            .command::<u32>(&["CLIENT", "KILL", "TYPE", "pubsub"])
            .await;
    }
}

fn url(redis: &RedisServer) -> String {
    format!("{}/{DATABASE}", redis.url())
}
