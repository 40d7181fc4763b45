//! The admin listener: liveness, readiness and metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use people_gateway::http::{AdminOptions, Exposure, HttpServer, ServerOptions, admin_router};
use people_gateway::store::{self, DamageLocation, KnownDamage};
use people_gateway::telemetry::{self, Readiness};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use people_testing::http::{Answer, read_to_end};

/// An admin listener on loopback, whose metrics count one write.
struct Admin {
    address: SocketAddr,
    client: reqwest::Client,
    readiness: Readiness,
    metrics: store::Metrics,
}

impl Admin {
    /// Starts it; it ends with the runtime of the test.
    fn start() -> Self {
        let readiness = Readiness::new(Duration::from_secs(600));
        let mut registry = telemetry::registry(readiness.clone());
        let metrics = store::Metrics::register(&mut registry);
        metrics.store_writes.inc();
        let server = HttpServer::bind(
            ([127, 0, 0, 1], 0).into(),
            ServerOptions::default(),
            Arc::default(),
        )
        .expect("a port");
        let address = server.local_addr().expect("an address");
        let options = AdminOptions {
            exposure: Exposure::Local,
            hosts: vec!["people.example".parse().expect("a host")],
        };
        let router = admin_router(
            options,
            readiness.clone(),
            metrics.store_damage.clone(),
            Arc::new(registry),
        );
        tokio::spawn(server.serve(router, CancellationToken::new(), TaskTracker::new()));
        Self {
            address,
            client: reqwest::Client::new(),
            readiness,
            metrics,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(format!("http://{}{path}", self.address))).await
    }
}

#[tokio::test]
async fn the_admin_listener_reports_liveness_readiness_and_metrics() {
    let admin = Admin::start();
    let (readiness, metrics) = (&admin.readiness, &admin.metrics);
    let get = |path| admin.get(path);
    assert_eq!(get("/livez").await.status, 200);
    let early = get("/readyz").await;
    assert_eq!(early.status, 503);
    assert!(early.body.contains("no probe"), "{early:?}");
    let partition = people_gateway::domain::Partition::new(0);
    readiness.await_probes(people_gateway::domain::Partitions::ONE);
    readiness.probe_arrived(&[partition]);
    let ready = get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    let damage = DamageLocation::Ids(partition);
    metrics
        .store_damage
        .found(damage, "it names 2 people, and there are 3 records");
    let degraded = get("/readyz").await;
    assert_eq!(degraded.status, 200, "all other people are served");
    assert!(
        degraded
            .body
            .starts_with("degraded: list of ids of partition 0: it names 2"),
        "{degraded:?}"
    );
    metrics.store_damage.mended(damage);
    assert_eq!(get("/readyz").await.body, "ready\n");
    readiness.drain();
    let draining = get("/readyz").await;
    assert_eq!(draining.status, 503);
    assert!(draining.body.contains("shutting down"), "{draining:?}");
    assert_eq!(get("/livez").await.status, 200);

    let counted = get("/metrics").await;
    assert_eq!(
        counted.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(
        counted
            .body
            .contains("\npeople_gateway_store_writes_total 1\n"),
        "{}",
        counted.body
    );
    get("/people").await.problem(404, "not-found");
}

/// Scrapers that prefer the older format get it, and a page whose name was pointed at this machine
/// gets nothing.
#[tokio::test]
async fn metrics_have_the_preferred_format_and_are_refused_to_unknown_hosts() {
    let admin = Admin::start();
    let ask = |accept: &str, host: &str| {
        let request = admin
            .client
            .get(format!("http://{}/metrics", admin.address))
            .header("accept", accept);
        Answer::of(request.header("host", host))
    };
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, kind) in [
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", text),
        ("text/plain", text),
        (
            "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            open,
        ),
        ("*/*", open),
        ("text/html", open),
    ] {
        let answer = ask(accept, "localhost").await;
        assert_eq!(answer.header("content-type"), Some(kind), "{accept}");
        let line_of_it = if kind == text {
            "# TYPE people_gateway_store_writes_total counter"
        } else {
            "# EOF"
        };
        assert!(
            answer.body.lines().any(|line| line == line_of_it),
            "{}",
            answer.body
        );
    }
    assert_eq!(ask("*/*", "people.example:9091").await.status, 200);
    ask("*/*", "evil.example").await.problem(421, "host");
    admin.readiness.drain();
    let mut old = tokio::net::TcpStream::connect(admin.address)
        .await
        .expect("a connection");
    old.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")
        .await
        .expect("sent");
    assert!(
        read_to_end(&mut old).await.starts_with("HTTP/1.0 503 "),
        "a balancer's check may have no Host"
    );
}

#[tokio::test]
async fn a_server_listens_at_all_its_addresses() {
    let bind = |ip: [u8; 4], port| {
        HttpServer::bind((ip, port).into(), ServerOptions::default(), Arc::default())
    };
    let first = bind([127, 0, 0, 1], 0).expect("a port");
    let port = first.local_addr().expect("an address").port();
    // A second address of loopback, as a name may have.
    let server = first.and(bind([127, 0, 0, 2], port).expect("the same port there"));
    let registry = telemetry::registry(Readiness::new(Duration::from_secs(600)));
    let shutdown = CancellationToken::new();
    let options = AdminOptions {
        exposure: Exposure::Local,
        hosts: Vec::new(),
    };
    let readiness = Readiness::new(Duration::from_secs(600));
    let router = admin_router(
        options,
        readiness,
        KnownDamage::default(),
        Arc::new(registry),
    );
    let serving = tokio::spawn(server.serve(router, shutdown.clone(), TaskTracker::new()));
    for turn in [1, 2, 1, 2] {
        let answer = reqwest::get(format!("http://127.0.0.{turn}:{port}/livez"))
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    shutdown.cancel();
    serving.await.expect("it ends");
    assert!(
        bind([127, 0, 0, 2], port).is_ok(),
        "the address is free again"
    );
}
