//! A store that is down, full or broken.

use std::sync::{Arc, Mutex};

use people_gateway::http::{Options, Server, ServerOptions, router};
use people_gateway::store::{StoreError, StoreSlot};
use people_gateway::telemetry::{Metrics, StatusLabel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::faulty::Faulty;
use crate::ADA;
use crate::gateway::{Answer, Gateway, state};

#[tokio::test]
async fn a_store_that_cannot_do_it_is_told_by_kind() {
    let (setup, store) = Faulty::setup();
    let gateway = Gateway::start_with(setup).await;
    let faulty = store.get().expect("wrapped");
    let secret = || "secret-host".to_owned();
    for (error, status, name, again) in [
        (StoreError::Unavailable(secret()), 503, "store-unavailable", true),
        (StoreError::Overloaded, 503, "overloaded", true),
        (StoreError::Full(secret()), 507, "store-full", false),
    ] {
        let error = Mutex::new(Some(error));
        faulty.before_apply(1, move |_| {
            let error = error.lock().expect("not poisoned").take();
            Box::pin(async move { error.map(Err) })
        });
        let answer = gateway.send("POST", "/people", ADA).await;
        let problem = answer.problem(status, name);
        assert_eq!(answer.header("retry-after").is_some(), again, "{answer:?}");
        assert!(problem.get("outcome").is_none() && !answer.body.contains("secret-host"), "{problem}");
    }
    faulty.before_apply(1, |_| Box::pin(async { Some(Err(StoreError::Corrupt("secret".into()))) }));
    let answer = gateway.send("POST", "/people", ADA).await;
    assert_eq!((answer.status, &answer.json()["type"]), (500, &"about:blank".into()));
    assert!(!answer.body.contains("secret"));
}

#[tokio::test]
async fn a_panic_is_our_fault_and_the_next_request_is_served() {
    let (setup, store) = Faulty::setup();
    let gateway = Gateway::start_with(setup).await;
    store.get().expect("wrapped").before_apply(1, |_| Box::pin(async { panic!("on purpose: secret") }));
    let answer = gateway.send("POST", "/people", ADA).await;
    assert_eq!((answer.status, answer.header("content-type")), (500, Some("application/problem+json")));
    assert!(!answer.body.contains("secret"), "{answer:?}");
    assert_eq!(gateway.send("POST", "/people", ADA).await.status, 201);
    let label = StatusLabel { method: "POST", status: 500 };
    assert_eq!(gateway.metrics.http_requests.get_or_create(&label).get(), 1);
}

#[tokio::test]
async fn before_the_store_is_reached_requests_are_answered_that_it_is_not() {
    let metrics = Arc::new(Metrics::default());
    let state = state(StoreSlot::new(), Options::default(), Arc::clone(&metrics));
    let server = Server::bind(([127, 0, 0, 1], 0).into(), ServerOptions::default(), metrics).expect("a port");
    let address = server.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    tokio::spawn(server.serve(router(state), shutdown.clone(), TaskTracker::new()));
    let client = reqwest::Client::new();
    for request in [
        client.get(format!("http://{address}/people")),
        client.post(format!("http://{address}/people")).header("content-type", "application/json").body(ADA),
        client.post(format!("http://{address}/people/import")).header("content-type", "application/x-ndjson").body(ADA),
    ] {
        let answer = Answer::of(request).await;
        answer.problem(503, "store-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    shutdown.cancel();
}
