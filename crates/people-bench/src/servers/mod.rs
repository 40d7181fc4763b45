//! The processes under measurement: gateways, Redis, the floor. Each has its own port and folder,
//! and is gone when it is dropped.

pub(crate) mod admin;
mod gateway;
mod redis;
mod server;

use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use gateway::Gateway;
pub(crate) use redis::Redis;
pub(crate) use server::{Contestant, Remote, Server, Starts, Store, Writer};

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder on the disk that this program lies on: the usual place for temporary ones may be
/// memory, which needs no syncing. Where that disk takes nothing, it is the usual place.
fn folder() -> anyhow::Result<TempDir> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(PathBuf::from));
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("people-bench-");
        builder
    };
    let folder = beside.and_then(|beside| builder().tempdir_in(beside).ok());
    folder.map_or_else(|| Ok(builder().tempdir()?), Ok)
}

/// A child that does not outlive its owner.
pub(crate) struct Process(Child);

/// What a child writes, line by line.
pub(crate) struct Output(Lines<BufReader<ChildStdout>>);

impl Process {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
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
    pub(crate) fn output(&mut self) -> anyhow::Result<Output> {
        let output = self.0.stdout.take().context("its output is not piped")?;
        Ok(Output(
            BufReader::new(ChildStdout::from_std(output)?).lines(),
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Output {
    /// The next line, within this time; nothing at the end.
    pub(crate) async fn line(&mut self, within: Duration) -> anyhow::Result<Option<String>> {
        let line = timeout(within, self.0.next_line()).await;
        Ok(line.with_context(|| {
            format!("a process said nothing for {} seconds", within.as_secs())
        })??)
    }
}

/// Asks again and again until it holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        if Instant::now() > deadline {
            bail!("not in time: {what}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
