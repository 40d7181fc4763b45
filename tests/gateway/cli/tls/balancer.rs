//! A TLS balancer in front of a gateway: a certificate authority, its certificates, and a relay.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::cli::process::GatewayProcess;

/// Signs certificates. No machine trusts this authority by default.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate.
pub(crate) type ServerCertificate = Arc<ServerConfig>;

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes the authority's certificate for `--ca`.
    pub(crate) fn write(&self, folder: &Path) -> String {
        let path = folder.join("ca.pem");
        std::fs::write(&path, self.0.pem()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, valid between these years.
    pub(crate) fn certificate(&self, names: &[&str], years: [i32; 2]) -> ServerCertificate {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        [params.not_before, params.not_after] = years.map(|year| rcgen::date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        server_certificate(certificate.der().clone(), key.serialize_der())
    }

    /// A certificate for the addresses of the tests' servers.
    pub(crate) fn valid_certificate(&self) -> ServerCertificate {
        self.certificate(&["localhost", "127.0.0.1"], [1975, 4096])
    }

    /// The authority's own certificate, used as a server's certificate.
    pub(crate) fn own_certificate(&self) -> ServerCertificate {
        server_certificate(self.0.der().clone(), self.0.key().serialize_der())
    }
}

fn server_certificate(certificate: CertificateDer<'static>, key: Vec<u8>) -> ServerCertificate {
    let key = PrivateKeyDer::try_from(key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate], key).unwrap())
}

/// A balancer that listens until it is dropped.
pub(crate) struct Balancer {
    address: SocketAddr,
    certificate: watch::Sender<ServerCertificate>,
    task: JoinHandle<()>,
}

impl Balancer {
    /// Starts a balancer in front of this gateway, with this certificate.
    pub(crate) async fn start(serving: &GatewayProcess, certificate: ServerCertificate) -> Self {
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
    pub(crate) fn replace(&self, certificate: ServerCertificate) {
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
    mut certificate: watch::Receiver<ServerCertificate>,
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
