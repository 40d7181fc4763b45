//! A server of keys that is down, or answers nonsense.

use people_gateway::http::openapi;
use people_testing::port::free_port;
use people_testing::socket::Listener;
use people_testing::wait::eventually;
use serde_json::{Value, json};

use super::server::{CANARY, KeyServer, Reply, keys_of, set, url};
use super::{Guarded, SOON, accepted, by_url, issuer, ready};
use crate::auth::problem;

pub(super) const FAILED: &str = r#"outcome="failed""#;

/// Asserts that there are no keys to judge a token with.
pub(super) async fn assert_unavailable(guarded: &Guarded, token: &str) {
    let answer = guarded.answer(Some(&format!("Bearer {token}"))).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let mut problem = problem(answer).await;
    let members = problem.as_object_mut().expect("an object");
    members.remove("instance").expect("an instance");
    let pointer = "/components/responses/KeysUnavailable/content/application~1problem+json\
                   /examples/no-keys/value";
    let document = openapi::document();
    let mut described = document.pointer(pointer).expect("an example").clone();
    let members = described.as_object_mut().expect("an object");
    members.remove("instance").expect("an instance");
    assert_eq!(problem, described);
}

pub(super) async fn readiness(guarded: &Guarded) -> (u16, String) {
    let url = format!("http://{}/readyz", guarded.gateway.admin);
    let answer = reqwest::get(url).await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Waits until a fetch that began after now has failed.
async fn fetch_fails(guarded: &Guarded) {
    let failed = async || guarded.gateway.count_at("key_fetches_total", FAILED).await;
    let before = failed().await;
    eventually("two fetches have failed", async || {
        failed().await >= before + 2
    })
    .await;
}

#[tokio::test]
async fn without_keys_the_gateway_is_not_ready_and_answers_503() {
    let address = ([127, 0, 0, 1], free_port()).into();
    let guarded = by_url(&url(address), &SOON).await;
    let issuer = issuer("key");
    let token = issuer.token(&accepted("ada"));
    assert_unavailable(&guarded, &token).await;
    guarded.assert_refused("garbage", "malformed").await;
    eventually("readiness names the keys", async || {
        let (status, text) = readiness(&guarded).await;
        status == 503 && text.contains("auth.jwks")
    })
    .await;
    let _server = KeyServer::at(address, set(&[&issuer])).await;
    guarded.gateway.wait_ready().await;
    assert_eq!(guarded.refusal(&token).await, None);
    let log = guarded.gateway.log();
    assert_eq!(log.matches("keys cannot be fetched").count(), 1, "{log}");
    assert_eq!(log.matches("keys are fetched again").count(), 1, "{log}");
    assert!(!log.contains(CANARY), "{log}");
    let outcome = r#"outcome="keys-unavailable""#;
    assert_eq!(guarded.gateway.count_at("tokens_total", outcome).await, 1);
}

#[tokio::test]
async fn the_known_keys_hold_whatever_the_server_answers() {
    let (issuer, other) = (issuer("key"), issuer("other"));
    let server = KeyServer::start(set(&[&issuer])).await;
    let guarded = ready(&server, &SOON).await;
    let good = people_testing::issuer::key_set(&[other.jwk()]);
    let many: Vec<Value> = vec![other.jwk(); 65];
    let private = {
        let mut jwk = other.jwk();
        jwk["d"] = json!("AAAA");
        jwk
    };
    for (number, reply) in [
        Reply::Cut,
        Reply::Redirect,
        Reply::Endless,
        Reply::Body("text/html", "<html><body>Sign in</body></html>".to_owned()),
        keys_of(&[]),
        keys_of(&[private]),
        keys_of(&many),
        Reply::Status(500, good.clone()),
        Reply::Status(203, good.clone()),
        Reply::Trickle(good),
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("{reply:.60?}");
        server.set(reply);
        fetch_fails(&guarded).await;
        let token = issuer.token(&accepted(&format!("ada-{number}")));
        assert_eq!(guarded.refusal(&token).await, None, "{what}");
        assert_eq!(readiness(&guarded).await.0, 200, "{what}");
    }
    let log = guarded.gateway.log();
    assert_eq!(log.matches("keys cannot be fetched").count(), 1, "{log}");
    server.set(keys_of(&[
        json!({"kty": "garbage"}),
        issuer.jwk(),
        other.jwk(),
    ]));
    let token = other.token(&accepted("ada"));
    eventually("the new key counts", async || {
        guarded.refusal(&token).await.is_none()
    })
    .await;
    guarded.assert_refused("garbage", "malformed").await;
    assert_eq!(guarded.gateway.count("keys").await, 2);
}

#[tokio::test]
async fn keys_that_are_too_old_verify_nothing_and_streams_go_on() {
    let issuer = issuer("key");
    let server = KeyServer::start(set(&[&issuer])).await;
    let settings = [&SOON[..], &[("auth.jwks_stale_ms", "3000")]].concat();
    let guarded = ready(&server, &settings).await;
    let token = issuer.token(&accepted("ada"));
    let offered = format!("people.v1.json, bearer.{token}");
    let address = guarded.gateway.address;
    let (mut client, _) = Listener::open_as(address, "/updates", &offered).await;
    server.set(Reply::Cut);
    eventually("the keys are too old", async || {
        let answer = guarded.answer(Some(&format!("Bearer {token}"))).await;
        answer.status() == 503
    })
    .await;
    assert_unavailable(&guarded, &token).await;
    assert_unavailable(&guarded, &issuer.token(&accepted("grace"))).await;
    assert_eq!(readiness(&guarded).await.0, 200);
    for number in 0..6 {
        let refresh = json!({"type": "token", "token": token, "ref": number.to_string()});
        client.say(&refresh.to_string()).await;
        client.until(r#""status":503"#).await;
    }
    client.say(r#"{"type":"ping"}"#).await;
    client.until("pong").await;
    server.set(set(&[&issuer]));
    eventually("the keys are back", async || {
        let answer = guarded.answer(Some(&format!("Bearer {token}"))).await;
        answer.status() == 200
    })
    .await;
    client.say(r#"{"type":"ping"}"#).await;
    client.until("pong").await;
}
