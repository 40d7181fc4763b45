//! A server whose certificate is not believed: what its operator is told to do about it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use ::redis::RedisError;
use rustls::CertificateError;

/// What is wrong with the server's certificate and what to do; none where that is not why the
/// connection failed.
pub(super) fn distrust(error: &RedisError) -> Option<String> {
    Some(match certificate_error(error)? {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is from an authority that is not trusted here: add that authority to \
             those of the machine, or name a PEM file of all that are to be trusted in the \
             environment variable SSL_CERT_FILE"
                .to_owned()
        }
        CertificateError::NotValidForName => "its certificate is for another server".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "its certificate is for {}: name the server in store.url as its certificate does",
            if presented.is_empty() {
                "nobody".to_owned()
            } else {
                presented.join(", ")
            }
        ),
        other => format!("its certificate is refused ({other}): give it another one"),
    })
}

/// The library keeps what TLS said inside an error of input and output.
fn certificate_error(error: &RedisError) -> Option<&CertificateError> {
    let kept = error
        .source()?
        .downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    match kept
        .downcast_ref::<io::Error>()?
        .get_ref()?
        .downcast_ref::<rustls::Error>()?
    {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}
