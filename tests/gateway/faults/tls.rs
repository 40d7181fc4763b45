//! Redis behind TLS works like any other, if its certificate is trusted.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::start::exit_error;
use people_testing::authority::Authority;
use people_testing::port::free_port;
use people_testing::process::settings::QUICK;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::wait::eventually;

/// A Redis with a second port, for TLS.
struct Secured {
    redis: RedisServer,
    url: String,
    folder: TempDir,
}

impl Secured {
    /// Starts a Redis whose certificate is for this name, signed by a new authority.
    async fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new();
        let certificate = authority.certificate(&[name], [1975, 4096]);
        let file = |name: &str, pem: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).expect("a file in our own folder");
            path.to_str().expect("text").to_owned()
        };
        let authority = authority.write(folder.path());
        let authority = authority.to_str().expect("text");
        let (certificate, key) = (
            file("redis.pem", certificate.pem()),
            file("redis.key", &certificate.key_pem()),
        );
        let port = free_port();
        let options = [
            ("--tls-port", &*port.to_string()),
            ("--tls-ca-cert-file", authority),
            ("--tls-cert-file", &certificate),
            ("--tls-key-file", &key),
            ("--tls-auth-clients", "no"),
        ];
        let redis = RedisServer::start(&options.map(|(name, value)| [name, value]).concat()).await;
        Self {
            redis,
            url: format!("rediss://127.0.0.1:{port}/3"),
            folder,
        }
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
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

#[tokio::test]
async fn a_redis_behind_tls_takes_writes_and_relays_them() {
    let secured = Secured::named("127.0.0.1").await;
    let writer = secured.gateway(Some(&secured.authority())).await;
    let reader = secured.gateway(Some(&secured.authority())).await;
    for gateway in [&writer, &reader] {
        gateway.wait_ready().await;
    }
    let mut listener = reader.listen("").await;
    for name in ["Ada", "Grace", "Joan"] {
        let id = writer.create(&person(name)).await;
        let sentence = listener.sentence().await;
        assert!(
            sentence.contains(&id) && sentence.contains(name),
            "{sentence}"
        );
    }
    let clients: String = secured.redis.command(&["CLIENT", "LIST"]).await;
    let plain = format!("laddr=127.0.0.1:{} ", secured.redis.port());
    assert_eq!(
        clients
            .lines()
            .filter(|client| client.contains(&plain))
            .count(),
        1,
        "only the test uses the plain port: {clients}"
    );
}

#[tokio::test]
async fn an_untrusted_authority_ends_the_start_with_a_remedy() {
    let secured = Secured::named("127.0.0.1").await;
    let other = Secured::named("127.0.0.1").await;
    for authority in [None, Some(other.authority())] {
        let error = exit_error(secured.gateway(authority.as_deref()).await).await;
        assert!(
            error.contains("not trusted here") && error.contains("SSL_CERT_FILE"),
            "{error}"
        );
    }
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
