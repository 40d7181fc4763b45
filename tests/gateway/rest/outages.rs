//! A store that is down, full or damaged.

use std::sync::Mutex;

use people_gateway::http::RequestLabels;
use people_gateway::store::StoreError;

use super::failing_store::FaultyStore;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Gateway, Setup, StoreAccess};

#[tokio::test]
async fn each_failure_of_the_store_has_its_own_problem() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let faulty = store.get().expect("wrapped");
    let secret = || "secret-host".to_owned();
    for (error, status, name, again) in [
        (
            StoreError::Unavailable(secret().into()),
            503,
            "store-unavailable",
            true,
        ),
        (StoreError::Overloaded, 503, "overloaded", true),
        (StoreError::Full(secret().into()), 507, "store-full", false),
    ] {
        let error = Mutex::new(Some(error));
        faulty.before_apply(1, move |_| {
            let error = error.lock().expect("not poisoned").take();
            Box::pin(async move { error.map(Err) })
        });
        let answer = gateway.send("POST", "/people", ADA).await;
        let problem = answer.problem(status, name);
        assert_eq!(answer.header("retry-after").is_some(), again, "{answer:?}");
        assert!(
            problem.get("outcome").is_none() && !answer.body.contains("secret-host"),
            "{problem}"
        );
    }
    faulty.before_apply(1, |_| {
        Box::pin(async { Some(Err(StoreError::Corrupt("secret".into()))) })
    });
    let answer = gateway.send("POST", "/people", ADA).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (500, &"about:blank".into())
    );
    assert!(!answer.body.contains("secret"));
}

#[tokio::test]
async fn a_panic_is_answered_with_500_and_the_next_request_is_served() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    store
        .get()
        .expect("wrapped")
        .before_apply(1, |_| Box::pin(async { panic!("on purpose: secret") }));
    let answer = gateway.send("POST", "/people", ADA).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (500, Some("application/problem+json"))
    );
    assert!(!answer.body.contains("secret"), "{answer:?}");
    assert_eq!(gateway.send("POST", "/people", ADA).await.status, 201);
    let label = RequestLabels {
        method: "POST",
        route: "/people",
        status: 500,
    };
    assert_eq!(gateway.metrics.http_requests.get_or_create(&label).get(), 1);
}

#[tokio::test]
async fn requests_before_the_store_is_reached_are_answered_with_503() {
    let gateway = Gateway::start_with(Setup {
        store_access: StoreAccess::Unavailable,
        ..Setup::default()
    })
    .await;
    let path = format!("/people/{UNUSED_ID}");
    for (method, path, kind, body) in [
        ("GET", "/people", "", ""),
        ("GET", &path, "", ""),
        ("POST", "/people", "application/json", ADA),
        ("PUT", &path, "application/json", ADA),
        ("PATCH", &path, "application/json", "{}"),
        ("DELETE", &path, "", ""),
        ("POST", "/people/import", "application/x-ndjson", ADA),
        ("GET", "/updates", "", ""),
        // A cursor cannot be checked yet, so it is not refused as malformed.
        ("GET", "/updates?from=x", "", ""),
        ("GET", "/updates?lastEventId=x", "", ""),
    ] {
        let answer = gateway
            .call(method, path, &[("content-type", kind)], body)
            .await;
        answer.problem(503, "store-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"), "{method} {path}");
    }
}
