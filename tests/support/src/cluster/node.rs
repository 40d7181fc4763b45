//! One node: its process, its id, and the ports under which others know it.

use super::ClusterOptions;
use super::network::{Listening, Network};
use super::proxy::Proxy;
use crate::authority::TlsFiles;
use crate::port::free_port;
use crate::redis::{Launch, Member, RedisServer};

pub(super) struct Node {
    pub(super) member: Member,
    /// 40 hexadecimal digits.
    pub(super) id: String,
    /// The port for clients and replicas, as the node announces it.
    pub(super) port: u16,
    /// The port for nodes, as the node announces it.
    pub(super) bus_port: u16,
    /// False once the node has left the cluster.
    pub(super) belongs: bool,
    _proxies: Vec<Proxy>,
}

impl Node {
    /// Starts a node that knows no other.
    pub(super) async fn start(options: &ClusterOptions, tls: Option<&TlsFiles>) -> Self {
        let server = RedisServer::launch(|| launch(options, None).behind_tls(tls)).await;
        let (_, bus_port): (String, u16) = server.command(&["CONFIG", "GET", "cluster-port"]).await;
        let port = server.announced_port();
        Self {
            id: server.command(&["CLUSTER", "MYID"]).await,
            member: Member::new(server),
            port,
            bus_port,
            belongs: true,
            _proxies: Vec::new(),
        }
    }

    /// Starts a node that announces proxies' ports instead of its own.
    pub(super) async fn start_behind_proxies(
        options: &ClusterOptions,
        index: usize,
        network: &Network,
    ) -> Self {
        let (client, bus) = (Listening::bind().await, Listening::bind().await);
        let (port, bus_port) = (client.port(), bus.port());
        let server = RedisServer::launch(|| launch(options, Some((port, bus_port)))).await;
        let (_, server_bus): (String, u16) =
            server.command(&["CONFIG", "GET", "cluster-port"]).await;
        let id: String = server.command(&["CLUSTER", "MYID"]).await;
        network.add(index, &id, server.port());
        let proxies = vec![
            Proxy::for_clients(client, server.port(), network.link_to(index)),
            Proxy::for_bus(bus, server_bus, network.link_to(index)),
        ];
        Self {
            id,
            member: Member::new(server),
            port,
            bus_port,
            belongs: true,
            _proxies: proxies,
        }
    }

    /// Whether it is part of the cluster, and expected to answer.
    pub(super) fn is_live(&self) -> bool {
        self.belongs && self.member.is_up()
    }
}

fn launch(options: &ClusterOptions, announced: Option<(u16, u16)>) -> Launch {
    let node_timeout = options.node_timeout_ms.to_string();
    // Redis would take the port plus 10,000, which need not be free.
    let bus_port = free_port().to_string();
    let mut words = vec![
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus_port,
        "--cluster-node-timeout",
        &node_timeout,
        "--cluster-require-full-coverage",
        "no",
        "--repl-diskless-sync-delay",
        "0",
    ];
    let announced = announced.map(|(port, bus)| (port.to_string(), bus.to_string()));
    if let Some((port, bus)) = &announced {
        words.extend([
            "--cluster-announce-ip",
            "127.0.0.1",
            "--cluster-announce-port",
            port,
            "--cluster-announce-bus-port",
            bus,
        ]);
    }
    words.extend(options.redis);
    Launch::with_options(words)
}
