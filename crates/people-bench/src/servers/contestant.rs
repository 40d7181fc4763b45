//! The contestants: gateways that are started here, one that runs already, and the baseline.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::child::{ChildProcess, START_LIMIT};
use super::gateway::GatewayServer;
use super::redis::RedisServer;
use super::token::BenchToken;
use crate::baseline::SendMode;
use crate::load::plan::{ClientFormat, Topics};

/// A server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// A gateway that is started for each turn.
    Gateway(StoreKind),
    /// A gateway that runs already.
    Remote(RemoteGateway),
    Baseline(SendMode),
}

/// The kind of a gateway's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    /// In a file
    Embedded,
    /// In a Redis that this program starts
    Redis,
}

/// The gateway that takes the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum WriterPlace {
    /// The gateway that serves the clients
    Same,
    /// A second gateway over the same Redis, so that the first one only relays; the baseline then
    /// follows its channel
    Other,
}

/// A gateway that runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemoteGateway {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// The process, if it runs on this machine.
    pub(crate) pid: Option<u32>,
}

/// How contestants are started.
#[derive(Clone, Debug)]
pub(crate) struct StartOptions {
    /// The gateway's program.
    pub(crate) program: PathBuf,
    pub(crate) writer: WriterPlace,
    /// The format of clients, and of the baseline's frames.
    pub(crate) format: ClientFormat,
    pub(crate) topics: Topics,
    /// What gateways ask callers for; nothing without it.
    pub(crate) token: Option<BenchToken>,
}

/// A running contestant.
pub(crate) struct RunningContestant {
    /// The address for clients.
    pub(crate) address: SocketAddr,
    /// The address for changes.
    pub(crate) writer: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// The measured process.
    pub(crate) pid: Option<u32>,
    // Dropped in this order: a gateway without its Redis would log errors.
    pub(crate) second: Option<GatewayServer>,
    _gateway: Option<GatewayServer>,
    pub(crate) redis: Option<RedisServer>,
    _baseline: Option<ChildProcess>,
}

impl Contestant {
    /// The name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway(StoreKind::Embedded) => "gateway, embedded",
            Self::Gateway(StoreKind::Redis) => "gateway, Redis",
            Self::Remote(_) => "gateway at --url",
            Self::Baseline(SendMode::Each) => "baseline, a send a frame",
            Self::Baseline(SendMode::Together) => "baseline, waiting frames in one send",
        }
    }

    /// Starts the contestant, and waits until it is ready.
    pub(crate) async fn start(self, options: &StartOptions) -> anyhow::Result<RunningContestant> {
        let store = match self {
            Self::Baseline(mode) => return baseline(mode, options).await,
            Self::Remote(remote) => return reach(remote).await,
            Self::Gateway(store) => store,
        };
        let redis = match store {
            StoreKind::Redis => Some(RedisServer::start(&[]).await?),
            StoreKind::Embedded => None,
        };
        let gateway =
            GatewayServer::start(&options.program, redis.as_ref(), options.token.as_ref()).await?;
        let second = match (options.writer, &redis) {
            (WriterPlace::Other, Some(redis)) => Some(
                GatewayServer::start(&options.program, Some(redis), options.token.as_ref()).await?,
            ),
            _ => None,
        };
        Ok(RunningContestant {
            address: gateway.address,
            writer: second
                .as_ref()
                .map_or(gateway.address, |second| second.address),
            admin: Some(gateway.admin),
            pid: Some(gateway.process.id()),
            second,
            _gateway: Some(gateway),
            redis,
            _baseline: None,
        })
    }
}

impl RunningContestant {
    fn bare(
        address: SocketAddr,
        admin: Option<SocketAddr>,
        pid: Option<u32>,
        baseline: Option<ChildProcess>,
    ) -> Self {
        Self {
            address,
            writer: address,
            admin,
            pid,
            second: None,
            _gateway: None,
            redis: None,
            _baseline: baseline,
        }
    }
}

/// Starts the baseline. If a second gateway takes the changes, it also does so for the baseline, so
/// that both contestants share the cores with the same processes.
async fn baseline(mode: SendMode, options: &StartOptions) -> anyhow::Result<RunningContestant> {
    let redis = match options.writer {
        WriterPlace::Other => Some(RedisServer::start(&[]).await?),
        WriterPlace::Same => None,
    };
    let second = match &redis {
        Some(redis) => {
            Some(GatewayServer::start(&options.program, Some(redis), options.token.as_ref()).await?)
        }
        None => None,
    };
    let mut command = Command::new(std::env::current_exe()?);
    let word = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned())
    };
    command
        .arg("baseline")
        .args(word(mode.to_possible_value()))
        .args(word(options.format.to_possible_value()));
    command.arg(serde_json::to_string(&options.topics)?);
    command
        .args(
            redis
                .as_ref()
                .map(|redis| format!("127.0.0.1:{}", redis.port)),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = ChildProcess::spawn(&mut command)?;
    let line = process
        .output()?
        .line(START_LIMIT)
        .await?
        .context("the baseline ended early")?;
    let address: SocketAddr = line
        .strip_prefix("http://")
        .context("not an address")?
        .parse()?;
    let changes = second.as_ref().map_or(address, |second| second.address);
    let pid = Some(process.id());
    Ok(RunningContestant {
        writer: changes,
        second,
        redis,
        ..RunningContestant::bare(address, None, pid, Some(process))
    })
}

async fn reach(remote: RemoteGateway) -> anyhow::Result<RunningContestant> {
    let connect = tokio::net::TcpStream::connect(remote.address);
    let reached = tokio::time::timeout(START_LIMIT, connect)
        .await
        .map_err(std::io::Error::from)
        .and_then(|done| done);
    reached.with_context(|| format!("no gateway answers at http://{}", remote.address))?;
    Ok(RunningContestant::bare(
        remote.address,
        remote.admin,
        remote.pid,
        None,
    ))
}
