//! A gateway with an embedded store, or with a Redis that it may share.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;

use super::admin;
use super::child::{ChildOutput, ChildProcess, START_LIMIT, folder, until};
use super::redis::RedisServer;
use super::token::BenchToken;

/// A running gateway.
pub(crate) struct GatewayServer {
    pub(crate) process: ChildProcess,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Kept open, because the program may write more after its welcome.
    _output: ChildOutput,
    _folder: TempDir,
}

impl GatewayServer {
    /// Starts this program with this Redis, or with an embedded store in a folder of its own, and
    /// waits until it is ready.
    pub(crate) async fn start(
        program: &Path,
        redis: Option<&RedisServer>,
        token: Option<&BenchToken>,
    ) -> anyhow::Result<Self> {
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
            .arg(redis.map_or_else(embedded, RedisServer::url))
            .env("PEOPLE_GATEWAY__LOG__LEVEL", "warn");
        if let Some(token) = token {
            command.args(["--auth", "jwt"]);
            command.env("PEOPLE_GATEWAY__AUTH__KEYS", token.keys());
            if let Some(policy) = token.policy() {
                command.env("PEOPLE_GATEWAY__AUTH__POLICY", policy);
            }
            // All clients have the one token, and would be one caller.
            command.env("PEOPLE_GATEWAY__LIMITS__SESSIONS", "0");
        }
        let mut process = ChildProcess::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
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

/// Reads the two addresses from the gateway's welcome.
async fn welcome(output: &mut ChildOutput) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut public = None;
    loop {
        let line = output
            .line(START_LIMIT)
            .await?
            .context("the gateway ended before it listened")?;
        match address_line(&line) {
            Some(("REST and live updates", address)) => public = Some(address),
            Some(("admin", admin)) => return Ok((public.context("no public address")?, admin)),
            _ => {}
        }
    }
}

/// The name and the address in a line of the welcome.
fn address_line(line: &str) -> Option<(&str, SocketAddr)> {
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
        assert_eq!(address_line(line), Some(("REST and live updates", address)));
        assert_eq!(
            address_line("  admin                  http://127.0.0.1:8080/readyz  /livez"),
            Some(("admin", address))
        );
        assert_eq!(address_line("people-gateway 0.1.0"), None);
    }
}
