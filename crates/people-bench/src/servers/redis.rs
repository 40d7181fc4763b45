//! A redis-server without persistence, unless it is told otherwise.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{Process, folder, until};

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
            process: Process::spawn(&mut command)?,
            port,
            _folder: folder,
        };
        until("redis-server answers", async || redis.connect().is_ok()).await?;
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
