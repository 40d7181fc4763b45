//! Three gateways on one Redis behind HAProxy with the very file that the compose file mounts:
//! `deploy/haproxy.cfg`.
//!
//! Docker's DNS is played by `dns`; the gateways have one port on three addresses of loopback, as
//! containers do.

#[cfg(test)]
mod dns;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use serde_json::{Value, json};
    use tokio::net::TcpStream;
    use tokio::time::timeout;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

    use crate::dns::Dns;
    use crate::support::redis::{PATIENCE, RedisServer, eventually};

    const ADDRESSES: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

    type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

    /// A process that ends with the test.
    struct Process(Child);

    impl Drop for Process {
        fn drop(&mut self) {
            // It may have ended already, which is as good.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Process(
            command
                .stderr(Stdio::null())
                .spawn()
                .expect("the program is installed"),
        )
    }

    /// A port that is free on every address. Another process may take it before we do: a rare
    /// failure, not a wrong pass.
    fn free_port() -> String {
        let first = TcpListener::bind((ADDRESSES[0], 0)).expect("a free port");
        let port = first.local_addr().expect("its address").port();
        let others = ADDRESSES[1..]
            .iter()
            .map(|address| TcpListener::bind((*address, port)));
        match others.collect::<Result<Vec<_>, _>>() {
            Ok(_) => port.to_string(),
            Err(_) => free_port(),
        }
    }

    struct Deployment {
        http: reqwest::Client,
        base: String,
        admin_port: String,
        gateways: Vec<Process>,
        _balancer: Process,
        _dns: Dns,
        _redis: RedisServer,
    }

    impl Deployment {
        async fn start() -> Self {
            let redis =
                RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
            let dns = Dns::start(&ADDRESSES).await;
            let (port, admin_port, balancer_port) = (free_port(), free_port(), free_port());
            let gateway = |address: &&str| {
                let (listen, admin) = (
                    format!("{address}:{port}"),
                    format!("{address}:{admin_port}"),
                );
                let arguments = [
                    "--listen",
                    &listen,
                    "--admin-listen",
                    &admin,
                    "--store",
                    &redis.url(),
                ];
                start(env!("CARGO_BIN_EXE_people-gateway"), &arguments, &[])
            };
            let gateways = ADDRESSES.iter().map(gateway).collect();
            let resolver = dns.address().to_string();
            let (listen, path) = (
                format!("127.0.0.1:{balancer_port}"),
                std::env::var("PATH").unwrap_or_default(),
            );
            let environment = [
                ("BALANCER_LISTEN", listen.as_str()),
                ("GATEWAY_RESOLVER", &resolver),
                ("GATEWAY_PORT", &port),
                ("GATEWAY_ADMIN_PORT", &admin_port),
                ("PATH", &format!("{path}:/usr/sbin:/sbin")),
            ];
            let cfg = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/haproxy.cfg");
            let balancer = start("haproxy", &["-db", "-f", cfg], &environment);
            let http = reqwest::Client::new();
            let base = format!("{listen}/people");
            Self {
                http,
                base,
                admin_port,
                gateways,
                _balancer: balancer,
                _dns: dns,
                _redis: redis,
            }
        }

        /// Live sessions of a gateway; none while it does not answer.
        async fn sessions(&self, address: &str) -> Option<u64> {
            let url = format!("http://{address}:{}/metrics", self.admin_port);
            let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
            let of_each = text.lines().filter_map(|line| {
                line.strip_prefix("people_gateway_sessions{")?
                    .split_once("} ")
            });
            of_each
                .map(|(_, sessions)| sessions.parse::<u64>().ok())
                .sum()
        }

        async fn watch(&self) -> Socket {
            connect_async(format!("ws://{}", self.base))
                .await
                .expect("a gateway takes the client")
                .0
        }

        /// Saves somebody, and tells the id.
        async fn save(&self, name: &str) -> String {
            let body = json!({"firstName": name, "lastName": "B", "age": 1, "job": ""});
            let answer = self
                .http
                .post(format!("http://{}", self.base))
                .json(&body)
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 201);
            let person: Value = answer.json().await.expect("the person");
            person["id"].as_str().expect("an id").to_owned()
        }
    }

    /// The next text; pings are answered by the client.
    async fn next_text(socket: &mut Socket) -> String {
        let texts = async {
            loop {
                match socket
                    .next()
                    .await
                    .expect("the stream goes on")
                    .expect("nothing breaks")
                {
                    Message::Text(text) => return text.to_string(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("not a text: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, texts).await.expect("a text in time")
    }

    /// Whether clients stand on all of these gateways. Opens more until they do.
    async fn watchers_on(deployment: &Deployment, addresses: &[&str]) -> Vec<Socket> {
        let mut watchers = Vec::new();
        eventually("each gateway has a watcher", async || {
            for address in addresses {
                if deployment.sessions(address).await.unwrap_or(0) == 0 {
                    // A gateway may be found later than the others: then whoever came first makes
                    // room for one more.
                    if watchers.len() == 30 {
                        watchers.remove(0);
                    }
                    if let Ok((socket, _)) =
                        connect_async(format!("ws://{}", deployment.base)).await
                    {
                        watchers.push(socket);
                    }
                    return false;
                }
            }
            true
        })
        .await;
        watchers
    }

    #[tokio::test]
    async fn what_is_saved_through_the_balancer_reaches_watchers_on_every_gateway() {
        let mut deployment = Deployment::start().await;
        let mut watchers = watchers_on(&deployment, &ADDRESSES).await;
        for round in 0..6 {
            let id = deployment.save(&format!("A{round}")).await;
            for watcher in &mut watchers {
                assert!(
                    next_text(watcher)
                        .await
                        .starts_with(&format!("Saved person [{id}] Person(id={id}, "))
                );
            }
        }

        // One goes without a word: whoever comes is served by the others, and what is saved reaches
        // all who stayed.
        drop(deployment.gateways.remove(0));
        drop(watchers);
        eventually("the balancer has noticed", async || {
            let answer = deployment
                .http
                .get(format!("http://{}?limit=1", deployment.base))
                .send()
                .await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        let mut watcher = timeout(Duration::from_secs(20), deployment.watch())
            .await
            .expect("in time");
        let id = deployment.save("B").await;
        assert!(next_text(&mut watcher).await.contains(&id));
    }
}
