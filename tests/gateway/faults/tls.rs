//! Redis behind TLS works like any other, if its certificate is trusted: one server, a cluster, and
//! sentinels with their servers.

use std::path::{Path, PathBuf};

use super::start::exit_error;
use people_testing::authority::TlsFiles;
use people_testing::cluster::{Cluster, ClusterOptions};
use people_testing::process::settings::QUICK;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::sentinel::{SentinelOptions, Sentinels};
use people_testing::socket::Listener;
use people_testing::wait::eventually;

/// A Redis with a second port, for TLS.
struct Secured {
    redis: RedisServer,
    url: String,
    files: TlsFiles,
}

impl Secured {
    /// Starts a Redis whose certificate is for this name, signed by a new authority.
    async fn named(name: &str) -> Self {
        let files = TlsFiles::new(&[name]);
        let redis = RedisServer::start_behind_tls(&files).await;
        Self {
            url: format!("rediss://127.0.0.1:{}/3", redis.announced_port()),
            redis,
            files,
        }
    }

    fn authority(&self) -> PathBuf {
        self.files.authority()
    }

    /// Starts a gateway that trusts this authority; `None` means those of the machine.
    async fn gateway(&self, authority: Option<&Path>) -> Gateway {
        let settings = [QUICK, &[("store.url", &*self.url)]].concat();
        match authority {
            Some(authority) => Gateway::trusting(authority, &settings).await,
            None => Gateway::start(&settings).await,
        }
    }
}

/// Asserts that of all connections to the plain port only the one that asks is there.
async fn assert_only_tls(redis: &RedisServer) {
    let clients: String = redis.command(&["CLIENT", "LIST"]).await;
    let plain = format!("laddr=127.0.0.1:{} ", redis.port());
    let count = clients
        .lines()
        .filter(|client| client.contains(&plain))
        .count();
    assert_eq!(count, 1, "only the test uses the plain port: {clients}");
}

/// Asserts that a gateway that trusts the authorities of the machine does not start.
async fn assert_untrusted(url: &str) {
    let gateway = Gateway::start(&[("store.url", url)]).await;
    assert_names_remedy(&exit_error(gateway).await);
}

fn assert_names_remedy(error: &str) {
    assert!(
        error.contains("not trusted here") && error.contains("SSL_CERT_FILE"),
        "{error}"
    );
}

/// Saves people at one gateway; a client of another one is told of each.
async fn assert_relayed(writer: &Gateway, listener: &mut Listener, people: usize) {
    for number in 0..people {
        let id = writer.create(&person(&format!("Ada {number}"))).await;
        let sentence = listener.sentence().await;
        assert!(sentence.contains(&id), "{sentence}");
    }
}

#[tokio::test]
async fn a_redis_behind_tls_takes_writes_and_relays_them() {
    let secured = Secured::named("127.0.0.1").await;
    let writer = secured.gateway(Some(&secured.authority())).await;
    let reader = secured.gateway(Some(&secured.authority())).await;
    for gateway in [&writer, &reader] {
        gateway.wait_ready().await;
    }
    let mut listener = reader.listen("").await;
    assert_relayed(&writer, &mut listener, 3).await;
    assert_only_tls(&secured.redis).await;
}

