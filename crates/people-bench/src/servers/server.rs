//! Who serves the clients: gateways that are started here, one that runs already, or the floor.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::{Gateway, PATIENCE, Process, Redis};
use crate::floor::Writes;
use crate::load::plan::{ClientFormat, Topics};

/// Who serves the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// A gateway that is started for the turn.
    Gateway(Store),
    /// One that runs already.
    Remote(Remote),
    /// The floor.
    Floor(Writes),
}

/// Where a gateway keeps its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// In a file of its own
    Embedded,
    /// In a Redis of its own
    Redis,
}

/// Where changes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Writer {
    /// On the gateway that serves the clients
    Same,
    /// On a second gateway over the same Redis, so that the first one only relays; the floor then
    /// follows its channel
    Other,
}

/// A gateway that runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// Its process, if it runs on this machine.
    pub(crate) pid: Option<u32>,
}

/// What a contestant is started with.
#[derive(Clone, Debug)]
pub(crate) struct Starts {
    /// The gateway's program.
    pub(crate) program: PathBuf,
    pub(crate) writer: Writer,
    /// What the floor's frames are about.
    pub(crate) format: ClientFormat,
    pub(crate) topics: Topics,
}

/// A running contestant.
pub(crate) struct Server {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    /// Where changes are made.
    pub(crate) writer: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// The process that is measured.
    pub(crate) pid: Option<u32>,
    // Dropped in this order: a gateway without its Redis would complain.
    pub(crate) second: Option<Gateway>,
    _gateway: Option<Gateway>,
    pub(crate) redis: Option<Redis>,
    _floor: Option<Process>,
}

impl Contestant {
    /// How the report names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway(Store::Embedded) => "gateway, embedded",
            Self::Gateway(Store::Redis) => "gateway, Redis",
            Self::Remote(_) => "gateway at --url",
            Self::Floor(Writes::Each) => "floor, a send a frame",
            Self::Floor(Writes::Together) => "floor, waiting frames in one send",
        }
    }

    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(self, with: &Starts) -> anyhow::Result<Server> {
        let store = match self {
            Self::Floor(writes) => return floor(writes, with).await,
            Self::Remote(remote) => return reach(remote).await,
            Self::Gateway(store) => store,
        };
        let redis = match store {
            Store::Redis => Some(Redis::start(&[]).await?),
            Store::Embedded => None,
        };
        let gateway = Gateway::start(&with.program, redis.as_ref()).await?;
        let second = match (with.writer, &redis) {
            (Writer::Other, Some(redis)) => Some(Gateway::start(&with.program, Some(redis)).await?),
            _ => None,
        };
        Ok(Server {
            address: gateway.address,
            writer: second
                .as_ref()
                .map_or(gateway.address, |second| second.address),
            admin: Some(gateway.admin),
            pid: Some(gateway.process.id()),
            second,
            _gateway: Some(gateway),
            redis,
            _floor: None,
        })
    }
}

impl Server {
    fn bare(
        address: SocketAddr,
        admin: Option<SocketAddr>,
        pid: Option<u32>,
        floor: Option<Process>,
    ) -> Self {
        Self {
            address,
            writer: address,
            admin,
            pid,
            second: None,
            _gateway: None,
            redis: None,
            _floor: floor,
        }
    }
}

/// Where changes are made on another gateway, so they are beside the floor: it then has the same
/// company on its cores.
async fn floor(writes: Writes, with: &Starts) -> anyhow::Result<Server> {
    let redis = match with.writer {
        Writer::Other => Some(Redis::start(&[]).await?),
        Writer::Same => None,
    };
    let second = match &redis {
        Some(redis) => Some(Gateway::start(&with.program, Some(redis)).await?),
        None => None,
    };
    let mut command = Command::new(std::env::current_exe()?);
    let word = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned())
    };
    command
        .arg("floor")
        .args(word(writes.to_possible_value()))
        .args(word(with.format.to_possible_value()));
    command.arg(serde_json::to_string(&with.topics)?);
    command
        .args(
            redis
                .as_ref()
                .map(|redis| format!("127.0.0.1:{}", redis.port)),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    let line = process
        .output()?
        .line(PATIENCE)
        .await?
        .context("the floor ended early")?;
    let address: SocketAddr = line
        .strip_prefix("http://")
        .context("not an address")?
        .parse()?;
    let changes = second.as_ref().map_or(address, |second| second.address);
    let pid = Some(process.id());
    Ok(Server {
        writer: changes,
        second,
        redis,
        ..Server::bare(address, None, pid, Some(process))
    })
}

async fn reach(remote: Remote) -> anyhow::Result<Server> {
    let connect = tokio::net::TcpStream::connect(remote.address);
    let reached = tokio::time::timeout(PATIENCE, connect)
        .await
        .map_err(std::io::Error::from)
        .and_then(|done| done);
    reached.with_context(|| format!("no gateway answers at http://{}", remote.address))?;
    Ok(Server::bare(remote.address, remote.admin, remote.pid, None))
}
