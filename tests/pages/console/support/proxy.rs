//! An HAProxy that serves a gateway below a path.

use std::net::SocketAddr;

use tempfile::TempDir;
use tokio::net::TcpStream;

use people_testing::haproxy::Haproxy;
use people_testing::port::free_port;
use people_testing::process::Gateway;
use people_testing::wait::eventually_ok;

/// Runs until it is dropped.
pub(crate) struct Proxy {
    _process: Haproxy,
    address: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    /// Serves the gateway below `/gw/`; any other path is not found.
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
            gateway.address
        );
        std::fs::write(&file, configuration).expect("a file");
        let proxy = Self {
            _process: Haproxy::start(&file, &[]),
            address,
            _folder: folder,
        };
        eventually_ok("the proxy listens", async || {
            TcpStream::connect(proxy.address)
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .await;
        proxy
    }

    /// The URL at the proxy for a path of the gateway.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/gw{path}", self.address)
    }
}
