//! Where to listen: an address, or a name, which stands for all the addresses that it has.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// One address or several, all with one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    text: String,
    addresses: Vec<SocketAddr>,
}

/// Why nobody can listen there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListen {
    /// It is neither an address nor a name with a port.
    #[error(
        "has to be ADDRESS:PORT or NAME:PORT, as in 127.0.0.1:8080, [::1]:8080 or localhost:8080 \
         (port 0 takes a free one; 0.0.0.0 and [::] are all addresses of this machine)"
    )]
    Form,
    /// The system knows no address of that name, which is not repeated: it may be a secret in the
    /// wrong place.
    #[error("the name has no address here ({0})")]
    Unknown(String),
}

impl Listen {
    /// The addresses; at least one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether nobody but this machine reaches them.
    pub(super) fn is_loopback(&self) -> bool {
        self.addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    }

    /// Whether both could not be listened on.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.addresses
            .iter()
            .any(|address| address.port() != 0 && other.addresses.contains(address))
    }
}

impl FromStr for Listen {
    type Err = InvalidListen;

    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Ok(Self {
                text: text.to_owned(),
                addresses: vec![address],
            });
        }
        let (name, port) = text.rsplit_once(':').ok_or(InvalidListen::Form)?;
        let port: u16 = port.parse().map_err(|_| InvalidListen::Form)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(InvalidListen::Form);
        }
        let mut addresses = Vec::new();
        for address in (name, port)
            .to_socket_addrs()
            .map_err(|error| InvalidListen::Unknown(error.to_string()))?
        {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(InvalidListen::Unknown("the system named none".to_owned()));
        }
        // What most programs try is told first.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(Self {
            text: text.to_owned(),
            addresses,
        })
    }
}

/// As it was written.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Listen {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_stands_for_all_its_addresses() {
        let local = listen("localhost:8080");
        assert!(
            local.is_loopback()
                && local
                    .addresses()
                    .iter()
                    .all(|address| address.port() == 8080),
            "{local:?}"
        );
        assert!(
            local
                .addresses()
                .contains(&"127.0.0.1:8080".parse().unwrap()),
            "{local:?}"
        );
        assert!(local.addresses().is_sorted_by_key(SocketAddr::is_ipv6));
        assert_eq!(local.to_string(), "localhost:8080");
        assert!(
            local.overlaps(&listen("127.0.0.1:8080")) && !local.overlaps(&listen("127.0.0.1:8081"))
        );
        assert!(!listen("127.0.0.1:0").overlaps(&listen("127.0.0.1:0")));
        assert!(!listen("0.0.0.0:1").is_loopback() && listen("[::1]:1").is_loopback());
    }

    #[test]
    fn what_is_no_address_says_what_one_looks_like() {
        for text in [
            "8080",
            ":8080",
            "*:8080",
            "localhost",
            "localhost:",
            "localhost:http",
            "localhost:65536",
            "::1:80:80x",
            "redis://:hunter2@127.0.0.1:1",
            "a b:1",
            "http://localhost:8080",
        ] {
            assert_eq!(text.parse::<Listen>(), Err(InvalidListen::Form), "{text}");
        }
        assert!(matches!(
            "nowhere.invalid:1".parse::<Listen>(),
            Err(InvalidListen::Unknown(_))
        ));
    }
}
