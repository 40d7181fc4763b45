//! A redis-server, by default without persistence.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::child::{ChildProcess, folder, until};

/// A running redis-server.
pub(crate) struct RedisServer {
    pub(crate) process: ChildProcess,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts a server with these further options, and waits until it answers.
    pub(crate) async fn start(options: &[&str]) -> anyhow::Result<Self> {
        let folder = folder()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--port",
                &port.to_string(),
                "--dir",
            ])
            .arg(folder.path());
        command
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let redis = Self {
            process: ChildProcess::spawn(&mut command)?,
            port,
            _folder: folder,
        };
        until("redis-server answers", async || redis.connect().is_ok()).await?;
        Ok(redis)
    }

    /// The server's URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Connects to the server.
    pub(crate) fn connect(&self) -> anyhow::Result<redis::Connection> {
        Ok(redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(1))?)
    }
}
