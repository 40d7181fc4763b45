//! TLS towards a gateway, or the balancer before it: whose certificates are believed, the
//! handshake, and what can be wrong with either.
//!
//! The server's name is always sent and always checked. Whom the machine trusts is read once, when
//! the first connection is made.

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

/// Authorities whose certificates are believed: those that the machine trusts, and any that are
/// added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<CertificateDer<'static>>);

/// A text that names no authorities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrust {
    /// There is no certificate in it.
    #[error("there is no certificate in it: expected PEM, with -----BEGIN CERTIFICATE-----")]
    Empty,
    /// It is not what PEM looks like.
    #[error("it is not PEM: {0}")]
    Malformed(String),
    /// One of its certificates, counted from 1, is none.
    #[error("its certificate number {0} cannot be read: {1}")]
    Certificate(usize, String),
}

/// Why no TLS connection came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// An authority that nobody here trusts has signed the certificate, or the server signed it
    /// itself.
    #[error("its certificate is from an authority that is not trusted here")]
    UnknownIssuer,
    /// The certificate is out of date.
    #[error("its certificate has expired{}", on(*.0))]
    Expired(Option<OffsetDateTime>),
    /// The certificate is for later.
    #[error("its certificate is not valid yet{}", on(*.0))]
    NotYetValid(Option<OffsetDateTime>),
    /// The certificate is another server's.
    #[error("its certificate is for {names}")]
    WrongName {
        /// The names that the certificate has, with commas.
        names: String,
    },
    /// A server shows the certificate of an authority. Nobody may; browsers refuse it too.
    #[error("its certificate is that of an authority (CA:TRUE), which is not for servers")]
    Authority,
    /// What answers does not speak TLS.
    #[error("it does not speak TLS")]
    NotTls,
    /// The machine trusts nobody.
    #[error("this machine has no certificates of authorities")]
    NobodyTrusted,
    /// Something else, as the library says it.
    #[error("TLS failed: {0}")]
    Other(String),
}

/// What each connection of one client needs.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Trust {
    /// Believes the authorities in this PEM text, too.
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
    /// Reads whom the machine trusts.
    pub(super) fn new(trust: &Trust) -> Result<Self, TlsFault> {
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
        // A balancer that has HTTP/2 as well must not choose it: WebSockets are HTTP/1.1 here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// For a library that makes its connections itself.
    pub(super) fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }

    /// Shakes hands with the server of this name.
    pub(super) async fn connect(
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
    /// The fault that an error comes from, if it is one of TLS.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of(error));
            }
            // An error that is wrapped in one of I/O is not among the sources.
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
            // A bad signature is what an authority leaves that has been made anew under its old
            // name.
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
            // The library that checks has a word for it, which this one passes on as a text only.
            CertificateError::Other(error) if error.0.to_string() == "CaUsedAsEndEntity" => {
                Self::Authority
            }
            error => Self::Other(error.to_string()),
        }
    }
}

/// Whether plain HTTP was sent to a port for TLS, as far as what came back tells: a record of TLS,
/// or what well-known servers write.
pub(super) fn wants_tls(answer: &[u8]) -> bool {
    /// A record with an alert, of any version so far.
    const ALERT: &[u8] = &[21, 3];
    answer.starts_with(ALERT)
        || [&b"HTTPS"[..], b"SSL"]
            .iter()
            .any(|word| answer.windows(word.len()).any(|w| w == *word))
}

/// `DnsName("a.example")` is `a.example`.
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
