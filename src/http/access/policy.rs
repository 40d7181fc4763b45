//! Which requests are served, by the host that they name, and which pages may read the answers, by their origin.
//!
//! Pure: what a request says goes in, a decision comes out. CORS says nothing of live streams over WebSocket, nor of a page
//! whose own name was pointed at this machine after it was loaded (DNS rebinding); so both are decided here.

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
                Some(text.trim().parse::<Authority>().map_err(|_| HostFault::Invalid)?)
            }
            (Some(_), Some(_)) => return Err(HostFault::Twice),
        };
        // A target in absolute form names the host, whatever the header says (RFC 9112, section 3.2.2).
        let named = match target.authority() {
            Some(authority) => Some(authority.as_str().parse().map_err(|_| HostFault::Invalid)?),
            None => named,
        };
        match named {
            Some(Authority { host, .. }) if !self.serves(&host) => Err(HostFault::Unknown(host)),
            named => Ok(named),
        }
    }

    /// Whether the gateway answers to a host. An address is no name that somebody could point at another machine.
    fn serves(&self, host: &Host) -> bool {
        let checked = self.exposure == Exposure::Local || !self.hosts.is_empty();
        !checked || matches!(host, Host::Address(_)) || host.is_loopback() || self.hosts.contains(host)
    }

    /// What the page that asks may do; `authority` is the host that it asked.
    pub(super) fn caller(&self, origin: Option<&HeaderValue>, authority: Option<&Authority>) -> Caller {
        let Some(value) = origin else { return Caller::NoPage };
        let Some(origin) = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok()) else {
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
mod tests {
    use super::*;

    fn policy(exposure: Exposure, hosts: &[&str], origins: &[&str]) -> Policy {
        Policy {
            exposure,
            demand: Demand::Always,
            hosts: hosts.iter().map(|text| text.parse().expect("a host")).collect(),
            origins: origins.iter().map(|text| text.parse().expect("an origin")).collect(),
        }
    }

    fn host(policy: &Policy, target: &str, hosts: &[&str]) -> Result<Option<Authority>, HostFault> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().expect("a value"));
        }
        policy.host(Version::HTTP_11, &target.parse().expect("a target"), &headers)
    }

    fn unknown(name: &str) -> Result<Option<Authority>, HostFault> {
        Err(HostFault::Unknown(name.parse().expect("a host")))
    }

    /// What passes: names that are always ours, whichever policy checks.
    const OURS: [&str; 12] = [
        "localhost",
        "localhost:8080",
        "LOCALHOST:1",
        "localhost.",
        "app.localhost:5173",
        "127.0.0.1:8080",
        "127.9.9.9",
        "10.1.2.3:80",
        "0.0.0.0:8080",
        "[::1]",
        "[::1]:8080",
        "[2001:db8::1]:443",
    ];

    #[test]
    fn on_loopback_only_names_of_this_machine_and_addresses_are_served() {
        let local = policy(Exposure::Local, &[], &[]);
        for name in OURS {
            assert!(host(&local, "/people", &[name]).is_ok(), "{name}");
        }
        for name in
            ["evil.example", "Evil.Example.:8080", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.io"]
        {
            let bare = name.trim_end_matches(":8080").trim_end_matches('.');
            assert_eq!(host(&local, "/people", &[name]), unknown(bare), "{name}");
        }
    }

    #[test]
    fn listed_names_are_served_and_where_there_are_some_no_others_anywhere() {
        for exposure in [Exposure::Local, Exposure::Network] {
            let named = policy(exposure, &["people.example"], &[]);
            for name in OURS.into_iter().chain(["people.example", "People.Example.:443"]) {
                assert!(host(&named, "/people", &[name]).is_ok(), "{exposure:?} {name}");
            }
            for name in ["evil.example", "a.people.example", "people.example.evil", "example"] {
                assert_eq!(host(&named, "/people", &[name]), unknown(name), "{exposure:?}");
            }
        }
        let open = policy(Exposure::Network, &[], &[]);
        assert!(host(&open, "/people", &["anything.example:99"]).is_ok());
    }

    #[test]
    fn a_host_is_there_once_and_is_one() {
        for exposure in [Exposure::Local, Exposure::Network] {
            let any = policy(exposure, &[], &[]);
            assert_eq!(host(&any, "/", &[]), Err(HostFault::Missing));
            assert_eq!(host(&any, "/", &["localhost", "localhost"]), Err(HostFault::Twice));
            for invalid in ["", "  ", "a b", "localhost:x", "localhost:99999", "http://localhost", "u@localhost", "::1"]
            {
                assert_eq!(host(&any, "/", &[invalid]), Err(HostFault::Invalid), "{invalid}");
            }
        }
        let old = Policy { demand: Demand::FromHttp11, ..policy(Exposure::Local, &[], &[]) };
        let target = Uri::from_static("/readyz");
        assert_eq!(old.host(Version::HTTP_10, &target, &HeaderMap::new()), Ok(None));
        assert_eq!(old.host(Version::HTTP_11, &target, &HeaderMap::new()), Err(HostFault::Missing));
    }

    #[test]
    fn the_host_of_a_target_in_absolute_form_counts() {
        let local = policy(Exposure::Local, &[], &[]);
        assert!(host(&local, "http://localhost:8080/people", &["localhost"]).is_ok());
        assert_eq!(host(&local, "http://evil.example/people", &["localhost"]), unknown("evil.example"));
        assert!(host(&local, "http://127.0.0.1/people", &["evil.example"]).is_ok());
        assert_eq!(host(&local, "http://u@localhost/people", &["localhost"]), Err(HostFault::Invalid));
        assert_eq!(host(&local, "http://localhost/people", &["a b"]), Err(HostFault::Invalid));
        assert_eq!(host(&local, "http://localhost/people", &[]), Err(HostFault::Missing));
    }

    fn caller(policy: &Policy, origin: &str, host: &str) -> Caller {
        let authority = host.parse().ok();
        policy.caller(Some(&origin.parse().expect("a value")), authority.as_ref())
    }

    #[test]
    fn a_page_of_our_own_host_is_our_own() {
        let open = policy(Exposure::Network, &[], &[]);
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://People.example", "people.example"),
            ("https://people.example", "people.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(caller(&open, origin, host), Caller::Own, "{origin} {host}");
        }
        for (origin, host) in [
            ("http://127.0.0.1:3000", "127.0.0.1:8080"),
            ("http://evil.example", "people.example"),
            ("http://people.example:8080", "people.example"),
            ("http://people.example.evil", "people.example"),
            ("http://a.example, http://people.example", "people.example"),
            ("null", "people.example"),
            ("", "people.example"),
        ] {
            assert_eq!(caller(&open, origin, host), Caller::Foreign, "{origin} {host}");
        }
        assert_eq!(open.caller(None, None), Caller::NoPage);
    }

    #[test]
    fn listed_origins_are_admitted_by_scheme_host_and_port() {
        let listed = policy(Exposure::Network, &[], &["https://app.example", "http://localhost:3000"]);
        for origin in ["https://app.example", "https://app.example:443", "http://localhost:3000"] {
            assert_eq!(caller(&listed, origin, "h"), Caller::Admitted, "{origin}");
        }
        for origin in ["http://app.example", "http://localhost:3001", "https://a.app.example"] {
            assert_eq!(caller(&listed, origin, "h"), Caller::Foreign, "{origin}");
        }
    }

    #[test]
    fn pages_of_this_machine_are_admitted_while_only_this_machine_is_served() {
        let pages = [
            "http://localhost:5173",
            "https://localhost",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "http://app.localhost:3000",
        ];
        for origin in pages {
            assert_eq!(caller(&policy(Exposure::Local, &[], &[]), origin, "127.0.0.1:8080"), Caller::Admitted);
            assert_eq!(caller(&policy(Exposure::Network, &[], &[]), origin, "10.0.0.1:8080"), Caller::Foreign);
        }
        for origin in ["http://192.168.1.7:5173", "http://localhost.evil.example", "null", "app://localhost"] {
            assert_eq!(caller(&policy(Exposure::Local, &[], &[]), origin, "127.0.0.1:8080"), Caller::Foreign);
        }
    }
}
