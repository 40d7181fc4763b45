//! A TCP proxy between gateways and Redis whose connections a schedule cuts, delays, corrupts, half
//! closes, or holds in one direction. It passes on to one server until it is dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Bytes of one step.
const STEP: usize = 16 * 1024;
/// A connection that says this is a subscription.
const SUBSCRIBE: &[u8] = b"SUBSCRIBE";

/// What happens to what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It passes.
    Open,
    /// All connections end, and new ones end at once.
    Cut,
    /// Each step takes this long more.
    Delayed(Duration),
    /// The first byte of an answer or a command, which tells its type, is another one.
    Corrupt(Way),
    /// The sender of this way is told that the other side sends no more.
    HalfClosed(Way),
    /// What is sent this way waits.
    Held(Way),
    /// What the server sends is lost.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// The bytes that begin an answer or a command (RESP3).
const TYPES: &[u8] = b"*$+-:%>_#,(!=~|";

/// What happens to connections with commands, and to those of subscriptions.
#[derive(Clone, Copy, Debug)]
struct States {
    commands: LinkState,
    subscription: LinkState,
}

pub struct Link {
    address: SocketAddr,
    states: watch::Sender<States>,
    task: JoinHandle<()>,
}

impl Link {
    /// Passes on to the server on this port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (states, current) = watch::channel(States {
            commands: LinkState::Open,
            subscription: LinkState::Open,
        });
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, port, current.clone()));
            }
        });
        Self {
            address,
            states,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub fn set(&self, state: LinkState) {
        self.states.send_replace(States {
            commands: state,
            subscription: state,
        });
    }

    pub fn set_subscription(&self, state: LinkState) {
        self.states
            .send_modify(|states| states.subscription = state);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What happens to one connection.
#[derive(Clone)]
struct Connection {
    is_subscription: Arc<AtomicBool>,
    states: watch::Receiver<States>,
}

impl Connection {
    fn state_in(&self, states: States) -> LinkState {
        if self.is_subscription.load(Ordering::Relaxed) {
            states.subscription
        } else {
            states.commands
        }
    }

    fn state(&self) -> LinkState {
        self.state_in(*self.states.borrow())
    }

    /// Waits until the state is such a one. None when the proxy is gone.
    async fn wait_for(&self, is_such: impl Fn(LinkState) -> bool) -> Option<()> {
        let mut states = self.states.clone();
        let such = states.wait_for(|states| is_such(self.state_in(*states)));
        such.await.ok().map(drop)
    }
}

async fn relay(client: TcpStream, port: u16, states: watch::Receiver<States>) {
    let connection = Connection {
        is_subscription: Arc::default(),
        states,
    };
    if connection.state() == LinkState::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = copy(from_client, to_server, Way::ToServer, &connection);
    let back = copy(from_server, to_client, Way::ToClient, &connection);
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = connection.wait_for(|state| state == LinkState::Cut) => {}
    }
}

/// Copies one way until its sender ends it.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    connection: &Connection,
) -> Option<()> {
    let mut buffer = vec![0; STEP];
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => read.ok()?,
            _ = connection.wait_for(|state| state == LinkState::HalfClosed(way)) => 0,
        };
        if length == 0 {
            return to.shutdown().await.ok();
        }
        let bytes = &mut buffer[..length];
        if way == Way::ToServer && bytes.windows(SUBSCRIBE.len()).any(|it| it == SUBSCRIBE) {
            connection.is_subscription.store(true, Ordering::Relaxed);
        }
        match connection.state() {
            LinkState::Delayed(delay) => sleep(delay).await,
            LinkState::Corrupt(corrupted) if corrupted == way && TYPES.contains(&bytes[0]) => {
                bytes[0] ^= 0x20;
            }
            LinkState::Lost if way == Way::ToClient => continue,
            LinkState::Held(held) if held == way => {
                connection
                    .wait_for(|state| state != LinkState::Held(way))
                    .await?;
            }
            _ => {}
        }
        to.write_all(bytes).await.ok()?;
    }
}
