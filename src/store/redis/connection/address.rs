//! Where servers listen: the texts of addresses, as urls, maps and redirections have them.

use std::fmt;
use std::sync::Arc;

/// The host and the port of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
}

impl Address {
    /// A server on this host.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// Reads `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; without a host it is that of the server which
    /// gave the text.
    pub(crate) fn given_by(&self, text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        // A cluster appends the port of its bus, or the host's name: "10.0.0.1:6379@16379,name".
        let port = port.split('@').next()?.parse().ok()?;
        Some(self.sibling(host, port))
    }

    /// A server whose host this one tells; without a host it is the same.
    pub(crate) fn sibling(&self, host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host {
            "" | "?" => Self {
                host: Arc::clone(&self.host),
                port,
            },
            host => Self::new(host, port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells_the_addresses_of_others() {
        let asked = Address::new("db.example", 7000);
        for (text, address) in [
            ("10.0.0.1:7001", Some("10.0.0.1:7001")),
            ("10.0.0.1:7001@17001,a.example", Some("10.0.0.1:7001")),
            (":7001", Some("db.example:7001")),
            ("?:7001", Some("db.example:7001")),
            ("::1:7001", Some("[::1]:7001")),
            ("[::1]:7001", Some("[::1]:7001")),
            ("db.example", None),
            ("db.example:0x1", None),
        ] {
            let read = asked.given_by(text).map(|address| address.to_string());
            assert_eq!(read.as_deref(), address, "{text}");
        }
    }
}
