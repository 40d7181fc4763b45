//! Roles without a policy file, and what they allow.

use people_testing::issuer::{Issuer, claims};
use serde_json::{Value, json};

use super::{Guarded, problem};
use crate::{ADA, UNUSED_ID};

/// The status of a call, and the verb that a 403 names.
async fn call(guarded: &Guarded, token: &str, method: &str, path: &str) -> (u16, Option<String>) {
    let request = guarded.gateway.request(method, path).bearer_auth(token);
    let media = if path.ends_with("import") {
        "application/x-ndjson"
    } else {
        "application/json"
    };
    let body = if method == "GET" { "" } else { ADA };
    let answer = request
        .header("content-type", media)
        .body(body)
        .send()
        .await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    if status != 403 {
        return (status, None);
    }
    let challenge = &answer.headers()["www-authenticate"];
    assert_eq!(challenge, r#"Bearer error="insufficient_scope""#);
    let problem = problem(answer).await;
    assert_eq!(problem["type"], "/problems/forbidden");
    (status, problem["verb"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_reader_reads_and_watches_and_a_writer_does_all() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let one = format!("/people/{UNUSED_ID}");
    let calls = [
        ("GET", "/people", 200, "read"),
        ("GET", one.as_str(), 404, "read"),
        ("GET", "/updates", 200, "watch"),
        ("POST", "/people", 201, "create"),
        ("PUT", one.as_str(), 404, "update"),
        ("PATCH", one.as_str(), 404, "update"),
        ("DELETE", one.as_str(), 404, "delete"),
        ("POST", "/people/import", 200, "import"),
    ];
    for (role, allowed) in [
        (
            json!("writer"),
            &["read", "watch", "create", "update", "delete", "import"][..],
        ),
        (json!("reader"), &["read", "watch"]),
        (json!("other reader"), &["read", "watch"]),
        (
            json!(["reader", "writer"]),
            &["read", "watch", "create", "update", "delete", "import"],
        ),
        (json!("Writer"), &[]),
        (json!(7), &[]),
        (Value::Null, &[]),
    ] {
        let mut claims = claims("ada", "");
        claims["role"] = role.clone();
        let token = issuer.token(&claims);
        for (method, path, status, verb) in calls {
            let expected = if allowed.contains(&verb) {
                (status, None)
            } else {
                (403, Some(verb.to_owned()))
            };
            let found = call(&guarded, &token, method, path).await;
            assert_eq!(found, expected, "{role}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn a_put_that_creates_needs_create() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let token = issuer.token(&claims("ada", "reader"));
    let request = guarded
        .gateway
        .request("PUT", &format!("/people/{UNUSED_ID}"));
    let request = request.bearer_auth(&token).header("if-none-match", "*");
    let answer = request
        .header("content-type", "application/json")
        .body(ADA)
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 403);
    assert_eq!(problem(answer).await["verb"], "create");
}

#[tokio::test]
async fn the_role_may_stand_at_a_path() {
    let issuer = Issuer::new("HS256");
    for (path, claim) in [
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": ["reader"]}}),
        ),
        (
            r#"["https://people.example/roles"]"#,
            json!({"https://people.example/roles": "x reader"}),
        ),
    ] {
        let guarded = Guarded::by(&[&issuer], &[("auth.role_claim", path)]).await;
        let mut claims = claims("ada", "writer");
        for (name, value) in claim.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let answer = guarded
            .answer(Some(&format!("Bearer {}", issuer.token(&claims))))
            .await;
        let rights: Value = answer.json().await.expect("JSON");
        assert_eq!(rights["role"], "reader", "{path}");
    }
}

#[tokio::test]
async fn rights_tell_a_caller_what_it_may_do() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let token = issuer.token(&claims("ada", "reader"));
    let answer = guarded.answer(Some(&format!("Bearer {token}"))).await;
    let rights: Value = answer.json().await.expect("JSON");
    let seconds = rights["seconds"].as_u64().expect("seconds");
    assert!((3500..=3600).contains(&seconds), "{seconds}");
    assert_eq!(
        rights,
        json!({
            "subject": "ada", "role": "reader", "can": ["read", "watch"], "hide": [],
            "seconds": seconds,
        })
    );
    let open = people_testing::process::Gateway::ready(&[]).await;
    let answer = open
        .request("GET", "/rights")
        .send()
        .await
        .expect("an answer");
    let rights: Value = answer.json().await.expect("JSON");
    let all = ["read", "watch", "create", "update", "delete", "import"];
    assert_eq!(rights, json!({"can": all, "hide": []}));
}

#[tokio::test]
async fn each_subject_has_idempotency_keys_of_its_own() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let save = async |subject: &str, role: &str| {
        let token = issuer.token(&claims(subject, role));
        let request = guarded
            .gateway
            .request("POST", "/people")
            .bearer_auth(token);
        let request = request.header("content-type", "application/json");
        let answer = request
            .header("idempotency-key", "same")
            .body(ADA)
            .send()
            .await;
        let answer = answer.expect("an answer");
        let location = answer.headers().get("location").cloned();
        (answer.status().as_u16(), location)
    };
    let (first, again, other) = (
        save("ada", "writer").await,
        save("ada", "writer").await,
        save("grace", "writer").await,
    );
    assert_eq!(first, again);
    assert_eq!(first.0, 201);
    assert_ne!(first.1, other.1);
    assert_eq!(
        save("ada", "reader").await.0,
        403,
        "a replay needs the verb"
    );
}
