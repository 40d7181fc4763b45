//! The policy serves the hosts and allows the origins of its settings, and no others.

use super::*;

fn policy(exposure: Exposure, hosts: &[&str], origins: &[&str]) -> AccessPolicy {
    AccessPolicy {
        exposure,
        requirement: HostRequirement::Always,
        hosts: hosts
            .iter()
            .map(|text| text.parse().expect("a host"))
            .collect(),
        origins: origins
            .iter()
            .map(|text| text.parse().expect("an origin"))
            .collect(),
    }
}

fn host(
    policy: &AccessPolicy,
    target: &str,
    hosts: &[&str],
) -> Result<Option<Authority>, HostFault> {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(header::HOST, host.parse().expect("a value"));
    }
    policy.host(
        Version::HTTP_11,
        &target.parse().expect("a target"),
        &headers,
    )
}

fn unknown(name: &str) -> Result<Option<Authority>, HostFault> {
    Err(HostFault::Unknown(name.parse().expect("a host")))
}

/// Hosts that every policy serves.
const ALWAYS_SERVED: [&str; 12] = [
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
    for name in ALWAYS_SERVED {
        assert!(host(&local, "/people", &[name]).is_ok(), "{name}");
    }
    for name in [
        "evil.example",
        "Evil.Example.:8080",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.nip.io",
    ] {
        let bare = name.trim_end_matches(":8080").trim_end_matches('.');
        assert_eq!(host(&local, "/people", &[name]), unknown(bare), "{name}");
    }
}

#[test]
fn a_list_of_hosts_serves_its_names_and_refuses_all_others() {
    for exposure in [Exposure::Local, Exposure::Network] {
        let named = policy(exposure, &["people.example"], &[]);
        for name in ALWAYS_SERVED
            .into_iter()
            .chain(["people.example", "People.Example.:443"])
        {
            assert!(
                host(&named, "/people", &[name]).is_ok(),
                "{exposure:?} {name}"
            );
        }
        for name in [
            "evil.example",
            "a.people.example",
            "people.example.evil",
            "example",
        ] {
            assert_eq!(
                host(&named, "/people", &[name]),
                unknown(name),
                "{exposure:?}"
            );
        }
    }
    let open = policy(Exposure::Network, &[], &[]);
    assert!(host(&open, "/people", &["anything.example:99"]).is_ok());
}

#[test]
fn a_missing_repeated_or_invalid_host_is_refused() {
    for exposure in [Exposure::Local, Exposure::Network] {
        let any = policy(exposure, &[], &[]);
        assert_eq!(host(&any, "/", &[]), Err(HostFault::Missing));
        assert_eq!(
            host(&any, "/", &["localhost", "localhost"]),
            Err(HostFault::Twice)
        );
        for invalid in [
            "",
            "  ",
            "a b",
            "localhost:x",
            "localhost:99999",
            "http://localhost",
            "u@localhost",
            "::1",
        ] {
            assert_eq!(
                host(&any, "/", &[invalid]),
                Err(HostFault::Invalid),
                "{invalid}"
            );
        }
    }
    let old = AccessPolicy {
        requirement: HostRequirement::FromHttp11,
        ..policy(Exposure::Local, &[], &[])
    };
    let target = Uri::from_static("/readyz");
    assert_eq!(
        old.host(Version::HTTP_10, &target, &HeaderMap::new()),
        Ok(None)
    );
    assert_eq!(
        old.host(Version::HTTP_11, &target, &HeaderMap::new()),
        Err(HostFault::Missing)
    );
}

#[test]
fn the_host_of_a_target_in_absolute_form_overrides_the_header() {
    let local = policy(Exposure::Local, &[], &[]);
    assert!(host(&local, "http://localhost:8080/people", &["localhost"]).is_ok());
    assert_eq!(
        host(&local, "http://evil.example/people", &["localhost"]),
        unknown("evil.example")
    );
    assert!(host(&local, "http://127.0.0.1/people", &["evil.example"]).is_ok());
    assert_eq!(
        host(&local, "http://u@localhost/people", &["localhost"]),
        Err(HostFault::Invalid)
    );
    assert_eq!(
        host(&local, "http://localhost/people", &["a b"]),
        Err(HostFault::Invalid)
    );
    assert_eq!(
        host(&local, "http://localhost/people", &[]),
        Err(HostFault::Missing)
    );
}

fn decide(policy: &AccessPolicy, origin: &str, host: &str) -> OriginDecision {
    let authority = host.parse().ok();
    policy.decide(Some(&origin.parse().expect("a value")), authority.as_ref())
}

#[test]
fn a_page_of_the_requested_host_has_the_same_origin() {
    let open = policy(Exposure::Network, &[], &[]);
    for (origin, host) in [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("https://People.example", "people.example"),
        ("https://people.example", "people.example:443"),
        ("http://[::1]:8080", "[::1]:8080"),
    ] {
        assert_eq!(
            decide(&open, origin, host),
            OriginDecision::SameOrigin,
            "{origin} {host}"
        );
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
        assert_eq!(
            decide(&open, origin, host),
            OriginDecision::Denied,
            "{origin} {host}"
        );
    }
    assert_eq!(open.decide(None, None), OriginDecision::NoOrigin);
}

#[test]
fn listed_origins_are_allowed_by_scheme_host_and_port() {
    let listed = policy(
        Exposure::Network,
        &[],
        &["https://app.example", "http://localhost:3000"],
    );
    for origin in [
        "https://app.example",
        "https://app.example:443",
        "http://localhost:3000",
    ] {
        assert_eq!(
            decide(&listed, origin, "h"),
            OriginDecision::Allowed,
            "{origin}"
        );
    }
    for origin in [
        "http://app.example",
        "http://localhost:3001",
        "https://a.app.example",
    ] {
        assert_eq!(
            decide(&listed, origin, "h"),
            OriginDecision::Denied,
            "{origin}"
        );
    }
}

#[test]
fn pages_of_this_machine_are_allowed_while_only_this_machine_is_served() {
    let pages = [
        "http://localhost:5173",
        "https://localhost",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://app.localhost:3000",
    ];
    for origin in pages {
        assert_eq!(
            decide(&policy(Exposure::Local, &[], &[]), origin, "127.0.0.1:8080"),
            OriginDecision::Allowed
        );
        assert_eq!(
            decide(
                &policy(Exposure::Network, &[], &[]),
                origin,
                "10.0.0.1:8080"
            ),
            OriginDecision::Denied
        );
    }
    for origin in [
        "http://192.168.1.7:5173",
        "http://localhost.evil.example",
        "null",
        "app://localhost",
    ] {
        assert_eq!(
            decide(&policy(Exposure::Local, &[], &[]), origin, "127.0.0.1:8080"),
            OriginDecision::Denied
        );
    }
}
