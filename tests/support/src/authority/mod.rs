//! A certificate authority, and the certificates of servers that it signs.

mod certificate;
mod files;

pub use certificate::Certificate;
pub use files::TlsFiles;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;

/// Signs certificates. No machine trusts this authority by default.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate under the name of its signer for signed by itself.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "Authority of the tests");
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("signed"))
    }

    /// Writes the authority's certificate into a folder.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        std::fs::write(&path, self.pem()).expect("a file in the test's folder");
        path
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names, valid between these years.
    pub fn certificate(&self, names: &[&str], years: [i32; 2]) -> Certificate {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        [params.not_before, params.not_after] = years.map(|year| rcgen::date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signed");
        Certificate::new(&certificate, key)
    }

    /// A certificate for the addresses of the tests' servers.
    pub fn valid_certificate(&self) -> Certificate {
        self.certificate(&["localhost", "127.0.0.1"], [1975, 4096])
    }

    /// What a server needs to use the authority's own certificate as its own.
    pub fn own_server(&self) -> Arc<ServerConfig> {
        certificate::server(self.0.der().clone(), self.0.key())
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
