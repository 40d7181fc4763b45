//! Three gateways on one Redis behind HAProxy with the configuration of the Compose file,
//! `deploy/haproxy.cfg`.
//!
//! `tls` turns TLS and tokens on, `compose` reads the Compose file. `dns` replaces Docker's DNS.
//! The gateways have the same port on three addresses of loopback, as containers do.

mod compose;
mod dns;
mod tls;

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

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/haproxy.cfg");
const ADDRESSES: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/// A port that is free on every address. If another process takes the port first, the test fails.
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
    /// The address of people at HAProxy: `127.0.0.1:PORT/people`.
    people: String,
    gateways: Vec<Gateway>,
    _balancer: Haproxy,
    _dns: Dns,
    _redis: RedisServer,
}

impl Deployment {
    /// Starts everything, with these settings of the gateways and this environment of HAProxy
    /// beside the usual ones.
    async fn start(settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let redis = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
        let dns = Dns::start(&ADDRESSES).await;
        let (port, admin_port, balancer_port) = (free_port(), free_port(), free_port());
        let mut gateways = Vec::new();
        for address in ADDRESSES {
            let (listen, admin) = (
                format!("{address}:{port}"),
                format!("{address}:{admin_port}"),
            );
            let usual = [
                ("listen", &*listen),
                ("admin.listen", &*admin),
                ("store.url", &*redis.url()),
            ];
            gateways.push(Gateway::start(&[&usual, settings].concat()).await);
        }
        for gateway in &gateways {
            gateway.wait_ready().await;
        }
        let listen = format!("127.0.0.1:{balancer_port}");
        let usual = [
            ("BALANCER_LISTEN", &*listen),
            ("GATEWAY_RESOLVER", &*dns.address().to_string()),
            ("GATEWAY_PORT", &*port.to_string()),
            ("GATEWAY_ADMIN_PORT", &*admin_port.to_string()),
        ];
        Self {
            http: reqwest::Client::new(),
            people: format!("{listen}/people"),
            gateways,
            _balancer: Haproxy::start(Path::new(CONFIGURATION), &[&usual, environment].concat()),
            _dns: dns,
            _redis: redis,
        }
    }

    /// Opens a WebSocket through HAProxy; `None` without a gateway that accepts it.
    async fn connect(&self) -> Option<Listener> {
        let socket = connect_async(format!("ws://{}", self.people)).await;
        socket.ok().map(|(socket, _)| Listener(socket))
    }

    /// Opens sockets until each gateway has at least one.
    async fn clients_on_each_gateway(&self) -> Vec<Listener> {
        let mut clients = Vec::new();
        eventually("each gateway has a client", async || {
            for gateway in &self.gateways {
                if gateway.metric("sessions").await < 1.0 {
                    // HAProxy may find one gateway later than the others. Dropping the oldest
                    // client limits their number.
                    if clients.len() == 30 {
                        clients.remove(0);
                    }
                    clients.extend(self.connect().await);
                    return false;
                }
            }
            true
        })
        .await;
        clients
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
async fn a_save_through_the_balancer_reaches_clients_on_every_gateway() {
    let mut deployment = Deployment::start(&[], &[]).await;
    let mut clients = deployment.clients_on_each_gateway().await;
    for round in 0..6 {
        let id = deployment.save(&format!("A{round}")).await;
        let saved = format!("Saved person [{id}] Person(id={id}, ");
        for client in &mut clients {
            assert!(client.sentence().await.starts_with(&saved));
        }
    }

    // After the kill of a gateway the others serve new clients.
    drop(deployment.gateways.remove(0));
    drop(clients);
    eventually("the balancer avoids the killed gateway", async || {
        let list = format!("http://{}?limit=1", deployment.people);
        let answer = deployment.http.get(list).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let client = timeout(Duration::from_secs(20), deployment.connect()).await;
    let mut client = client
        .expect("in time")
        .expect("a gateway accepts the client");
    let id = deployment.save("B").await;
    assert!(client.sentence().await.contains(&id));
}
