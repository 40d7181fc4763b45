//! A server's certificate, and what servers need to show it.

use std::sync::Arc;

use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server's certificate and its key.
pub struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Certificate {
    pub(super) fn new(certificate: &rcgen::Certificate, key: KeyPair) -> Self {
        Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its key in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// What a server of the test's process needs to use it.
    pub fn server(&self) -> Arc<ServerConfig> {
        server(self.der.clone(), &self.key)
    }
}

/// A server with this certificate.
pub(super) fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key);
    Arc::new(config.expect("a certificate with its key"))
}
