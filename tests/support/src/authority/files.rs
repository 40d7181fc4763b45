//! What a server reads its certificate from, in a folder of its own.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Authority;

/// A certificate, its key, and the authority that signed it.
pub struct TlsFiles {
    folder: TempDir,
}

impl TlsFiles {
    /// A certificate for these names, signed by a new authority.
    pub fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new();
        let certificate = authority.certificate(names, [1975, 4096]);
        let write = |name: &str, pem: &str| {
            std::fs::write(folder.path().join(name), pem).expect("a file in the test's folder");
        };
        authority.write(folder.path());
        write("server.pem", certificate.pem());
        write("server.key", &certificate.key_pem());
        Self { folder }
    }

    /// The authority's certificate: what clients have to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Options of a Redis server with a second port, for TLS. What it opens itself, to a master, a
    /// node or a sentinel, speaks TLS, too.
    pub(crate) fn options(&self, port: u16) -> Vec<String> {
        let path = |name: &str| text(&self.folder.path().join(name));
        let port = port.to_string();
        [
            ("--tls-port", port),
            ("--tls-ca-cert-file", text(&self.authority())),
            ("--tls-cert-file", path("server.pem")),
            ("--tls-key-file", path("server.key")),
            ("--tls-auth-clients", "no".to_owned()),
            ("--tls-replication", "yes".to_owned()),
            ("--tls-cluster", "yes".to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a folder's name in UTF-8").to_owned()
}
