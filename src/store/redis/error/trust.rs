//! Advice for an operator whose server has a certificate that is not trusted.

use std::error::Error;
use std::io;
use std::sync::Arc;

use ::redis::RedisError;
use rustls::CertificateError;

/// What is wrong with the server's certificate and what to do; none if the connection failed for
/// another reason.
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
                "no server".to_owned()
            } else {
                presented.join(", ")
            }
        ),
        other => format!("its certificate is refused ({other}): give it another one"),
    })
}

/// The error of TLS, which the library wraps in an I/O error.
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
