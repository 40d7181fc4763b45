//! The host of a request or an origin (RFC 3986, section 3.2.2), with or without a port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name in DNS, in characters.
const NAME_MAX: usize = 253;

/// A host. Addresses compare by value; names compare without case and without a final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, in lower case and without a final dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A text that is not a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host: expected a name or an address, without a scheme, a port or a path")]
pub struct InvalidHost;

impl Host {
    /// Whether it is this machine: `localhost`, a name below it, or an address of loopback.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.to_canonical().is_loopback(),
        }
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    /// Reads a name or an address; IPv6 addresses are in brackets.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return inner
                .parse::<Ipv6Addr>()
                .map(|address| Self::Address(address.into()))
                .map_err(|_| InvalidHost);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        let fits = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte))
        };
        if name.len() <= NAME_MAX && name.split('.').all(fits) {
            Ok(Self::Name(name))
        } else {
            Err(InvalidHost)
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A host and the port behind it, as in the header `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl FromStr for Authority {
    type Err = InvalidHost;

    /// Reads `HOST`, `HOST:PORT`, or `HOST:`, which names no port.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (text, ""),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidHost);
        }
        let port = if port.is_empty() {
            None
        } else {
            Some(port.parse().map_err(|_| InvalidHost)?)
        };
        Ok(Self {
            host: host.parse()?,
            port,
        })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_in_any_spelling() {
        for (text, shown, port) in [
            ("localhost", "localhost", None),
            ("LocalHost.:8080", "localhost", Some(8080)),
            ("people.example:", "people.example", None),
            ("my_host", "my_host", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("127.0.0.1.", "127.0.0.1", None),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("[0:0:0:0:0:0:0:1]", "[::1]", None),
            // By RFC 3986 this is no address but a name.
            ("127.1", "127.1", None),
        ] {
            let authority: Authority = text.parse().expect(text);
            assert_eq!(
                (authority.host.to_string().as_str(), authority.port),
                (shown, port),
                "{text}"
            );
        }
        for text in [
            "", ".", ":", ":80", "a..b", "a b", "a/b", "u@a", "a:b", "a:+80", "a:70000", "::1",
            "[::1", "[::1]x", "[x]", "[::1]:x", "a,b", "ä", "a:80:80", "a%00", "http://a",
        ] {
            assert_eq!(text.parse::<Authority>(), Err(InvalidHost), "{text}");
        }
        assert_eq!("a".repeat(254).parse::<Host>(), Err(InvalidHost));
    }

    #[test]
    fn loopback_is_a_name_or_an_address_of_this_machine() {
        for text in [
            "localhost",
            "app.localhost",
            "127.0.0.1",
            "127.8.9.10",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "LOCALHOST.",
        ] {
            assert!(text.parse::<Host>().expect(text).is_loopback(), "{text}");
        }
        for text in [
            "localhost.evil.example",
            "evillocalhost",
            "10.0.0.1",
            "[::]",
            "0.0.0.0",
            "127.0.0.1.evil.example",
        ] {
            assert!(!text.parse::<Host>().expect(text).is_loopback(), "{text}");
        }
    }
}
