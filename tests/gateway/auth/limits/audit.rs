//! The audit log: which refusals it has, with which fields, and what it never says.

use people_testing::issuer::{Issuer, claims};
use people_testing::wait::eventually;
use serde_json::{Value, json};

use super::{Guarded, call, writer};

/// The lines of the audit log with this message; the log is in JSON.
pub(super) fn lines(guarded: &Guarded, message: &str) -> Vec<Value> {
    let log = guarded.gateway.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["target"] == "audit" && line["message"] == message)
        .map(|mut line| {
            let members = line.as_object_mut().expect("an object");
            for common in ["timestamp", "level", "message", "target"] {
                members.remove(common);
            }
            line
        })
        .collect()
}

/// The id of a request that is forbidden.
async fn forbidden(guarded: &Guarded, token: &str) -> String {
    let path = format!("/people/{}", crate::UNUSED_ID);
    let denied = guarded.gateway.request("DELETE", &path).bearer_auth(token);
    let denied = denied.send().await.expect("an answer");
    assert_eq!(denied.status(), 403);
    let problem = super::problem(denied).await;
    let instance = problem["instance"].as_str().expect("a text");
    instance.replace("urn:uuid:", "")
}

async fn write_five(guarded: &Guarded, token: &str, name: &str) {
    let body = crate::ADA.replace("Ada", name);
    for _ in 0..5 {
        let request = guarded
            .gateway
            .request("POST", "/people")
            .bearer_auth(token);
        let request = request.header("content-type", "application/json");
        request.body(body.clone()).send().await.expect("an answer");
    }
}

#[tokio::test]
async fn refused_callers_are_logged_by_what_they_are_known_by_and_nothing_else() {
    const CANARY: &str = "canary-of-a-claim";
    let (issuer, stranger) = (Issuer::new("EdDSA").named("ours"), Issuer::new("HS256"));
    let settings = [
        ("log.format", "json"),
        ("http.proxies", "127.0.0.1"),
        ("limits.bad_tokens_per_minute", "6"),
        ("limits.writes_per_second", "1"),
    ];
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let mut claims = claims("ada", "reader");
    claims["email"] = json!(CANARY);
    let reader = issuer.token(&claims);
    let forged = stranger.named("k\u{1b}[2J\n").token(&claims);
    let authorization = format!("Bearer {forged}");
    let from = ("x-forwarded-for", "2001:db8::7");
    for _ in 0..3 {
        let headers = [("authorization", &*authorization), from];
        call(&guarded.gateway, &headers).await;
    }
    call(&guarded.gateway, &[from]).await;
    let filter = "/people?where=job%20%3D%3D%20%22canary-of-a-filter%22";
    let request = forbidden(&guarded, &reader).await;
    let read = guarded.gateway.request("GET", filter).bearer_auth(&reader);
    assert_eq!(read.send().await.expect("an answer").status(), 200);
    let grace = writer(&issuer, "grace");
    write_five(&guarded, &grace, "canary-of-a-person").await;
    eventually("all is logged", async || {
        lines(&guarded, "limited").len() >= 4
    })
    .await;
    let address = "2001:db8::/64";
    let kid = r"k\u{1b}[2J\n";
    let refused = json!({"reason": "key", "address": address, "kid": kid});
    let missing = json!({"reason": "missing", "address": address});
    assert_eq!(
        lines(&guarded, "token refused"),
        [refused.clone(), refused, missing]
    );
    assert_eq!(
        lines(&guarded, "forbidden"),
        [json!({
            "subject": "ada", "role": "reader", "verb": "delete", "route": "/people/{id}",
            "request": request,
        })]
    );
    let limited = lines(&guarded, "limited");
    assert_eq!(
        limited[0],
        json!({"limit": "bad-tokens", "address": address})
    );
    assert_eq!(limited[1], json!({"limit": "writes", "subject": "grace"}));
    let forbidden = guarded
        .gateway
        .count_at("forbidden_total", r#"verb="delete""#);
    assert_eq!(forbidden.await, 1);
    let log = guarded.gateway.log();
    let parts = reader.split('.').chain(forged.split('.'));
    for secret in parts.chain([CANARY, "canary-of-a-filter", "canary-of-a-person"]) {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_flood_is_logged_by_ten_lines_a_second_and_a_count() {
    let guarded = Guarded::by(&[&Issuer::new("HS256")], &[("log.format", "json")]).await;
    for _ in 0..50 {
        assert_eq!(guarded.answer(Some("Bearer x")).await.status(), 401);
    }
    // Nothing follows, and still all are told.
    eventually("each refusal is told or counted", async || {
        let told = lines(&guarded, "token refused").len() as u64;
        let counts = lines(&guarded, "lines left out");
        let left_out = counts.iter().map(|line| {
            assert_eq!(line["line"], "token refused");
            line["left_out"].as_u64().expect("a count")
        });
        told + left_out.sum::<u64>() == 50
    })
    .await;
}

#[tokio::test]
async fn a_refused_token_on_a_stream_is_logged() {
    use people_testing::socket::Listener;
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("log.format", "json")]).await;
    let offered = format!("people.v1.json, bearer.{}", writer(&issuer, "ada"));
    let address = guarded.gateway.address;
    let (mut client, _) = Listener::open_as(address, "/updates", &offered).await;
    client
        .say(r#"{"type":"token","token":"x.y.z","ref":"a"}"#)
        .await;
    client.until(r#""status":401"#).await;
    assert_eq!(
        lines(&guarded, "token refused"),
        [json!({"reason": "malformed"})]
    );
}
