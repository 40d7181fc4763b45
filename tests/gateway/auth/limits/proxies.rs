//! `X-Forwarded-For`: believed of listed proxies only.

use people_testing::issuer::Issuer;

use super::{Guarded, call};

/// The statuses of three bad tokens from these callers; the limit is one.
async fn statuses(settings: &[(&str, &str)], forwarded: [&str; 3]) -> [u16; 3] {
    let settings = [&[("limits.bad_tokens_per_minute", "1")], settings].concat();
    let guarded = Guarded::by(&[&Issuer::new("HS256")], &settings).await;
    let mut statuses = [0; 3];
    for (status, forwarded) in statuses.iter_mut().zip(forwarded) {
        let headers = [
            ("authorization", "Bearer x"),
            ("x-forwarded-for", forwarded),
        ];
        *status = call(&guarded.gateway, &headers).await.status().as_u16();
    }
    statuses
}

#[tokio::test]
async fn a_stranger_names_no_other_caller() {
    let different = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    assert_eq!(statuses(&[], different).await, [401, 429, 429]);
    let others = [("http.proxies", "10.0.0.0/8,127.0.0.2")];
    assert_eq!(statuses(&others, different).await, [401, 429, 429]);
}

#[tokio::test]
async fn a_listed_proxy_names_the_caller() {
    let ours = [("http.proxies", "127.0.0.0/8,10.0.0.0/8,fd00::/8")];
    let different = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
    assert_eq!(statuses(&ours, different).await, [401; 3]);
    // Three hops: the last that is no proxy counts, whatever is said before it.
    let spoofed = [
        "192.0.2.1, 203.0.113.9, 10.0.0.7, fd00::1",
        "192.0.2.2, 203.0.113.9, 10.0.0.8",
        "unknown, 203.0.113.9",
    ];
    assert_eq!(statuses(&ours, spoofed).await, [401, 429, 429]);
    // A network of IPv6 is one caller, and an address of IPv4 in its form is one of IPv4.
    let network = ["2001:db8:1:2::3", "2001:db8:1:2:ffff::1", "2001:db8:1:3::3"];
    assert_eq!(statuses(&ours, network).await, [401, 429, 401]);
    let mapped = ["::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"];
    assert_eq!(statuses(&ours, mapped).await, [401, 429, 401]);
}

#[tokio::test]
async fn a_header_that_nobody_can_read_makes_the_proxy_the_caller() {
    let ours = [("http.proxies", "127.0.0.1")];
    let unreadable = ["unknown", "192.0.2.1, _hidden", "192.0.2.2, 1.2.3"];
    assert_eq!(statuses(&ours, unreadable).await, [401, 429, 429]);
}
