//! The origin of a page (RFC 6454).

use std::fmt;
use std::str::FromStr;

use super::host::{Authority, Host};

/// Scheme, host and port from which a page was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

/// A text that is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: expected SCHEME://HOST or SCHEME://HOST:PORT, without a path")]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Reads an origin in any case; the default port of a scheme may be left out.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let scheme = scheme.to_ascii_lowercase();
        let Authority { host, port } = authority.parse().map_err(|_| InvalidOrigin)?;
        let port = port.or(default_port(&scheme));
        let named = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if named {
            Ok(Self { scheme, host, port })
        } else {
            Err(InvalidOrigin)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if Some(port) != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

impl Origin {
    /// Whether a request to `authority` went to the page's own host. The schemes are not compared,
    /// because a proxy may terminate TLS; an authority without a port has the scheme's default.
    pub(super) fn is_at(&self, authority: &Authority) -> bool {
        authority.host == self.host && authority.port.or(default_port(&self.scheme)) == self.port
    }

    /// Whether the page was served by this machine.
    pub(super) fn is_loopback(&self) -> bool {
        matches!(&*self.scheme, "http" | "https") && self.host.is_loopback()
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_in_any_case_and_written_as_browsers_do() {
        for (text, shown) in [
            ("https://App.Example", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("HTTP://[::1]:8080", "http://[::1]:8080"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(text.parse::<Origin>().expect(text).to_string(), shown);
        }
    }

    #[test]
    fn a_text_that_is_not_an_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://a/",
            "https://a:b",
            "https://u@a",
            "://a",
            "https://a:70000",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
