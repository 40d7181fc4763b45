//! What runs under a token ends with it, and a client may send a new token before.

use people_testing::issuer::{Issuer, claims, now};
use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};
use serde_json::{Value, json};

use super::Guarded;
use crate::live::websocket::peer::{Frame, Peer, handshake};
use crate::live::{ids, save_big};

const NO_LEEWAY: (&str, &str) = ("auth.leeway_ms", "0");

/// A token that ends so many seconds from now.
fn token(issuer: &Issuer, subject: &str, role: &str, seconds: i64) -> String {
    let mut claims = claims(subject, role);
    claims["exp"] = json!(now() + seconds);
    issuer.token(&claims)
}

async fn open(gateway: &Gateway, format: &str, token: &str) -> Listener {
    let offered = format!("{format}, bearer.{token}");
    Listener::open_as(gateway.address, "/updates", &offered)
        .await
        .0
}

/// The next message of this type.
async fn message(client: &mut Listener, kind: &str) -> Value {
    loop {
        let message: Value = serde_json::from_str(&client.sentence().await).expect("JSON");
        if message["type"] == kind {
            return message;
        }
    }
}

#[tokio::test]
async fn a_stream_of_any_format_is_closed_when_its_token_ends() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[NO_LEEWAY]).await;
    let gateway = &guarded.gateway;
    let short = token(&issuer, "ada", "reader", 3);
    let json = open(gateway, "people.v1.json", &short).await;
    let cloud_events = open(gateway, "cloudevents.json", &short).await;
    let events = gateway
        .request("GET", "/updates")
        .bearer_auth(&short)
        .send()
        .await;
    let mut text = Peer::connect(gateway.address).await;
    let authorization = ("Authorization", &*format!("Bearer {short}"));
    text.send(handshake("/people", &[authorization]).as_bytes())
        .await;
    text.expect_upgrade().await;
    let expired = End::Closed(4001, "expired".to_owned());
    assert_eq!(json.end().await, expired);
    assert_eq!(cloud_events.end().await, expired);
    let frames = text.rest().await;
    let last = &frames[frames.len() - 2..];
    let close = Frame::Close(Some(4001), "expired".to_owned());
    assert_eq!(last, [close, Frame::End]);
    let events = events
        .expect("an answer")
        .text()
        .await
        .expect("the stream ends in order");
    assert!(events.contains("event: expiring"), "{events}");
    people_testing::wait::eventually("all four are counted", async || {
        gateway
            .count_at("sessions_closed_total", r#"code="4001""#)
            .await
            == 4
    })
    .await;
    guarded.assert_refused(&short, "expired").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_too() {
    let issuer = Issuer::new("HS256");
    let mut guarded = Guarded::by(&[&issuer], &[NO_LEEWAY]).await;
    guarded.gateway.token = Some(token(&issuer, "grace", "writer", 600));
    let gateway = &guarded.gateway;
    let short = token(&issuer, "ada", "reader", 4);
    let mut peer = Peer::connect_small(gateway.address).await;
    let authorization = ("Authorization", &*format!("Bearer {short}"));
    peer.send(handshake("/people", &[authorization]).as_bytes())
        .await;
    peer.expect_upgrade().await;
    save_big(gateway, &ids(100), 0..3).await;
    people_testing::wait::eventually("the session is closed", async || {
        gateway
            .count_at("sessions_closed_total", r#"code="4001""#)
            .await
            == 1
    })
    .await;
    let frames = peer.rest().await;
    let close = Frame::Close(Some(4001), "expired".to_owned());
    assert_eq!(frames[frames.len() - 2..], [close, Frame::End]);
    assert!(frames.len() < 300, "what waited was dropped");
}

#[tokio::test]
async fn a_client_learns_that_its_token_expires_and_goes_on_with_a_new_one() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[NO_LEEWAY]).await;
    let gateway = &guarded.gateway;
    let writer = token(&issuer, "grace", "writer", 600);
    for format in ["people.v1.json", "cloudevents.json"] {
        let prefix = if format == "people.v1.json" {
            ""
        } else {
            "people."
        };
        let short = token(&issuer, "ada", "reader", 4);
        let mut client = open(gateway, format, &short).await;
        let expiring = message(&mut client, &format!("{prefix}expiring")).await;
        let left = expiring["seconds"]
            .as_u64()
            .or(expiring["data"]["seconds"].as_u64());
        assert!(left.is_some_and(|left| left <= 2), "{expiring}");
        let long = token(&issuer, "ada", "reader", 600);
        let refresh = json!({"type": "token", "token": long, "ref": "r1"});
        client.say(&refresh.to_string()).await;
        let accepted = message(&mut client, &format!("{prefix}token")).await;
        let accepted = if prefix.is_empty() {
            &accepted
        } else {
            &accepted["data"]
        };
        let seconds = accepted["seconds"].as_u64().expect("seconds");
        assert!(
            accepted["ref"] == "r1" && (590..=600).contains(&seconds),
            "{accepted}"
        );
        people_testing::wait::eventually("the old token has ended", async || {
            guarded.refusal(&short).await.as_deref() == Some("expired")
        })
        .await;
        let body = person("Ada").to_string();
        let request = gateway.request("POST", "/people").bearer_auth(&writer);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 201);
        message(&mut client, &format!("{prefix}create")).await;
    }
    assert_eq!(
        gateway
            .count_at("token_refreshes_total", r#"outcome="accepted""#)
            .await,
        2
    );
}

