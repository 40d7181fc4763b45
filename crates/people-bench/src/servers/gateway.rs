//! A gateway with a store of its own, or on a Redis that others use as well.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{Output, PATIENCE, Process, Redis, admin, folder, until};

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Kept open: the program may write more than its welcome.
    _output: Output,
    _folder: TempDir,
}

impl Gateway {
    /// Starts this program on this store, embedded in a folder of its own where there is none, and
    /// waits until it is ready.
    pub(crate) async fn start(program: &Path, redis: Option<&Redis>) -> anyhow::Result<Self> {
        let folder = folder()?;
        let embedded = || format!("embedded:{}", folder.path().display());
        let mut command = Command::new(program);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--store",
        ]);
        command
            .arg(redis.map_or_else(embedded, Redis::url))
            .env("PEOPLE_GATEWAY__LOG__LEVEL", "warn");
        let mut process = Process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let mut output = process.output()?;
        let (address, admin) = welcome(&mut output).await?;
        until("the gateway is ready", async || {
            admin::is_ready(admin).await
        })
        .await?;
        Ok(Self {
            process,
            address,
            admin,
            _output: output,
            _folder: folder,
        })
    }
}

/// Reads the two addresses that the gateway tells at its start.
async fn welcome(output: &mut Output) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut public = None;
    loop {
        let line = output
            .line(PATIENCE)
            .await?
            .context("the gateway ended before it listened")?;
        match told(&line) {
            Some(("REST and live updates", address)) => public = Some(address),
            Some(("admin", admin)) => return Ok((public.context("no public address")?, admin)),
            _ => {}
        }
    }
}

/// What a line of the welcome tells, and the address in it.
fn told(line: &str) -> Option<(&str, SocketAddr)> {
    let address = line
        .split_once("http://")?
        .1
        .split('/')
        .next()?
        .parse()
        .ok()?;
    Some((line.trim_start().split("  ").next()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_read_from_the_welcome() {
        let address = ([127, 0, 0, 1], 8080).into();
        let line = "  REST and live updates  http://127.0.0.1:8080/people";
        assert_eq!(told(line), Some(("REST and live updates", address)));
        assert_eq!(
            told("  admin                  http://127.0.0.1:8080/readyz  /livez"),
            Some(("admin", address))
        );
        assert_eq!(told("people-gateway 0.1.0"), None);
    }
}
