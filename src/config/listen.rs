//! The address to listen at. A name means all its addresses.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// One address or several, all with the same port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    text: String,
    addresses: Vec<SocketAddr>,
}

/// A text that is not an address to listen at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListenAddress {
    /// The text is neither an address nor a name with a port.
    #[error(
        "has to be ADDRESS:PORT or NAME:PORT, as in 127.0.0.1:8080, [::1]:8080 or localhost:8080 \
         (port 0 takes a free one; 0.0.0.0 and [::] are all addresses of this machine)"
    )]
    Form,
    /// The system knows no address of the name. The name is not repeated: it may be a misplaced
    /// secret.
    #[error("the name has no address here ({0})")]
    Unknown(String),
}

impl ListenAddress {
    /// The addresses; at least one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether only this machine can reach them.
    pub(super) fn is_loopback(&self) -> bool {
        self.addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    }

    /// Whether the two share an address, so that a listener of one excludes the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.addresses
            .iter()
            .any(|address| address.port() != 0 && other.addresses.contains(address))
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Ok(Self {
                text: text.to_owned(),
                addresses: vec![address],
            });
        }
        let (name, port) = text.rsplit_once(':').ok_or(InvalidListenAddress::Form)?;
        let port: u16 = port.parse().map_err(|_| InvalidListenAddress::Form)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(InvalidListenAddress::Form);
        }
        let mut addresses = Vec::new();
        for address in (name, port)
            .to_socket_addrs()
            .map_err(|error| InvalidListenAddress::Unknown(error.to_string()))?
        {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(InvalidListenAddress::Unknown(
                "the system named none".to_owned(),
            ));
        }
        // IPv4 first: most programs try it first.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(Self {
            text: text.to_owned(),
            addresses,
        })
    }
}

/// The text as the user wrote it.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> ListenAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_means_all_its_addresses() {
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
    fn an_invalid_address_is_refused_with_the_right_form() {
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
            assert_eq!(
                text.parse::<ListenAddress>(),
                Err(InvalidListenAddress::Form),
                "{text}"
            );
        }
        assert!(matches!(
            "nowhere.invalid:1".parse::<ListenAddress>(),
            Err(InvalidListenAddress::Unknown(_))
        ));
    }
}
