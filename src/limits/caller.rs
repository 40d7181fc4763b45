//! Callers, as limits count them: by the subject of a token, else by address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that one caller has: one of IPv4, or 2^64 of IPv6, because that is what a network
/// gets (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressBlock {
    /// An address of IPv4, also where it was written as one of IPv6.
    V4(Ipv4Addr),
    /// The first 64 bits of an address of IPv6.
    V6(u64),
}

/// A caller, as limits know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerName<'c> {
    /// By address.
    Address(AddressBlock),
    /// By what its token says.
    Subject {
        /// The claim `iss`.
        issuer: Option<&'c str>,
        /// The claim `sub`.
        subject: &'c str,
    },
}

impl From<IpAddr> for AddressBlock {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_for_those_that_one_caller_has() {
        for (text, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            let address: IpAddr = text.parse().expect("an address");
            assert_eq!(AddressBlock::from(address).to_string(), shown);
        }
    }
}
