//! A TLS balancer in front of a gateway, whose certificate can be replaced.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::cli::process::GatewayProcess;

/// A balancer that listens until it is dropped.
pub(crate) struct Balancer {
    address: SocketAddr,
    certificate: watch::Sender<Arc<ServerConfig>>,
    task: JoinHandle<()>,
}

impl Balancer {
    /// Starts a balancer in front of this gateway, with this certificate.
    pub(crate) async fn start(serving: &GatewayProcess, certificate: Arc<ServerConfig>) -> Self {
        let gateway: SocketAddr = serving.url().trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, current) = watch::channel(certificate);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, gateway, current.clone()));
            }
        });
        Self {
            address,
            certificate,
            task,
        }
    }

    /// `SCHEME://localhost:PORT`.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// Replaces the certificate, and cuts all connections.
    pub(crate) fn replace(&self, certificate: Arc<ServerConfig>) {
        self.certificate.send_replace(certificate);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(
    client: TcpStream,
    gateway: SocketAddr,
    mut certificate: watch::Receiver<Arc<ServerConfig>>,
) {
    let acceptor = TlsAcceptor::from(Arc::clone(&certificate.borrow_and_update()));
    let Ok(mut client) = acceptor.accept(client).await else {
        return;
    };
    let Ok(mut stream) = TcpStream::connect(gateway).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut stream) => {}
        _ = certificate.changed() => {}
    }
}
