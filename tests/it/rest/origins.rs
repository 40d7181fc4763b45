//! Pages of other origins (CORS).

use crate::ADA;
use crate::gateway::{Gateway, Setup};

const LISTED: &str = "https://app.example";

async fn gateway() -> Gateway {
    let mut setup = Setup::default();
    setup.options.origins = vec![LISTED.parse().expect("an origin")];
    Gateway::start_with(setup).await
}

#[tokio::test]
async fn a_listed_origin_may_read_answers_and_the_headers_that_it_needs() {
    let gateway = gateway().await;
    let headers = [("content-type", "application/json"), ("origin", LISTED)];
    for answer in [gateway.call("POST", "/people", &headers, ADA).await, gateway.call("GET", "/x", &headers, "").await]
    {
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        let exposed = answer.header("access-control-expose-headers").expect("exposed headers");
        for name in ["ETag", "Location", "Link", "Change-Position", "Idempotency-Replayed"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"));
    }
    let other = gateway.call("GET", "/people", &[("origin", "https://evil.example")], "").await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, None));
    assert!(other.headers.get_all("vary").iter().any(|value| value == "Origin"), "caches must not mix the two");
    assert!(other.headers.get_all("vary").iter().any(|value| value == "Accept"));
}

#[tokio::test]
async fn a_preflight_of_a_listed_origin_is_told_methods_and_headers() {
    let gateway = gateway().await;
    let ask = |origin| [("origin", origin), ("access-control-request-method", "PUT")];
    let answer = gateway.call("OPTIONS", "/people/x", &ask(LISTED), "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(LISTED)));
    let methods = answer.header("access-control-allow-methods").expect("methods");
    assert!(["POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    let headers = answer.header("access-control-allow-headers").expect("headers").to_lowercase();
    for name in ["content-type", "if-match", "if-none-match", "idempotency-key"] {
        assert!(headers.contains(name), "{headers}");
    }
    let refused = gateway.call("OPTIONS", "/people/x", &ask("https://evil.example"), "").await;
    refused.problem(403, "origin");
    assert_eq!(refused.header("access-control-allow-origin"), None);
}
