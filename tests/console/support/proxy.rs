//! HAProxy in front of a gateway, which serves it below a path.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::port::free_port;
use crate::support::gateway::{Gateway, eventually};

/// Dropping it ends the proxy.
pub(crate) struct Proxy {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    /// Serves the gateway below `/gw/`, and nothing else.
    pub(crate) async fn below_a_path(gateway: &Gateway) -> Self {
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("haproxy.cfg");
        let configuration = format!(
            "defaults\n  mode http\n  timeout connect 10s\n  timeout client 60s\n  \
             timeout server 60s\n  timeout tunnel 60s\n\
             frontend outside\n  bind {address}\n  \
             http-request return status 404 unless {{ path_beg /gw/ }}\n  \
             http-request replace-path ^/gw(/.*) \\1\n  default_backend gateway\n\
             backend gateway\n  server gateway {}\n",
            gateway.address()
        );
        std::fs::write(&file, configuration).expect("a file");
        // Debian installs HAProxy outside the path of ordinary users.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file).env("PATH", path);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command
            .spawn()
            .expect("haproxy is installed (Debian: apt-get install haproxy)");
        let proxy = Self {
            process,
            address,
            _folder: folder,
        };
        eventually("the proxy listens", async || {
            TcpStream::connect(proxy.address)
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .await;
        proxy
    }

    /// The URL of a gateway's path at the proxy.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/gw{path}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
