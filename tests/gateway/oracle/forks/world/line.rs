//! A loopback proxy between one gateway and Redis. Commands and the subscription may lead to
//! different servers, as they do while a failover is under way; and a server may be replaced behind
//! connections that stay open.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ports of the servers behind a line, and what happens to connections whose server changes.
#[derive(Clone, Copy, Debug)]
struct Routes {
    commands: u16,
    subscription: u16,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The connection ends, as it does when a server dies.
    Cut,
    /// The connection stays, and what the gateway sends next goes to the other server.
    Replace,
}

/// Listens until it is dropped.
pub(in crate::oracle::forks) struct Line {
    address: SocketAddr,
    routes: watch::Sender<Routes>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line whose commands and subscription lead to the server on this port.
    pub(in crate::oracle::forks) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (routes, current) = watch::channel(Routes {
            commands: port,
            subscription: port,
            change: Change::Cut,
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
    pub(in crate::oracle::forks) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Leads commands to this server from now on; connections to another one are cut.
    pub(in crate::oracle::forks) fn move_commands(&self, port: u16) {
        self.routes.send_modify(|routes| {
            *routes = Routes {
                commands: port,
                change: Change::Cut,
                ..*routes
            }
        });
    }

    /// The same for the subscription.
    pub(in crate::oracle::forks) fn move_subscription(&self, port: u16) {
        self.routes.send_modify(|routes| {
            *routes = Routes {
                subscription: port,
                change: Change::Cut,
                ..*routes
            }
        });
    }

    /// Moves both.
    pub(in crate::oracle::forks) fn move_all(&self, port: u16) {
        self.routes.send_replace(Routes {
            commands: port,
            subscription: port,
            change: Change::Cut,
        });
    }

    /// Moves both, and the gateway sees none of its connections end.
    pub(in crate::oracle::forks) fn replace_server(&self, port: u16) {
        self.routes.send_replace(Routes {
            commands: port,
            subscription: port,
            change: Change::Replace,
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection of the gateway, and the server that it leads to now.
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
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    // Between an answer and the next request nothing is under way.
    let mut is_quiet = true;
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let chunk = &asked[..length];
                if connection.subscribe.is_none() && contains(chunk, b"SUBSCRIBE") {
                    connection.subscribe = Some(chunk.to_vec());
                    if connection.port != routes.borrow().subscription
                        && connection.reopen(&routes).await.is_none()
                    {
                        return;
                    }
                } else if is_quiet && connection.replace(&routes).await.is_none() {
                    return;
                }
                is_quiet = false;
                if connection.to_server.write_all(chunk).await.is_err() { return }
            }
            read = connection.from_server.read(&mut answered) => {
                is_quiet = true;
                let Ok(length @ 1..) = read else { return };
                if to_client.write_all(&answered[..length]).await.is_err() { return }
            }
            Ok(()) = routes.changed() => {
                let now = *routes.borrow_and_update();
                if now.change == Change::Cut && connection.port != connection.server(now) { return }
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

    /// Changes the server under an open connection, where that is due. A subscription is made again
    /// there, and the gateway does not see the answer to that.
    async fn replace(&mut self, routes: &watch::Receiver<Routes>) -> Option<()> {
        if self.port == self.server(*routes.borrow()) {
            return Some(());
        }
        self.reopen(routes).await?;
        if let Some(subscribe) = &self.subscribe {
            self.to_server.write_all(subscribe).await.ok()?;
            // `*3 SUBSCRIBE one two` is answered by one entry for each channel; the last ends in
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
