//! Child processes, their output and folders, and the wait until they are ready.

use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::{Instant, sleep, timeout};

/// How long a server may take to be ready.
pub(super) const START_LIMIT: Duration = Duration::from_secs(20);

/// A child that is killed when it is dropped.
pub(crate) struct ChildProcess(Child);

/// The standard output of a child, line by line.
pub(crate) struct ChildOutput(Lines<BufReader<ChildStdout>>);

impl ChildProcess {
    /// Starts the command.
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self(child))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Takes the child's standard input, which must be piped.
    pub(crate) fn input(&mut self) -> anyhow::Result<ChildStdin> {
        self.0.stdin.take().context("its input is not piped")
    }

    /// Takes the child's standard output, which must be piped.
    pub(crate) fn output(&mut self) -> anyhow::Result<ChildOutput> {
        let output = self.0.stdout.take().context("its output is not piped")?;
        Ok(ChildOutput(
            BufReader::new(ChildStdout::from_std(output)?).lines(),
        ))
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // The child may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl ChildOutput {
    /// The next line, within this time; `None` at the end.
    pub(crate) async fn line(&mut self, within: Duration) -> anyhow::Result<Option<String>> {
        let line = timeout(within, self.0.next_line()).await;
        Ok(line.with_context(|| {
            format!("a process said nothing for {} seconds", within.as_secs())
        })??)
    }
}

/// A temporary folder on the disk of this program, because the default place may be memory, which
/// needs no syncing. Falls back to the default place.
pub(super) fn folder() -> anyhow::Result<TempDir> {
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

/// Polls a condition until it holds.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while !holds().await {
        if Instant::now() > deadline {
            bail!("not in time: {what}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
