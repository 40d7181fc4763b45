//! Which requests are served, by the host that they name, and which pages may read the answers, by
//! their origin.
//!
//! Pure: what a request says goes in, a decision comes out. CORS says nothing of live streams over
//! WebSocket, nor of a page whose own name was pointed at this machine after it was loaded (DNS
//! rebinding); so both are decided here.

use axum::http::{HeaderMap, HeaderValue, Uri, Version, header};

use super::host::{Authority, Host};
use super::origin::Origin;

/// Who can reach a listener, and what it asks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Whatever runs on this machine, without authentication; so also the pages in its browsers.
    Local,
    /// The network, or callers who say who they are.
    Network,
}

/// Which requests need a `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// All.
    Always,
    /// Those of HTTP/1.1: checks of balancers are often HTTP/1.0, which has no such header.
    FromHttp11,
}

/// What a listener serves.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) exposure: Exposure,
    pub(super) demand: Demand,
    /// The names by which the gateway is called.
    pub(super) hosts: Vec<Host>,
    /// Foreign origins whose pages may call.
    pub(super) origins: Vec<Origin>,
}

/// Why a request's host is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostFault {
    /// It names none.
    Missing,
    /// There is more than one header.
    Twice,
    /// It is no host.
    Invalid,
    /// It is not called by this name.
    Unknown(Host),
}

/// What a request's `Origin` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// There is none: not a page of another origin, as far as browsers tell.
    NoPage,
    /// A page of the host that the request went to.
    Own,
    /// A page of another origin that may read what we answer.
    Admitted,
    /// A page of another origin that may not.
    Foreign,
}

impl Policy {
    /// The host that a request names, if it names one, or why it is not served.
    pub(super) fn host(
        &self,
        version: Version,
        target: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Authority>, HostFault> {
        let mut values = headers.get_all(header::HOST).iter();
        let named = match (values.next(), values.next()) {
            (None, _) if version >= Version::HTTP_11 || self.demand == Demand::Always => {
                return Err(HostFault::Missing);
            }
            (None, _) => None,
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| HostFault::Invalid)?;
                Some(
                    text.trim()
                        .parse::<Authority>()
                        .map_err(|_| HostFault::Invalid)?,
                )
            }
            (Some(_), Some(_)) => return Err(HostFault::Twice),
        };
        // A target in absolute form names the host, whatever the header says (RFC 9112, section
        // 3.2.2).
        let named = match target.authority() {
            Some(authority) => Some(authority.as_str().parse().map_err(|_| HostFault::Invalid)?),
            None => named,
        };
        match named {
            Some(Authority { host, .. }) if !self.serves(&host) => Err(HostFault::Unknown(host)),
            named => Ok(named),
        }
    }

    /// Whether the gateway answers to a host. An address is no name that somebody could point at
    /// another machine.
    fn serves(&self, host: &Host) -> bool {
        let checked = self.exposure == Exposure::Local || !self.hosts.is_empty();
        !checked
            || matches!(host, Host::Address(_))
            || host.is_loopback()
            || self.hosts.contains(host)
    }

    /// What the page that asks may do; `authority` is the host that it asked.
    pub(super) fn caller(
        &self,
        origin: Option<&HeaderValue>,
        authority: Option<&Authority>,
    ) -> Caller {
        let Some(value) = origin else {
            return Caller::NoPage;
        };
        let Some(origin) = value
            .to_str()
            .ok()
            .and_then(|text| text.parse::<Origin>().ok())
        else {
            return Caller::Foreign;
        };
        let on_this_machine = self.exposure == Exposure::Local && origin.is_loopback();
        if authority.is_some_and(|authority| origin.is_at(authority)) {
            Caller::Own
        } else if on_this_machine || self.origins.contains(&origin) {
            Caller::Admitted
        } else {
            Caller::Foreign
        }
    }

    /// Whether answers depend on the origin that asks.
    pub(super) fn varies(&self) -> bool {
        self.exposure == Exposure::Local || !self.origins.is_empty()
    }
}

#[cfg(test)]
mod tests;