/// Nodes name the ports for TLS of the others to those who ask by TLS, and their names, which
/// certificates have.
#[tokio::test]
async fn a_cluster_behind_tls_is_found_by_names_and_followed() {
    let options = ClusterOptions {
        tls: Some("localhost"),
        redis: &[
            "--cluster-announce-hostname",
            "localhost",
            "--cluster-preferred-endpoint-type",
            "hostname",
        ],
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start_with(3, 1, options).await;
    let authority = cluster.authority().expect("TLS");
    let url = cluster.url_of(&[1]).replace("127.0.0.1", "localhost");
    assert!(url.starts_with("rediss-cluster://"), "{url}");
    let settings = [QUICK, &[("store.url", &*url)]].concat();
    let writer = Gateway::trusting(&authority, &settings).await;
    let reader = Gateway::trusting(&authority, &settings).await;
    for gateway in [&writer, &reader] {
        gateway.wait_ready().await;
        assert_eq!(gateway.count("store_masters").await, 3);
    }
    let mut listener = reader.listen("").await;
    assert_relayed(&writer, &mut listener, 24).await;
    cluster.failover(cluster.replica_of(0).await).await;
    cluster.wait_stable().await;
    assert_relayed(&writer, &mut listener, 24).await;
    for node in 0..6 {
        assert_only_tls(cluster.server(node)).await;
    }
    assert_untrusted(&url).await;
}

#[tokio::test]
async fn sentinels_and_servers_behind_tls_are_found_and_followed() {
    let options = SentinelOptions {
        tls: Some("127.0.0.1"),
        ..SentinelOptions::default()
    };
    let group = Sentinels::start_with(1, 3, options).await;
    let authority = group.authority().expect("TLS");
    let url = group.url();
    assert!(url.starts_with("rediss-sentinel://"), "{url}");
    let settings = [QUICK, &[("store.url", &*url)]].concat();
    let writer = Gateway::trusting(&authority, &settings).await;
    // Sentinels may be asked without TLS.
    let plain = format!(
        "rediss-sentinel://127.0.0.1:{}/people",
        group.sentinel(0).port()
    );
    let settings = [("store.url", &*plain), ("store.sentinel.tls", "false")];
    let reader = Gateway::trusting(&authority, &[QUICK, &settings].concat()).await;
    for gateway in [&writer, &reader] {
        gateway.wait_ready().await;
    }
    let mut listener = reader.listen("").await;
    assert_relayed(&writer, &mut listener, 5).await;
    group.failover().await;
    assert_relayed(&writer, &mut listener, 5).await;
    for node in 0..2 {
        assert_only_tls(group.server(node)).await;
    }
    assert_untrusted(&url).await;
}

/// The account and the transport of the master are not those of the sentinels.
#[tokio::test]
async fn sentinels_without_tls_end_no_start_and_are_named_in_the_log() {
    let group = Sentinels::start(0, 1).await;
    let url = group.url().replace("redis-sentinel:", "rediss-sentinel:");
    let gateway = Gateway::start(&[("store.url", &url)]).await;
    eventually("the log names the sentinel", || async {
        let log = gateway.log();
        log.contains(&group.sentinel(0).port().to_string()) && log.contains("TLS")
    })
    .await;
    assert_ne!(gateway.readyz().await, 200);
}

#[tokio::test]
async fn an_untrusted_authority_ends_the_start_with_a_remedy() {
    let secured = Secured::named("127.0.0.1").await;
    let other = Secured::named("127.0.0.1").await;
    assert_untrusted(&secured.url).await;
    let gateway = secured.gateway(Some(&other.authority())).await;
    assert_names_remedy(&exit_error(gateway).await);
    let keys: u64 = secured.redis.command(&["DBSIZE"]).await;
    assert_eq!(keys, 0, "nothing was written");
}

#[tokio::test]
async fn the_certificate_of_another_server_ends_the_start_with_its_name() {
    let secured = Secured::named("redis.example").await;
    let error = exit_error(secured.gateway(Some(&secured.authority())).await).await;
    assert!(
        error.contains("redis.example") && error.contains("store.url"),
        "{error}"
    );
}

#[tokio::test]
async fn a_plain_address_of_a_tls_port_is_logged_with_its_correction() {
    let secured = Secured::named("127.0.0.1").await;
    let plain = secured.url.replace("rediss:", "redis:");
    let gateway = Gateway::start(&[("store.url", &plain)]).await;
    eventually("the log has the correction", || async {
        gateway.log().contains("write rediss:// instead")
    })
    .await;
}
