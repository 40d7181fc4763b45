//! A loopback proxy between one gateway and Redis. It can route commands and the subscription to
//! different servers, as happens during a failover, and replace the server behind open connections.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ports of the servers behind a proxy, and what happens to connections whose server changes.
#[derive(Clone, Copy, Debug)]
struct Routes {
    commands: u16,
    subscription: u16,
    change: RouteChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RouteChange {
    /// The connection ends, as it does when a server dies.
    Cut,
    /// The connection stays open, and the gateway's next bytes go to the other server.
    Replace,
}

/// Listens until it is dropped. Commands and the subscription have a server each.
pub struct RedisProxy {
    address: SocketAddr,
    routes: watch::Sender<Routes>,
    task: JoinHandle<()>,
}

impl RedisProxy {
    /// Routes commands and the subscription to the server on this port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (routes, current) = watch::channel(Routes {
            commands: port,
            subscription: port,
            change: RouteChange::Cut,
        });
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, current.clone()));
            }
        });
        Self {
            address,
            routes,
            task,
        }
    }

    /// The URL for `store.url`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Routes commands to this server, and cuts their connections to the old one.
    pub fn move_commands(&self, port: u16) {
        self.routes.send_modify(|routes| {
            *routes = Routes {
                commands: port,
                change: RouteChange::Cut,
                ..*routes
            }
        });
    }

    /// Routes the subscription to this server, and cuts its connection to the old one.
    pub fn move_subscription(&self, port: u16) {
        self.routes.send_modify(|routes| {
            *routes = Routes {
                subscription: port,
                change: RouteChange::Cut,
                ..*routes
            }
        });
    }

    /// Routes both to this server, and cuts all connections to the old one.
    pub fn move_all(&self, port: u16) {
        self.routes.send_replace(Routes {
            commands: port,
            subscription: port,
            change: RouteChange::Cut,
        });
    }

    /// Routes both to this server, and keeps the gateway's connections open.
    pub fn replace_server(&self, port: u16) {
        self.routes.send_replace(Routes {
            commands: port,
            subscription: port,
            change: RouteChange::Replace,
        });
    }
}

impl Drop for RedisProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection of the gateway, and its current server.
struct Connection {
    port: u16,
    from_server: OwnedReadHalf,
    to_server: OwnedWriteHalf,
    /// The `SUBSCRIBE` of a subscription, as it was sent.
    subscribe: Option<Vec<u8>>,
}

async fn relay(client: TcpStream, mut routes: watch::Receiver<Routes>) {
    let port = routes.borrow_and_update().commands;
    let Some(mut connection) = Connection::open(port).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    // Nothing is in flight between an answer and the next request.
    let mut is_idle = true;
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                let chunk = &request[..length];
                if connection.subscribe.is_none() && contains(chunk, b"SUBSCRIBE") {
                    connection.subscribe = Some(chunk.to_vec());
                    if connection.port != routes.borrow().subscription
                        && connection.reopen(&routes).await.is_none()
                    {
                        return;
                    }
                } else if is_idle && connection.replace(&routes).await.is_none() {
                    return;
                }
                is_idle = false;
                if connection.to_server.write_all(chunk).await.is_err() { return }
            }
            read = connection.from_server.read(&mut answer) => {
                is_idle = true;
                let Ok(length @ 1..) = read else { return };
                if to_client.write_all(&answer[..length]).await.is_err() { return }
            }
            Ok(()) = routes.changed() => {
                let now = *routes.borrow_and_update();
                let is_moved = connection.port != connection.server(now);
                if now.change == RouteChange::Cut && is_moved { return }
            }
        }
    }
}

impl Connection {
    async fn open(port: u16) -> Option<Self> {
        let (from_server, to_server) = TcpStream::connect(("127.0.0.1", port))
            .await
            .ok()?
            .into_split();
        Some(Self {
            port,
            from_server,
            to_server,
            subscribe: None,
        })
    }

    fn server(&self, routes: Routes) -> u16 {
        if self.subscribe.is_some() {
            routes.subscription
        } else {
            routes.commands
        }
    }

    /// Connects to the server that the routes name.
    async fn reopen(&mut self, routes: &watch::Receiver<Routes>) -> Option<()> {
        let port = self.server(*routes.borrow());
        let subscribe = self.subscribe.take();
        *self = Self {
            subscribe,
            ..Self::open(port).await?
        };
        Some(())
    }

    /// Replaces the server under an open connection if the routes name another one. Subscribes
    /// again there, and keeps the answer to that from the gateway.
    async fn replace(&mut self, routes: &watch::Receiver<Routes>) -> Option<()> {
        if self.port == self.server(*routes.borrow()) {
            return Some(());
        }
        self.reopen(routes).await?;
        if let Some(subscribe) = &self.subscribe {
            self.to_server.write_all(subscribe).await.ok()?;
            // The answer to `*3 SUBSCRIBE one two` has one entry for each channel. The last ends in
            // their number.
            let words: usize = std::str::from_utf8(subscribe.split(|b| *b == b'\r').next()?)
                .ok()?[1..]
                .parse()
                .ok()?;
            let last = format!(":{}\r\n", words - 1);
            let mut answer = Vec::new();
            while !answer.ends_with(last.as_bytes()) {
                answer.push(self.from_server.read_u8().await.ok()?);
            }
        }
        Some(())
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
