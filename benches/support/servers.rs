//! The processes under measurement: a gateway of this very build, and a Redis. Each has its own port and folder, and is
//! gone when it is dropped.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program that is measured: of this build, or the one that `BENCH_GATEWAY` names, to compare two of them.
fn gateway() -> OsString {
    std::env::var_os("BENCH_GATEWAY").unwrap_or_else(|| env!("CARGO_BIN_EXE_people-gateway").into())
}

/// A folder on the disk that the build lies on: a temporary one may be memory, which needs no syncing.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    Ok(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// A child that does not outlive its owner.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self(child))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it reads, if its standard input is piped and was not taken yet.
    pub(crate) fn input(&mut self) -> anyhow::Result<ChildStdin> {
        self.0.stdin.take().context("its input is not piped")
    }

    /// What it writes, if its standard output is piped and was not taken yet.
    pub(crate) fn output(&mut self) -> anyhow::Result<BufReader<ChildStdout>> {
        Ok(BufReader::new(self.0.stdout.take().context("its output is not piped")?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// Kept open: the program may write more than its welcome.
    _output: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Gateway {
    /// Starts a gateway on this store, embedded in a folder of its own where there is none, and waits until it is ready.
    pub(crate) async fn start(redis: Option<&Redis>) -> anyhow::Result<Self> {
        let folder = folder()?;
        let embedded = || format!("embedded:{}", folder.path().display());
        let mut command = Command::new(gateway());
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store"]);
        command.arg(redis.map_or_else(embedded, Redis::url)).env("PEOPLE_GATEWAY__LOG__LEVEL", "warn");
        let mut process = Process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let mut output = process.output()?;
        let (address, admin) = welcome(&mut output)?;
        until("the gateway is ready", || {
            let health = Command::new(gateway()).arg("health").args(["--admin-listen", &admin.to_string()]).output()?;
            Ok(health.status.success())
        })
        .await?;
        Ok(Self { process, address, _output: output, _folder: folder })
    }
}

/// Reads the two addresses that the gateway tells at its start.
fn welcome(output: &mut BufReader<ChildStdout>) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut public = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            bail!("the gateway ended before it listened");
        }
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        match (line.trim_start().split("  ").next(), address) {
            (Some("REST and live updates"), Some(address)) => public = Some(address),
            (Some("admin"), Some(admin)) => return Ok((public.context("no public address")?, admin)),
            _ => {}
        }
    }
}

/// A running redis-server.
pub(crate) struct Redis {
    pub(crate) process: Process,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server with these options added, and waits until it answers.
    pub(crate) async fn start(options: &[&str]) -> anyhow::Result<Self> {
        let folder = folder()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string(), "--dir"]).arg(folder.path());
        command.args(options).stdin(Stdio::null()).stdout(Stdio::null());
        let redis = Self { process: Process::spawn(&mut command)?, port, _folder: folder };
        until("redis-server answers", || Ok(redis.connect().is_ok())).await?;
        Ok(redis)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> anyhow::Result<redis::Connection> {
        Ok(redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(1))?)
    }
}

/// Asks again and again until it holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds()? {
        if Instant::now() > deadline {
            bail!("not in time: {what}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
