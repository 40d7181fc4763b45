//! What is wrong with a server's certificate, and what an operator can do about it.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// The fault of a server's certificate that caused `error`, with advice; none if the cause is
/// another. `setting` is the setting that names the server.
pub fn certificate_fault(error: &(dyn Error + 'static), setting: &str) -> Option<String> {
    Some(match behind(error)? {
        // An authority that was made anew under its old name causes a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is from an authority that is not trusted here: add that authority to \
             those of the machine, or name a PEM file of all that are to be trusted in the \
             environment variable SSL_CERT_FILE"
                .to_owned()
        }
        CertificateError::NotValidForName => "its certificate is for another server".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            format!(
                "its certificate is for {}: name the server in {setting} as its certificate does",
                if names.is_empty() {
                    "no server".to_owned()
                } else {
                    names.join(", ")
                }
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or the clock here is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or the clock here is wrong".to_owned()
        }
        other => format!("its certificate is refused ({other}): give it another one"),
    })
}

/// The name in a debug text: `DnsName("a.example")` is `a.example`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

/// The error of the certificate among the causes.
fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault);
        }
        // `source` passes over the error that an I/O error wraps.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner as &'a (dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    fn fault(error: CertificateError) -> Option<String> {
        let error = io::Error::other(rustls::Error::InvalidCertificate(error));
        certificate_fault(&Outer(io::Error::other(error)), "auth.jwks")
    }

    #[test]
    fn a_fault_is_found_behind_other_errors_and_told_with_advice() {
        let unknown = fault(CertificateError::UnknownIssuer).expect("a fault");
        assert!(unknown.contains("not trusted here") && unknown.contains("SSL_CERT_FILE"));
        let expired = fault(CertificateError::Expired).expect("a fault");
        assert!(expired.contains("expired") && expired.contains("clock"));
        let other = fault(CertificateError::BadEncoding).expect("a fault");
        assert!(other.contains("give it another one"));
        let foreign = fault(CertificateError::NotValidForNameContext {
            expected: "a.example".try_into().expect("a name"),
            presented: vec![r#"DnsName("b.example")"#.to_owned()],
        });
        let foreign = foreign.expect("a fault");
        assert!(foreign.contains("is for b.example: name the server in auth.jwks"));
    }

    #[test]
    fn another_cause_is_no_fault_of_a_certificate() {
        let error = io::Error::other(rustls::Error::DecryptError);
        assert_eq!(certificate_fault(&Outer(error), "auth.jwks"), None);
        assert_eq!(certificate_fault(&io::Error::other("x"), "a"), None);
    }
}
