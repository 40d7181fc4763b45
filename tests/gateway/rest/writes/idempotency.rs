//! `Idempotency-Key`: a repeated write happens once and gets the same answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use people_gateway::store::StoreError;

use crate::rest::failing_store::FaultyStore;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Answer, Gateway, resolved};

const JSON: (&str, &str) = ("content-type", "application/json");

fn key(key: &str) -> [(&str, &str); 2] {
    [JSON, ("idempotency-key", key)]
}

/// Asserts that `repeat` replays `first`.
#[track_caller]
fn assert_replay(first: &Answer, repeat: &Answer) {
    assert_eq!((repeat.status, &repeat.body), (first.status, &first.body));
    for name in ["location", "etag", "change-position", "content-type"] {
        assert_eq!(repeat.header(name), first.header(name), "{name}");
    }
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            repeat.header("idempotency-replayed")
        ),
        (None, Some("true"))
    );
}

#[tokio::test]
async fn a_repeat_with_the_same_key_answers_with_the_first_success() {
    let gateway = Gateway::start().await;
    // Enough keys to meet every partition.
    for n in 0..16 {
        let headers = key([
            "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
        ][n]);
        let first = gateway.call("POST", "/people", &headers, ADA).await;
        assert_eq!(first.status, 201);
        let path = resolved("/people", first.header("location").expect("a location"));
        assert_replay(
            &first,
            &gateway.call("POST", "/people", &headers, ADA).await,
        );

        let put = gateway
            .call("PUT", &path, &headers, &ADA.replace("36", "1"))
            .await;
        let merged = gateway.call("PATCH", &path, &headers, r#"{"age":2}"#).await;
        assert_eq!((put.status, merged.status), (200, 200));
        let delete = gateway.call("DELETE", &path, &headers, "").await;
        assert_eq!(delete.status, 204);
        // A key counts per method and path; and the person is gone by now.
        assert_replay(
            &first,
            &gateway.call("POST", "/people", &headers, ADA).await,
        );
        assert_replay(
            &put,
            &gateway
                .call(
                    "PUT",
                    &path.to_uppercase().replace("PEOPLE", "people"),
                    &headers,
                    &ADA.replace("36", "1"),
                )
                .await,
        );
        assert_replay(
            &merged,
            &gateway.call("PATCH", &path, &headers, r#"{"age":2}"#).await,
        );
        assert_replay(&delete, &gateway.call("DELETE", &path, &headers, "").await);
        gateway.get(&path).await.problem(404, "not-found");
    }
    assert_eq!(gateway.get("/people").await.body, "[]\n");
}

#[tokio::test]
async fn a_replayed_creation_by_put_is_still_201() {
    let gateway = Gateway::start().await;
    let headers = [JSON, ("idempotency-key", "k"), ("if-none-match", "*")];
    let path = format!("/people/{UNUSED_ID}");
    let first = gateway.call("PUT", &path, &headers, ADA).await;
    assert_eq!(first.status, 201);
    assert_replay(&first, &gateway.call("PUT", &path, &headers, ADA).await);
}

#[tokio::test]
async fn a_key_that_names_another_request_is_refused() {
    let gateway = Gateway::start().await;
    let headers = key("k");
    let created = gateway.call("POST", "/people", &headers, ADA).await;
    let path = resolved("/people", created.header("location").expect("a location"));
    let other = ADA.replace("36", "37");
    gateway
        .call("POST", "/people", &headers, &other)
        .await
        .problem(422, "idempotency");
    for (method, body, other) in [
        ("PUT", ADA, other.as_str()),
        ("PATCH", r#"{"age":1}"#, r#"{"age":2}"#),
    ] {
        assert_eq!(
            gateway.call(method, &path, &headers, body).await.status,
            200
        );
        gateway
            .call(method, &path, &headers, other)
            .await
            .problem(422, "idempotency");
        // The fingerprint covers the body as it was sent, and the preconditions.
        gateway
            .call(method, &path, &headers, &format!("{body} "))
            .await
            .problem(422, "idempotency");
        let matching = [JSON, ("idempotency-key", "k"), ("if-match", "*")];
        gateway
            .call(method, &path, &matching, body)
            .await
            .problem(422, "idempotency");
    }
}

#[tokio::test]
async fn refusals_are_not_recorded() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    gateway
        .call("PUT", &path, &key("k"), ADA)
        .await
        .problem(404, "not-found");
    gateway
        .call("DELETE", &path, &key("k"), "")
        .await
        .problem(404, "not-found");
    gateway
        .call("PATCH", &path, &key("k"), "{}")
        .await
        .problem(404, "not-found");
    gateway
        .call("PUT", &path, &[JSON, ("if-none-match", "*")], ADA)
        .await;
    for (method, body, status) in [("PUT", ADA, 200), ("PATCH", "{}", 200), ("DELETE", "", 204)] {
        let answer = gateway.call(method, &path, &key("k"), body).await;
        assert_eq!(
            (answer.status, answer.header("idempotency-replayed")),
            (status, None),
            "{method}"
        );
    }
}

#[tokio::test]
async fn keys_are_1_to_255_visible_ascii_characters() {
    let gateway = Gateway::start().await;
    for (method, path, body) in [
        ("POST", "/people", ADA),
        ("DELETE", "/people/0190f3e2-7c1b-7d9a-8f00-1234567890ab", ""),
    ] {
        for wrong in ["", "a b", &"k".repeat(256)] {
            gateway
                .call(method, path, &key(wrong), body)
                .await
                .problem(400, "idempotency");
        }
    }
    assert_eq!(
        gateway
            .call("POST", "/people", &key(&"~".repeat(255)), ADA)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn repeats_at_the_same_time_happen_once() {
    let gateway = Gateway::start().await;
    let headers = key("k");
    let calls = (0..20).map(|_| gateway.call("POST", "/people", &headers, ADA));
    let answers = futures_util::future::join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| (answer.status, &answer.body) == (201, &answers[0].body)),
        "{answers:?}"
    );
    let first = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_none())
        .count();
    assert_eq!(first, 1);
    assert_eq!(
        gateway.get("/people").await.json().as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn with_a_key_an_unknown_outcome_is_settled_by_one_repeat() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let faulty = store.get().expect("wrapped");
    let inner = Arc::clone(&gateway.store);
    let happens = Arc::new(AtomicUsize::new(0));
    let turn = Arc::clone(&happens);
    // Every second lost answer belongs to a write that did happen.
    faulty.before_apply(0, move |write| {
        let (inner, happens) = (
            Arc::clone(&inner),
            turn.fetch_add(1, Ordering::SeqCst).is_multiple_of(2),
        );
        Box::pin(async move {
            if happens {
                inner.apply(write).await.expect("applied");
            }
            Some(Err(StoreError::OutcomeUnknown("the line went dead".into())))
        })
    });
    for name in ["a", "b"] {
        faulty.arm(1);
        let first = gateway.call("POST", "/people", &key(name), ADA).await;
        assert_eq!(
            (first.status, first.header("idempotency-replayed")),
            (201, None),
            "{first:?}"
        );
        assert_replay(
            &first,
            &gateway.call("POST", "/people", &key(name), ADA).await,
        );
    }
    assert_eq!(
        gateway.get("/people").await.json().as_array().map(Vec::len),
        Some(2)
    );
    faulty.arm(2);
    let twice = gateway.call("POST", "/people", &key("c"), ADA).await;
    assert_eq!(
        twice.problem(503, "store-unavailable")["outcome"],
        "unknown"
    );
}

#[tokio::test]
async fn a_repeat_that_the_store_refuses_leaves_the_outcome_unknown() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let faulty = store.get().expect("wrapped");
    let turn = AtomicUsize::new(0);
    faulty.before_apply(2, move |_| {
        let error = match turn.fetch_add(1, Ordering::SeqCst) {
            0 => StoreError::OutcomeUnknown("the line went dead".into()),
            _ => StoreError::Unavailable("it is gone".into()),
        };
        Box::pin(async { Some(Err(error)) })
    });
    let answer = gateway.call("POST", "/people", &key("a"), ADA).await;
    assert_eq!(
        answer.problem(503, "store-unavailable")["outcome"],
        "unknown"
    );
}

#[tokio::test]
async fn without_a_key_an_unknown_outcome_is_reported_with_the_id() {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(setup).await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    let faulty = store.get().expect("wrapped");
    faulty.before_apply(0, |_| {
        Box::pin(async {
            Some(Err(StoreError::OutcomeUnknown(
                "secret-host went dead".into(),
            )))
        })
    });
    for (method, path, body) in [
        ("POST", "/people", ADA),
        ("PUT", &path, ADA),
        ("PATCH", &path, "{}"),
        ("DELETE", &path, ""),
    ] {
        faulty.arm(1);
        let answer = gateway.send(method, path, body).await;
        let problem = answer.problem(503, "store-unavailable");
        assert_eq!(problem["outcome"], "unknown", "{method}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        let id = problem["id"].as_str().expect("the id");
        assert!(
            path == "/people" || path.ends_with(id),
            "{method} {problem}"
        );
        assert!(
            !answer.body.contains("secret-host"),
            "the store's message is for the log"
        );
    }
}