#[tokio::test]
async fn a_refused_token_changes_nothing_and_the_fifth_closes() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[NO_LEEWAY]).await;
    let gateway = &guarded.gateway;
    let mut client = open(
        gateway,
        "people.v1.json",
        &token(&issuer, "ada", "reader", 600),
    )
    .await;
    let mut foreign_issuer = claims("ada", "reader");
    foreign_issuer["iss"] = json!("https://other.example");
    for (refused, status) in [
        (token(&issuer, "grace", "reader", 600), 401),
        (issuer.token(&foreign_issuer), 401),
        (token(&issuer, "ada", "reader", -60), 401),
        (token(&issuer, "ada", "stranger", 600), 403),
    ] {
        client
            .say(&json!({"type": "token", "token": refused, "ref": "x"}).to_string())
            .await;
        let error = message(&mut client, "error").await;
        assert_eq!(
            (&error["ref"], &error["problem"]["status"]),
            (&json!("x"), &json!(status))
        );
        client.say(r#"{"type":"ping"}"#).await;
        message(&mut client, "pong").await;
    }
    client.say(r#"{"type":"token"}"#).await;
    let malformed = message(&mut client, "error").await;
    assert_eq!(malformed["problem"]["type"], "/problems/malformed");
    client.say(r#"{"type":"token","token":"garbage"}"#).await;
    let end = client.end().await;
    assert_eq!(end, End::Closed(1008, "too many refused tokens".to_owned()));
    assert_eq!(
        gateway
            .count_at("token_refreshes_total", r#"outcome="refused""#)
            .await,
        5
    );
}

#[tokio::test]
async fn without_authentication_there_is_no_token_to_replace() {
    let gateway = Gateway::ready(&[]).await;
    let (mut client, _) = Listener::open_as(gateway.address, "/updates", "people.v1.json").await;
    client
        .say(r#"{"type":"token","token":"x","ref":"r"}"#)
        .await;
    let error = message(&mut client, "error").await;
    assert_eq!(
        (&error["ref"], &error["problem"]["status"]),
        (&json!("r"), &json!(400))
    );
}

#[tokio::test]
async fn a_list_is_cut_and_an_import_ends_when_the_token_ends() {
    let issuer = Issuer::new("HS256");
    let mut guarded = Guarded::by(&[&issuer], &[NO_LEEWAY]).await;
    guarded.gateway.token = Some(token(&issuer, "grace", "writer", 600));
    let gateway = &guarded.gateway;
    save_big(gateway, &ids(2000), 0..1).await;
    let short = token(&issuer, "ada", "writer", 3);
    let mut list = Peer::connect_small(gateway.address).await;
    let get =
        format!("GET /people HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {short}\r\n\r\n");
    list.send(get.as_bytes()).await;
    assert_eq!(list.head().await.0, 200);
    let mut import = Peer::connect(gateway.address).await;
    let post = format!(
        "POST /people/import HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {short}\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let line = format!("{}\n", person("Ada"));
    import
        .send(format!("{post}{:x}\r\n{line}\r\n", line.len()).as_bytes())
        .await;
    let refusal = import.refusal().await;
    assert_eq!(refusal.status, 401);
    let problem = &refusal.problem;
    assert_eq!(
        (
            &problem["reason"],
            &problem["saved"],
            &problem["refused"],
            &problem["lines"]
        ),
        (&json!("expired"), &json!(1), &json!(0), &json!(1))
    );
    while list.read_some(1 << 20).await {}
    let body = list.unparsed();
    assert!(body.starts_with(b"[") || body.windows(3).any(|part| part == b"\r\n["));
    assert!(!body.ends_with(b"0\r\n\r\n"), "the list was not cut");
}
