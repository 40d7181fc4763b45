//! The address that a request comes from: its peer's, or, behind proxies that the operator lists,
//! the one that they name in `X-Forwarded-For`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The bits before an address of IPv4 that is written as one of IPv6 (`::ffff:192.0.2.7`).
const MAPPED_BITS: u8 = 96;

/// An address, or a network of them, whose `X-Forwarded-For` is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyRange(IpNet);

/// A text that is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxyRange {
    /// It cannot be read.
    #[error("is no address and no network: 10.0.0.1, 10.0.0.0/8, fd00::/8")]
    Unreadable,
    /// It has bits behind its prefix, so that it is unclear which network is meant.
    #[error("has bits behind its prefix: the network is {0}")]
    BitsBehindPrefix(ProxyRange),
}

/// The caller's address. Listed proxies are believed, and nobody else.
///
/// Goes from the peer towards the caller as long as each step is a proxy. What cannot be read was
/// written by a proxy: then the peer counts, because nothing further on can be trusted.
pub(in crate::http) fn caller_address(
    proxies: &[ProxyRange],
    peer: IpAddr,
    headers: &HeaderMap,
) -> IpAddr {
    let peer = peer.to_canonical();
    let is_proxy = |address| proxies.iter().any(|range| range.contains(address));
    let mut current = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
    {
        if !is_proxy(current) {
            break;
        }
        let Some(address) = address(entry) else {
            return peer;
        };
        current = address;
    }
    current
}

/// An address, with or without a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let address: Option<IpAddr> = text.parse().ok();
    let address = address.or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

impl ProxyRange {
    fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// A network of IPv4 that is written as one of IPv6 is one of IPv4: so are the addresses that
    /// it is compared with.
    fn canonical(net: IpNet) -> IpNet {
        match (net.addr().to_canonical(), net) {
            (IpAddr::V4(address), IpNet::V6(net)) if net.prefix_len() >= MAPPED_BITS => {
                let bits = net.prefix_len() - MAPPED_BITS;
                Ipv4Net::new(address, bits).map_or(IpNet::V6(net), IpNet::V4)
            }
            _ => net,
        }
    }
}

impl FromStr for ProxyRange {
    type Err = InvalidProxyRange;

    fn from_str(text: &str) -> Result<Self, InvalidProxyRange> {
        let address: Option<IpAddr> = text.parse().ok();
        let net = match address {
            Some(address) => IpNet::from(address.to_canonical()),
            None => text.parse().map_err(|_| InvalidProxyRange::Unreadable)?,
        };
        let net = Self::canonical(net);
        if net.trunc() == net {
            Ok(Self(net))
        } else {
            Err(InvalidProxyRange::BitsBehindPrefix(Self(net.trunc())))
        }
    }
}

/// As it can be read again.
impl fmt::Display for ProxyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies(texts: &[&str]) -> Vec<ProxyRange> {
        let ranges = texts.iter().map(|text| text.parse().expect(text));
        ranges.collect()
    }

    /// The caller behind a peer of this address, with these lines of the header.
    fn found(proxies: &[ProxyRange], peer: &str, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line).expect("a value");
            headers.append(FORWARDED_FOR, line);
        }
        let peer: IpAddr = peer.parse().expect("an address");
        caller_address(proxies, peer, &headers).to_string()
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        let proxies = proxies(&["10.0.0.0/8"]);
        for lines in [&[&b"192.0.2.1"[..]][..], &[b"10.0.0.1"], &[b"x"], &[]] {
            assert_eq!(found(&proxies, "203.0.113.9", lines), "203.0.113.9");
            assert_eq!(found(&[], "10.0.0.1", lines), "10.0.0.1");
        }
    }

    #[test]
    fn the_caller_is_the_last_address_that_is_no_proxy() {
        let proxies = proxies(&["10.0.0.0/8", "fd00::/8", "192.0.2.200"]);
        for (lines, expected) in [
            (&[&b"203.0.113.9"[..]][..], "203.0.113.9"),
            (&[b"1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            (
                &[b"1.2.3.4, 203.0.113.9, 10.9.9.9, 192.0.2.200"],
                "203.0.113.9",
            ),
            (
                &[b"1.2.3.4", b"203.0.113.9 ,fd00::7", b" 10.1.1.1"],
                "203.0.113.9",
            ),
            (&[b"203.0.113.9:1234"], "203.0.113.9"),
            (&[b"[2001:db8::9]:1234"], "2001:db8::9"),
            (&[b"[2001:db8::9]"], "2001:db8::9"),
            (&[b"::ffff:203.0.113.9, ::ffff:10.0.0.7"], "203.0.113.9"),
            // Nothing but proxies: the farthest one calls.
            (&[b"10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            (&[b" , ,"], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(found(&proxies, "10.0.0.1", lines), expected, "{lines:?}");
            assert_eq!(
                found(&proxies, "::ffff:10.0.0.1", lines),
                expected,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_caller_cannot_spoil_what_the_proxy_adds() {
        let proxies = proxies(&["10.0.0.0/8"]);
        for lines in [
            &[&b"unknown, 203.0.113.9"[..]][..],
            &[b"\xff\xfe", b"203.0.113.9"],
            &[b"10.0.0.2, 203.0.113.9"],
            &[b"a,b,,,c, 203.0.113.9, 10.0.0.2"],
        ] {
            assert_eq!(
                found(&proxies, "10.0.0.1", lines),
                "203.0.113.9",
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_a_proxy_writes_and_nobody_can_read_makes_the_peer_count() {
        let proxies = proxies(&["10.0.0.0/8"]);
        for lines in [
            &[&b"203.0.113.9, unknown"[..]][..],
            &[b"203.0.113.9, _hidden, 10.0.0.2"],
            &[b"203.0.113.9", b"\xff"],
            &[b"203.0.113.9, 300.1.1.1"],
            &[b"203.0.113.9, fe80::1%eth0"],
            &[b"203.0.113.9 198.51.100.1"],
        ] {
            assert_eq!(found(&proxies, "10.0.0.1", lines), "10.0.0.1", "{lines:?}");
        }
    }

    #[test]
    fn ranges_are_addresses_and_networks() {
        for (text, shown) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("FD00::/8", "fd00::/8"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            let range: ProxyRange = text.parse().expect(text);
            assert_eq!(range.to_string(), shown);
        }
        let unclear = "10.0.0.1/8"
            .parse::<ProxyRange>()
            .map_err(|error| error.to_string());
        assert_eq!(
            unclear,
            Err("has bits behind its prefix: the network is 10.0.0.0/8".to_owned())
        );
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "proxy.example",
            "10.0.0.0/",
            "*",
            "10.0.0.1:80",
        ] {
            let found = text.parse::<ProxyRange>();
            assert_eq!(found, Err(InvalidProxyRange::Unreadable), "{text}");
        }
    }
}
