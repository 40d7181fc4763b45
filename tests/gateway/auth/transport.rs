//! Where a token stands in a request.

use people_testing::issuer::{Issuer, claims};
use people_testing::socket::Listener;
use serde_json::Value;

use super::{Guarded, problem};
use crate::live::websocket::peer::{Peer, handshake};

async fn guarded() -> (Guarded, String) {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("http.origins", "https://app.example")]).await;
    let token = issuer.token(&claims("ada", "writer"));
    (guarded, token)
}

#[tokio::test]
async fn a_header_carries_one_token_after_the_word_bearer() {
    let (guarded, token) = guarded().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = guarded.answer(Some(&format!("{scheme} {token}"))).await;
        assert_eq!(answer.status(), 200, "{scheme}");
    }
    let missing = problem(guarded.answer(None).await).await;
    assert_eq!(missing["reason"], "missing");
    for value in [
        "Basic YTpi",
        "Bearer",
        "Bearer ",
        "Token x",
        &format!("Bearer  {token}"),
    ] {
        let answer = guarded.answer(Some(value)).await;
        assert_eq!(answer.status(), 401, "{value}");
        assert_eq!(problem(answer).await["reason"], "malformed", "{value}");
    }
    let twice = guarded.gateway.request("GET", "/rights");
    let twice = twice
        .bearer_auth(&token)
        .header("authorization", format!("Bearer {token}"));
    let answer = twice.send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    assert_eq!(problem(answer).await["type"], "/problems/malformed");
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_and_logged_nowhere() {
    let (guarded, token) = guarded().await;
    for name in ["token", "access_token", "authorization", "jwt"] {
        for path in ["/people", "/updates", "/rights"] {
            let path = format!("{path}?{name}={token}");
            let answer = guarded.gateway.request("GET", &path).send().await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), 400, "{name}");
            let text = answer.text().await.expect("text");
            assert!(
                text.contains("Authorization") && !text.contains(&token),
                "{text}"
            );
        }
    }
    assert!(!guarded.gateway.log().contains(&token));
}

#[tokio::test]
async fn a_websocket_carries_its_token_as_a_subprotocol_beside_a_format() {
    let (guarded, token) = guarded().await;
    let address = guarded.gateway.address;
    let bearer = format!("bearer.{token}");
    for offered in [
        format!("{bearer}, people.v1.json"),
        format!("people.v1.json, {bearer}"),
    ] {
        let (mut client, chosen) = Listener::open_as(address, "/updates", &offered).await;
        assert_eq!(chosen.as_deref(), Some("people.v1.json"));
        assert!(client.sentence().await.contains("live"));
    }
    let refused = async |fields: &[(&str, &str)], status: u16| -> Value {
        let mut peer = Peer::connect(address).await;
        peer.send(handshake("/updates", fields).as_bytes()).await;
        let refusal = peer.refusal().await;
        assert_eq!(refusal.status, status);
        refusal.problem
    };
    let protocol = "Sec-WebSocket-Protocol";
    let alone = refused(&[(protocol, &bearer)], 400).await;
    let formats = alone["subprotocols"].as_array().expect("a list");
    assert!(formats.contains(&Value::from("people.v1.json")), "{alone}");
    let twice = format!("people.v1.json, {bearer}, {bearer}");
    refused(&[(protocol, &twice)], 400).await;
    let with_header = format!("{protocol}: people.v1.json, {bearer}\r\nAuthorization");
    refused(&[(&with_header, &format!("Bearer {token}"))], 400).await;
    let bad = refused(&[(protocol, "people.v1.json, bearer.x.y.z")], 401).await;
    assert_eq!(bad["reason"], "malformed");
    let none = refused(&[(protocol, "people.v1.json")], 401).await;
    assert_eq!(none["reason"], "missing");
    assert!(!guarded.gateway.log().contains(&token));
}

#[tokio::test]
async fn a_program_opens_streams_with_the_header() {
    let (guarded, token) = guarded().await;
    let mut peer = Peer::connect(guarded.gateway.address).await;
    let authorization = ("Authorization", &*format!("Bearer {token}"));
    peer.send(handshake("/people", &[authorization]).as_bytes())
        .await;
    peer.expect_upgrade().await;
    let events = guarded
        .gateway
        .request("GET", "/updates")
        .bearer_auth(&token);
    let events = events.send().await.expect("an answer");
    assert_eq!(events.status(), 200);
    assert_eq!(
        events.headers()["cache-control"],
        "private, no-store, no-transform"
    );
    let none = guarded.gateway.request("GET", "/updates").send().await;
    assert_eq!(none.expect("an answer").status(), 401);
}

#[tokio::test]
async fn the_origin_of_a_stream_is_checked_before_its_token() {
    let (guarded, token) = guarded().await;
    for origin in ["https://evil.example", "null"] {
        let request = guarded
            .gateway
            .request("GET", "/updates")
            .header("origin", origin);
        let answer = request.bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), 403);
        assert_eq!(problem(answer).await["type"], "/problems/origin");
        let mut peer = Peer::connect(guarded.gateway.address).await;
        let fields = [
            ("Origin", origin),
            ("Authorization", &*format!("Bearer {token}")),
        ];
        peer.send(handshake("/updates", &fields).as_bytes()).await;
        assert_eq!(peer.refusal().await.status, 403);
    }
}

#[tokio::test]
async fn a_page_may_send_a_token_and_read_why_it_was_refused() {
    let (guarded, _) = guarded().await;
    let preflight = |origin: &str| {
        let request = guarded.gateway.request("OPTIONS", "/people");
        request
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
            .send()
    };
    let allowed = preflight("https://app.example").await.expect("an answer");
    assert_eq!(allowed.status(), 204);
    let headers = allowed.headers()["access-control-allow-headers"].to_str();
    assert!(headers.expect("ASCII").contains("Authorization"));
    assert!(
        !allowed
            .headers()
            .contains_key("access-control-allow-credentials")
    );
    let denied = preflight("https://evil.example").await.expect("an answer");
    assert_eq!(denied.status(), 403);
    let request = guarded.gateway.request("GET", "/people");
    let refused = request.header("origin", "https://app.example").send().await;
    let refused = refused.expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.headers()["access-control-allow-origin"],
        "https://app.example"
    );
    let exposed = refused.headers()["access-control-expose-headers"].to_str();
    let exposed = exposed.expect("ASCII");
    assert!(exposed.contains("WWW-Authenticate") && exposed.contains("Retry-After"));
}

#[tokio::test]
async fn a_gateway_beyond_loopback_warns_once_that_tokens_need_tls() {
    const WARNING: &str = "tokens cross the network in clear";
    let (local, _) = guarded().await;
    assert!(!local.gateway.log().contains(WARNING));
    let listen = format!("0.0.0.0:{}", people_testing::port::free_port());
    let open = Guarded::by(&[&Issuer::new("HS256")], &[("listen", &listen)]).await;
    assert_eq!(open.gateway.log().matches(WARNING).count(), 1);
}

#[tokio::test]
async fn a_form_with_a_cookie_is_a_caller_without_a_token() {
    let (guarded, token) = guarded().await;
    let request = guarded.gateway.request("POST", "/people");
    let answer = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", format!("token={token}"))
        .body("firstName=Eve")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 401);
}
