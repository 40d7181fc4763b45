//! Decides by a request's host whether it is served, and by its origin whether a page may read the
//! answer.
//!
//! Pure: headers go in, a decision comes out. CORS does not cover WebSocket streams, nor a page
//! whose name was pointed at this machine after it was loaded (DNS rebinding); this file covers
//! both.

use axum::http::{HeaderMap, HeaderValue, Uri, Version, header};

use super::host::{Authority, Host};
use super::origin::Origin;

/// From where a listener can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// From this machine only, without authentication: also by the pages in its browsers.
    Local,
    /// From the network, or with authentication.
    Network,
}

/// Which requests need a `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostRequirement {
    /// All requests.
    Always,
    /// Requests of HTTP/1.1: balancers often check by HTTP/1.0, which has no such header.
    FromHttp11,
}

/// The hosts that a listener serves, and the origins that it allows.
#[derive(Clone, Debug)]
pub(super) struct AccessPolicy {
    pub(super) exposure: Exposure,
    pub(super) requirement: HostRequirement,
    /// The names of the gateway that a request may address.
    pub(super) hosts: Vec<Host>,
    /// Other origins whose pages may call.
    pub(super) origins: Vec<Origin>,
}

/// Why a request's host is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostFault {
    /// The request has none.
    Missing,
    /// The request has more than one header.
    Twice,
    /// The text is not a host.
    Invalid,
    /// The gateway does not have this name.
    Unknown(Host),
}

/// The decision about a request's `Origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginDecision {
    /// The request has none: no page sent it, or CORS does not cover it.
    NoOrigin,
    /// The page has the host that the request went to.
    SameOrigin,
    /// A page of another origin that may read the answers.
    Allowed,
    /// A page of another origin that may not.
    Denied,
}

impl AccessPolicy {
    /// The host that a request names, if it names one; a fault where it is not served.
    pub(super) fn host(
        &self,
        version: Version,
        target: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Authority>, HostFault> {
        let mut values = headers.get_all(header::HOST).iter();
        let named = match (values.next(), values.next()) {
            (None, _)
                if version >= Version::HTTP_11 || self.requirement == HostRequirement::Always =>
            {
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
        // The host of a target in absolute form overrides the header (RFC 9112, section 3.2.2).
        let named = match target.authority() {
            Some(authority) => Some(authority.as_str().parse().map_err(|_| HostFault::Invalid)?),
            None => named,
        };
        match named {
            Some(Authority { host, .. }) if !self.serves(&host) => Err(HostFault::Unknown(host)),
            named => Ok(named),
        }
    }

    /// Whether the gateway serves a host. Addresses always pass: DNS cannot point them elsewhere.
    fn serves(&self, host: &Host) -> bool {
        let checked = self.exposure == Exposure::Local || !self.hosts.is_empty();
        !checked
            || matches!(host, Host::Address(_))
            || host.is_loopback()
            || self.hosts.contains(host)
    }

    /// Decides about the page that sent a request to `authority`.
    pub(super) fn decide(
        &self,
        origin: Option<&HeaderValue>,
        authority: Option<&Authority>,
    ) -> OriginDecision {
        let Some(value) = origin else {
            return OriginDecision::NoOrigin;
        };
        let Some(origin) = value
            .to_str()
            .ok()
            .and_then(|text| text.parse::<Origin>().ok())
        else {
            return OriginDecision::Denied;
        };
        let on_this_machine = self.exposure == Exposure::Local && origin.is_loopback();
        if authority.is_some_and(|authority| origin.is_at(authority)) {
            OriginDecision::SameOrigin
        } else if on_this_machine || self.origins.contains(&origin) {
            OriginDecision::Allowed
        } else {
            OriginDecision::Denied
        }
    }

    /// Whether answers depend on the origin.
    pub(super) fn varies(&self) -> bool {
        self.exposure == Exposure::Local || !self.origins.is_empty()
    }
}

#[cfg(test)]
mod tests;
