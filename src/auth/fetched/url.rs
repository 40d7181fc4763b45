//! The URL of a key set, parsed. Its query may hold a secret, so it is used and never shown.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The URL of a JSON Web Key Set: `https`, or `http` to this machine. `Display` and `Debug` show
/// scheme, host and path.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyUrl(Url);

/// A text that is no URL of keys. The error does not repeat the text, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyUrl {
    /// It is no URL, or of another scheme.
    #[error("has to be https://HOST/PATH, without a user and without a fragment")]
    Form,
    /// Anybody on the way could put keys of their own into the answer.
    #[error("has to begin with https: http is for an address of this machine only")]
    Unprotected,
}

impl KeyUrl {
    /// The whole URL: for the request only.
    pub(super) fn expose(&self) -> &Url {
        &self.0
    }

    /// Whether it leads to this machine, by HTTP.
    pub(super) fn is_local(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl FromStr for KeyUrl {
    type Err = InvalidKeyUrl;

    fn from_str(text: &str) -> Result<Self, InvalidKeyUrl> {
        let url = Url::parse(text).map_err(|_| InvalidKeyUrl::Form)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_plain || url.fragment().is_some() || url.port() == Some(0) {
            return Err(InvalidKeyUrl::Form);
        }
        match (url.scheme(), url.host()) {
            ("https", Some(_)) => Ok(Self(url)),
            ("http", Some(host)) if is_loopback(&host) => Ok(Self(url)),
            ("http", Some(_)) => Err(InvalidKeyUrl::Unprotected),
            _ => Err(InvalidKeyUrl::Form),
        }
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_query() {
        for (text, shown) in [
            ("https://issuer.example", "https://issuer.example/"),
            (
                "https://issuer.example:8443/keys?code=hunter2",
                "https://issuer.example:8443/keys",
            ),
            ("http://localhost:81/a", "http://localhost:81/a"),
            ("http://127.9.9.9/a?b", "http://127.9.9.9/a"),
            ("http://[::1]:81/", "http://[::1]:81/"),
        ] {
            let url: KeyUrl = text.parse().expect("a URL of keys");
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("KeyUrl({shown})"));
        }
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for (text, fault) in [
            ("", InvalidKeyUrl::Form),
            ("issuer.example/keys", InvalidKeyUrl::Form),
            ("file:///etc/keys.jwks", InvalidKeyUrl::Form),
            ("ftp://issuer.example/", InvalidKeyUrl::Form),
            ("https://", InvalidKeyUrl::Form),
            ("https://ada:secret@issuer.example/", InvalidKeyUrl::Form),
            ("https://issuer.example/#a", InvalidKeyUrl::Form),
            ("http://127.0.0.1:0/", InvalidKeyUrl::Form),
            ("http://issuer.example/", InvalidKeyUrl::Unprotected),
            ("http://10.0.0.1/", InvalidKeyUrl::Unprotected),
            ("http://localhost.example/", InvalidKeyUrl::Unprotected),
            ("http://[::2]/", InvalidKeyUrl::Unprotected),
        ] {
            assert_eq!(text.parse::<KeyUrl>(), Err(fault), "{text}");
        }
    }
}
