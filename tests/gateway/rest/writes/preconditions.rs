//! `If-Match`, `If-None-Match`, and a PATCH that meets other writes.

use std::sync::Arc;

use people_gateway::domain::{Draft, IdRule};
use people_gateway::store::{Expectation, Write};

use crate::rest::failing_store::FaultyStore;
use crate::{ADA, UNUSED_ID};
use people_testing::http::{Gateway, Setup};

const JSON: (&str, &str) = ("content-type", "application/json");

/// The person's entity tag.
async fn tag(gateway: &Gateway, path: &str) -> String {
    let answer = gateway.get(path).await;
    answer.header("etag").expect("a tag").to_owned()
}

#[tokio::test]
async fn a_revision_that_the_caller_has_is_not_sent_again() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    let tag = tag(&gateway, &path).await;
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = gateway
            .call("GET", &path, &[("if-none-match", &known)], "")
            .await;
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.header("etag")),
            (304, "", Some(&*tag)),
            "{known}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(
            gateway
                .call("HEAD", &path, &[("if-none-match", &known)], "")
                .await
                .status,
            304
        );
    }
    gateway.send("PUT", &path, ADA).await;
    assert_eq!(
        gateway
            .call("GET", &path, &[("if-none-match", &tag)], "")
            .await
            .status,
        200
    );
    gateway
        .call("GET", &path, &[("if-match", &tag)], "")
        .await
        .problem(412, "precondition");
}

#[tokio::test]
async fn a_write_happens_only_to_the_revision_that_it_names() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    let stale = tag(&gateway, &path).await;
    for (method, body) in [("PUT", ADA), ("PATCH", r#"{"age":1}"#), ("DELETE", "")] {
        gateway.send("PUT", &path, ADA).await;
        let fresh = tag(&gateway, &path).await;
        for other in [stale.as_str(), "\"x\"", "\"1.1.1\""] {
            gateway
                .call(method, &path, &[JSON, ("if-match", other)], body)
                .await
                .problem(412, "precondition");
        }
        let weak = gateway
            .call(
                method,
                &path,
                &[JSON, ("if-match", &format!("W/{fresh}"))],
                body,
            )
            .await;
        let detail = weak.problem(412, "precondition")["detail"]
            .as_str()
            .expect("text")
            .to_owned();
        assert!(
            detail.contains("weak") && detail.contains(fresh.trim_matches('"')),
            "{detail}"
        );
        for wrong in [
            format!("{fresh}, \"x\""),
            format!("w/{fresh}"),
            fresh.replace('"', ""),
        ] {
            gateway
                .call(method, &path, &[JSON, ("if-match", &wrong)], body)
                .await
                .problem(400, "malformed");
        }
        assert_eq!(
            gateway.get(&path).await.header("etag"),
            Some(&*fresh),
            "nothing happened"
        );
        let done = gateway
            .call(method, &path, &[JSON, ("if-match", &fresh)], body)
            .await;
        assert!([200, 204].contains(&done.status), "{done:?}");
    }
}

#[tokio::test]
async fn a_star_matches_any_revision() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    for (method, body, status) in [("PUT", ADA, 200), ("PATCH", "{}", 200), ("DELETE", "", 204)] {
        assert_eq!(
            gateway
                .call(method, &path, &[JSON, ("if-match", "*")], body)
                .await
                .status,
            status,
            "{method}"
        );
    }
}

#[tokio::test]
async fn not_found_comes_before_a_failed_precondition() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    for (method, body) in [
        ("PUT", ADA),
        ("PATCH", r#"{"age":1}"#),
        ("DELETE", ""),
        ("GET", ""),
    ] {
        for tag in ["\"1.1.1\"", "\"x\"", "W/\"x\"", "*"] {
            gateway
                .call(method, &path, &[JSON, ("if-match", tag)], body)
                .await
                .problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_put_that_must_create_does_so_once() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    let create = [JSON, ("if-none-match", "*")];
    assert_eq!(gateway.call("PUT", &path, &create, ADA).await.status, 201);
    gateway
        .call("PUT", &path, &create, ADA)
        .await
        .problem(412, "precondition");
}

#[tokio::test]
async fn a_put_to_an_absent_person_is_refused_with_the_way_to_create_one() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{UNUSED_ID}");
    let problem = gateway
        .send("PUT", &path, ADA)
        .await
        .problem(404, "not-found");
    let detail = problem["detail"].as_str().expect("text");
    assert!(
        detail.starts_with(&format!("There is no record with id: {UNUSED_ID}")),
        "{detail}"
    );
    assert!(detail.contains("If-None-Match: *"), "{detail}");
    for (method, body) in [("PATCH", "{}"), ("DELETE", "")] {
        let problem = gateway
            .send(method, &path, body)
            .await
            .problem(404, "not-found");
        assert_eq!(
            problem["detail"],
            format!("There is no record with id: {UNUSED_ID}")
        );
    }
}

#[tokio::test]
async fn preconditions_that_cannot_be_honoured_are_refused() {
    let gateway = Gateway::start().await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    for (method, path, header, body) in [
        ("PUT", path.as_str(), ("if-none-match", "\"1.1.1\""), ADA),
        ("PATCH", &path, ("if-none-match", "*"), "{}"),
        ("DELETE", &path, ("if-none-match", "*"), ""),
        ("POST", "/people", ("if-match", "*"), ADA),
        ("POST", "/people", ("if-none-match", "*"), ADA),
    ] {
        gateway
            .call(method, path, &[JSON, header], body)
            .await
            .problem(400, "malformed");
    }
}

/// A gateway where another write saves the person right before each of the next `times` writes.
async fn contested(times: usize) -> (Gateway, Arc<FaultyStore>) {
    let (setup, store) = FaultyStore::setup();
    let gateway = Gateway::start_with(Setup {
        partitions: 1,
        ..setup
    })
    .await;
    let faulty = Arc::clone(store.get().expect("wrapped"));
    let rival = Draft::parse(&ADA.replace("36", "99"), IdRule::Ignored)
        .expect("a person")
        .fields
        .to_json();
    let inner = Arc::clone(&gateway.store);
    faulty.before_apply(times, move |write| {
        let rival = Write {
            save: Some(rival.clone()),
            expect: Expectation::Anything,
            idempotency: None,
            ..write
        };
        let inner = Arc::clone(&inner);
        Box::pin(async move {
            inner.apply(rival).await.expect("saved");
            None
        })
    });
    (gateway, faulty)
}

#[tokio::test]
async fn a_patch_is_merged_again_when_another_write_was_faster() {
    let (gateway, faulty) = contested(0).await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    faulty.arm(7);
    let merged = gateway.send("PATCH", &path, r#"{"job":"Poet"}"#).await;
    assert_eq!(merged.status, 200, "{merged:?}");
    assert_eq!(
        (&merged.json()["age"], &merged.json()["job"]),
        (&99.into(), &"Poet".into()),
        "merged into the rival's"
    );
    faulty.arm(8);
    gateway
        .send("PATCH", &path, r#"{"job":"Poet"}"#)
        .await
        .problem(409, "conflict");
}

#[tokio::test]
async fn a_patch_of_a_named_revision_is_not_merged_into_another() {
    let (gateway, faulty) = contested(0).await;
    let path = format!("/people/{}", gateway.create(ADA).await);
    let tag = tag(&gateway, &path).await;
    faulty.arm(1);
    gateway
        .call("PATCH", &path, &[JSON, ("if-match", &tag)], "{}")
        .await
        .problem(412, "precondition");
}
