//! TLS to a gateway, or to the balancer in front of it: trusted authorities, the handshake, and its
//! faults.
//!
//! The client always sends the server's name and always checks it. It reads the machine's
//! authorities once, for the first connection.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, InvalidMessage, RootCertStore};
use rustls_platform_verifier::Verifier;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// The trusted authorities: those of the machine, and any that are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<CertificateDer<'static>>);

/// The text is not a list of authorities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrust {
    /// The text has no certificate.
    #[error("there is no certificate in it: expected PEM, with -----BEGIN CERTIFICATE-----")]
    Empty,
    /// The text is not PEM.
    #[error("it is not PEM: {0}")]
    Malformed(String),
    /// The certificate with this number, from 1, cannot be read.
    #[error("its certificate number {0} cannot be read: {1}")]
    Certificate(usize, String),
}

/// Why a TLS connection failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// An unknown authority signed the certificate, or the server signed it itself.
    #[error("its certificate is from an authority that is not trusted here")]
    UnknownIssuer,
    /// The certificate has expired.
    #[error("its certificate has expired{}", on(*.0))]
    Expired(Option<OffsetDateTime>),
    /// The certificate is not valid yet.
    #[error("its certificate is not valid yet{}", on(*.0))]
    NotYetValid(Option<OffsetDateTime>),
    /// The certificate is for another server.
    #[error("its certificate is for {names}")]
    WrongName {
        /// The names in the certificate, comma-separated.
        names: String,
    },
    /// The server uses the certificate of an authority as its own. Browsers refuse that too.
    #[error("its certificate is that of an authority (CA:TRUE), which is not for servers")]
    Authority,
    /// The server does not speak TLS.
    #[error("it does not speak TLS")]
    NotTls,
    /// The machine has no authorities.
    #[error("this machine has no certificates of authorities")]
    NobodyTrusted,
    /// Another fault, in the library's words.
    #[error("TLS failed: {0}")]
    Other(String),
}

/// The TLS configuration that all connections of one client share.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Trust {
    /// Adds the authorities in this PEM text.
    pub fn and_pem(mut self, pem: &[u8]) -> Result<Self, InvalidTrust> {
        let before = self.0.len();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let certificate =
                certificate.map_err(|error| InvalidTrust::Malformed(error.to_string()))?;
            let usable = RootCertStore::empty().add(certificate.clone());
            usable.map_err(|error| InvalidTrust::Certificate(index + 1, error.to_string()))?;
            self.0.push(certificate);
        }
        if self.0.len() == before {
            Err(InvalidTrust::Empty)
        } else {
            Ok(self)
        }
    }
}

impl Tls {
    /// Reads the machine's authorities.
    pub(crate) fn new(trust: &Trust) -> Result<Self, TlsFault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            Verifier::new_with_extra_roots(trust.0.iter().cloned(), Arc::clone(&provider));
        let verifier: Arc<dyn ServerCertVerifier> =
            Arc::new(verifier.map_err(|_| TlsFault::NobodyTrusted)?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsFault::of(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = config.with_no_client_auth();
        // A balancer must not choose HTTP/2: this client's WebSockets need HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// A copy, for a library that opens its own connections.
    pub(crate) fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }

    /// Performs the handshake with the server of this name.
    pub(crate) async fn connect(
        &self,
        host: Host<&str>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = match host {
            Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::from(ip).into()),
            Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::from(ip).into()),
            Host::Domain(name) => {
                ServerName::try_from(name.to_owned()).map_err(io::Error::other)?
            }
        };
        TlsConnector::from(Arc::clone(&self.0))
            .connect(name, stream)
            .await
    }
}

impl TlsFault {
    /// The TLS fault that caused an error, if one did.
    pub(crate) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of(error));
            }
            // `source` does not return the error inside an I/O error.
            let wrapped = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            next = wrapped.map_or_else(|| error.source(), |inner| Some(inner));
        }
        None
    }

    fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            error => Self::Other(error.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            // An authority that was recreated under its old name causes a bad signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(moment(*not_after)),
            CertificateError::NotValidYet => Self::NotYetValid(None),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid(moment(*not_before))
            }
            CertificateError::NotValidForName => Self::WrongName {
                names: "others".to_owned(),
            },
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
                Self::WrongName {
                    names: if names.is_empty() {
                        "no name".to_owned()
                    } else {
                        names.join(", ")
                    },
                }
            }
            // rustls passes on this error of webpki as a text only.
            CertificateError::Other(error) if error.0.to_string() == "CaUsedAsEndEntity" => {
                Self::Authority
            }
            error => Self::Other(error.to_string()),
        }
    }
}

/// Whether an answer to plain HTTP shows that the port speaks TLS: a TLS record, or the words of
/// well-known servers.
pub(crate) fn wants_tls(answer: &[u8]) -> bool {
    /// An alert record, of any TLS version.
    const ALERT: &[u8] = &[21, 3];
    answer.starts_with(ALERT)
        || [&b"HTTPS"[..], b"SSL"]
            .iter()
            .any(|word| answer.windows(word.len()).any(|w| w == *word))
}

/// The name in a debug text: `DnsName("a.example")` is `a.example`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

fn moment(time: UnixTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(time.as_secs().try_into().ok()?).ok()
}

fn on(time: Option<OffsetDateTime>) -> String {
    time.and_then(|time| time.format(&Rfc3339).ok())
        .map_or_else(String::new, |time| format!(" ({time})"))
}
