//! Three gateways on one Redis behind HAProxy with the file that Compose mounts:
//! `deploy/haproxy.cfg`.
//!
//! `dns` stands in for Docker's DNS. The gateways have one port on three addresses of loopback, as
//! containers do.

mod dns;

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use people_testing::haproxy::Haproxy;
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;
use people_testing::socket::Listener;
use people_testing::wait::eventually;
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;

use self::dns::Dns;

const ADDRESSES: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/// A port that is free on every address. Another process can take it before the test does: the
/// test fails then, and does not pass wrongly.
fn free_port() -> u16 {
    let first = TcpListener::bind((ADDRESSES[0], 0)).expect("a free port");
    let port = first.local_addr().expect("its address").port();
    let others = ADDRESSES[1..]
        .iter()
        .map(|address| TcpListener::bind((*address, port)));
    match others.collect::<Result<Vec<_>, _>>() {
        Ok(_) => port,
        Err(_) => free_port(),
    }
}

struct Deployment {
    http: reqwest::Client,
    /// Where HAProxy serves people: `127.0.0.1:PORT/people`.
    people: String,
    gateways: Vec<Gateway>,
    _balancer: Haproxy,
    _dns: Dns,
    _redis: RedisServer,
}

impl Deployment {
    async fn start() -> Self {
        let redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
        let dns = Dns::start(&ADDRESSES).await;
        let (port, admin_port, balancer_port) = (free_port(), free_port(), free_port());
        let mut gateways = Vec::new();
        for address in ADDRESSES {
            let settings = [
                ("listen", &*format!("{address}:{port}")),
                ("admin.listen", &*format!("{address}:{admin_port}")),
                ("store.url", &*redis.url()),
            ];
            gateways.push(Gateway::ready(&settings).await);
        }
        let listen = format!("127.0.0.1:{balancer_port}");
        let environment = [
            ("BALANCER_LISTEN", &*listen),
            ("GATEWAY_RESOLVER", &*dns.address().to_string()),
            ("GATEWAY_PORT", &*port.to_string()),
            ("GATEWAY_ADMIN_PORT", &*admin_port.to_string()),
        ];
        let configuration = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/haproxy.cfg");
        Self {
            http: reqwest::Client::new(),
            people: format!("{listen}/people"),
            gateways,
            _balancer: Haproxy::start(Path::new(configuration), &environment),
            _dns: dns,
            _redis: redis,
        }
    }

    /// A live client, once a gateway is found that accepts it.
    async fn watch(&self) -> Option<Listener> {
        let socket = connect_async(format!("ws://{}", self.people)).await;
        socket.ok().map(|(socket, _)| Listener(socket))
    }

    /// Clients such that each gateway has one at least.
    async fn watchers_on_each_gateway(&self) -> Vec<Listener> {
        let mut watchers = Vec::new();
        eventually("each gateway has a client", async || {
            for gateway in &self.gateways {
                if gateway.metric("sessions").await < 1.0 {
                    // HAProxy may find a gateway later than the others: the oldest client makes
                    // room for another.
                    if watchers.len() == 30 {
                        watchers.remove(0);
                    }
                    watchers.extend(self.watch().await);
                    return false;
                }
            }
            true
        })
        .await;
        watchers
    }

    /// Saves a person through the balancer, and returns the id.
    async fn save(&self, name: &str) -> String {
        let request = self.http.post(format!("http://{}", self.people));
        let answer = request.json(&person(name)).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let person: Value = answer.json().await.expect("the person");
        person["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn what_is_saved_through_the_balancer_reaches_clients_on_every_gateway() {
    let mut deployment = Deployment::start().await;
    let mut watchers = deployment.watchers_on_each_gateway().await;
    for round in 0..6 {
        let id = deployment.save(&format!("A{round}")).await;
        let saved = format!("Saved person [{id}] Person(id={id}, ");
        for watcher in &mut watchers {
            assert!(watcher.sentence().await.starts_with(&saved));
        }
    }

    // A gateway is killed: the others serve new clients.
    drop(deployment.gateways.remove(0));
    drop(watchers);
    eventually("the balancer has noticed", async || {
        let list = format!("http://{}?limit=1", deployment.people);
        let answer = deployment.http.get(list).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let watcher = timeout(Duration::from_secs(20), deployment.watch()).await;
    let mut watcher = watcher.expect("in time").expect("a gateway accepts it");
    let id = deployment.save("B").await;
    assert!(watcher.sentence().await.contains(&id));
}
