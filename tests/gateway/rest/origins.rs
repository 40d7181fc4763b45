//! Pages of other origins (CORS).

use people_gateway::http::Exposure;

use crate::ADA;
use people_testing::http::{Answer, Gateway, Setup};

const LISTED: &str = "https://app.example";
const FOREIGN: &str = "https://evil.example";
/// A development server's page.
const LOCAL: &str = "http://localhost:5173";

async fn gateway(exposure: Exposure) -> Gateway {
    let mut setup = Setup::default();
    setup.options.exposure = exposure;
    setup.options.origins = vec![LISTED.parse().expect("an origin")];
    Gateway::start_with(setup).await
}

fn varies(answer: &Answer) -> bool {
    answer
        .headers
        .get_all("vary")
        .iter()
        .any(|value| value == "Origin")
}

#[tokio::test]
async fn pages_of_an_allowed_origin_can_read_answers_and_their_headers() {
    let gateway = gateway(Exposure::Local).await;
    for origin in [
        LISTED,
        LOCAL,
        "http://127.0.0.1:3000",
        "https://[::1]",
        "http://app.localhost",
    ] {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        for answer in [
            gateway.call("POST", "/people", &headers, ADA).await,
            gateway.call("GET", "/x", &headers, "").await,
        ] {
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            let exposed = answer
                .header("access-control-expose-headers")
                .expect("exposed headers");
            for name in [
                "ETag",
                "Location",
                "Link",
                "Change-Position",
                "Idempotency-Replayed",
            ] {
                assert!(exposed.contains(name), "{exposed}");
            }
            assert!(varies(&answer));
        }
    }
    let other = gateway
        .call("GET", "/people", &[("origin", FOREIGN)], "")
        .await;
    assert_eq!(
        (other.status, other.header("access-control-allow-origin")),
        (200, None)
    );
    assert!(varies(&other), "caches must not mix the two");
    assert!(
        other
            .headers
            .get_all("vary")
            .iter()
            .any(|value| value == "Accept")
    );
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_gets_methods_and_headers() {
    let gateway = gateway(Exposure::Local).await;
    let ask = |origin| [("origin", origin), ("access-control-request-method", "PUT")];
    for origin in [LISTED, LOCAL] {
        let answer = gateway.call("OPTIONS", "/people/x", &ask(origin), "").await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (204, Some(origin))
        );
        let methods = answer
            .header("access-control-allow-methods")
            .expect("methods");
        assert!(
            ["POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .all(|method| methods.contains(method)),
            "{methods}"
        );
        let headers = answer
            .header("access-control-allow-headers")
            .expect("headers")
            .to_lowercase();
        let allowed: Vec<&str> = headers.split(", ").collect();
        for name in [
            "content-type",
            "if-match",
            "if-none-match",
            "idempotency-key",
            "last-event-id",
            "traceparent",
            "tracestate",
            "baggage",
        ] {
            assert!(allowed.contains(&name), "{headers}");
        }
    }
    let refused = gateway
        .call("OPTIONS", "/people/x", &ask(FOREIGN), "")
        .await;
    refused.problem(403, "origin");
    assert_eq!(refused.header("access-control-allow-methods"), None);
}

#[tokio::test]
async fn a_gateway_on_the_network_denies_pages_of_this_machine() {
    let gateway = gateway(Exposure::Network).await;
    let preflight = [("origin", LOCAL), ("access-control-request-method", "PUT")];
    gateway
        .call("OPTIONS", "/people", &preflight, "")
        .await
        .problem(403, "origin");
    gateway
        .call("GET", "/updates", &[("origin", LOCAL)], "")
        .await
        .problem(403, "origin");
    let list = gateway
        .call("GET", "/people", &[("origin", LOCAL)], "")
        .await;
    assert_eq!(list.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_denied_page_can_read_its_refusal_and_nothing_else() {
    let gateway = gateway(Exposure::Network).await;
    gateway.create(ADA).await;
    for origin in [FOREIGN, LOCAL, "null"] {
        let refused = gateway
            .call("GET", "/updates?from=snapshot", &[("origin", origin)], "")
            .await;
        let problem = refused.problem(403, "origin");
        assert_eq!(
            refused.header("access-control-allow-origin"),
            Some(origin),
            "the page can read it"
        );
        assert_eq!(refused.header("access-control-allow-credentials"), None);
        assert!(varies(&refused) && !refused.body.contains("Lovelace"));
        assert_eq!(
            (&problem["setting"], &problem["origin"]),
            (&"http.origins".into(), &origin.into())
        );
        let detail = problem["detail"].as_str().expect("text");
        if origin == "null" {
            assert!(
                detail.contains("Serve it over HTTP") && !detail.contains("[\"null\"]"),
                "{detail}"
            );
        } else {
            assert!(
                detail.contains(&format!("http.origins = [\"{origin}\"]")),
                "{detail}"
            );
            assert!(
                detail.contains("changeOrigin") && detail.contains(&gateway.address.to_string()),
                "{detail}"
            );
        }
        // Other calls are answered as usual, but the page cannot read the answers.
        for (path, status) in [("/people", 200), ("/people/x", 400), ("/nothing", 404)] {
            let answer = gateway.call("GET", path, &[("origin", origin)], "").await;
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (status, None),
                "{path}"
            );
        }
    }
}
