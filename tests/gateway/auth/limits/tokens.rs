//! Bad tokens: some a minute for each address, then none is looked at.

use people_testing::issuer::Issuer;

use super::{Guarded, assert_limited, call, limited, writer};

/// As it is without settings.
const DEFAULT: [(&str, &str); 1] = [("limits.bad_tokens_per_minute", "60")];

async fn send(guarded: &Guarded, token: &str, from: &str) -> reqwest::Response {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("authorization", &*authorization),
        ("x-forwarded-for", from),
    ];
    call(&guarded.gateway, &headers).await
}

#[tokio::test]
async fn bad_tokens_are_refused_unread_after_twenty_at_once_and_known_good_ones_pass() {
    let (issuer, stranger) = (Issuer::new("ES256"), Issuer::new("ES256"));
    let guarded = Guarded::by(&[&issuer], &DEFAULT).await;
    let (known, fresh) = (writer(&issuer, "ada"), writer(&issuer, "grace"));
    assert_eq!(guarded.refusal(&known).await, None);
    let mut refused = 0;
    let mut sent = 0;
    // More may come meanwhile: one a second.
    while refused < 5 {
        sent += 1;
        let forged = writer(&stranger, &sent.to_string());
        let answer = send(&guarded, &forged, "192.0.2.1").await;
        match answer.status().as_u16() {
            401 => {}
            429 => {
                refused += 1;
                assert_limited(answer, "bad-tokens").await;
            }
            other => panic!("{other}"),
        }
        assert!(sent < 10_000, "nothing is refused");
    }
    let signature = guarded
        .gateway
        .count_at("tokens_total", r#"outcome="signature""#);
    let looked_at = signature.await;
    assert!(looked_at >= 20, "{looked_at}");
    assert_eq!(
        looked_at + refused,
        sent,
        "what is refused is not looked at"
    );
    assert_eq!(limited(&guarded.gateway, "bad-tokens").await, refused);
    // Others at this address go on, if their token is known.
    for _ in 0..30 {
        assert_eq!(guarded.refusal(&known).await, None);
    }
    // A good one that is not known waits, like all.
    let waits = async || send(&guarded, &fresh, "").await.status().as_u16();
    people_testing::wait::eventually("a token is looked at again", async || waits().await == 200)
        .await;
    // No token is no bad one.
    for _ in 0..30 {
        assert_eq!(guarded.answer(None).await.status(), 401);
    }
}

#[tokio::test]
async fn tokens_on_websockets_and_event_streams_count_alike() {
    use crate::live::websocket::peer::{Peer, handshake};
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("limits.bad_tokens_per_minute", "3")]).await;
    assert_eq!(guarded.answer(Some("Bearer x")).await.status(), 401);
    let events = guarded.gateway.request("GET", "/updates").bearer_auth("x");
    assert_limited(events.send().await.expect("an answer"), "bad-tokens").await;
    let mut peer = Peer::connect(guarded.gateway.address).await;
    let offered = [("Sec-WebSocket-Protocol", "people.v1.json, bearer.x")];
    peer.send(handshake("/updates", &offered).as_bytes()).await;
    let refusal = peer.refusal().await;
    assert_eq!(refusal.status, 429);
    assert!(refusal.head.contains("retry-after: "), "{}", refusal.head);
    super::assert_problem(&refusal.problem, "bad-tokens");
}

#[tokio::test]
async fn a_full_table_refuses_newcomers_and_serves_known_callers() {
    let issuer = Issuer::new("HS256");
    let settings = [
        ("limits.bad_tokens_per_minute", "6"),
        ("limits.callers", "64"),
        ("http.proxies", "127.0.0.1"),
    ];
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let known = writer(&issuer, "ada");
    assert_eq!(guarded.refusal(&known).await, None);
    // Two at once, and another after ten seconds.
    assert_eq!(send(&guarded, "x", "198.51.100.1").await.status(), 401);
    let mut newcomers = [0, 0];
    for number in 0..1_000_u32 {
        let from = format!("10.{}.{}.1", number / 250, number % 250);
        let answer = send(&guarded, "x", &from).await;
        match answer.status().as_u16() {
            401 => newcomers[0] += 1,
            429 => {
                newcomers[1] += 1;
                assert_limited(answer, "bad-tokens").await;
            }
            other => panic!("{other}"),
        }
        if number % 100 == 0 {
            let headers = [
                ("authorization", &*format!("Bearer {known}")),
                ("x-forwarded-for", &*from),
            ];
            assert_eq!(call(&guarded.gateway, &headers).await.status(), 200);
        }
    }
    let [seen, refused] = newcomers;
    assert!(seen >= 40 && refused >= 500, "{newcomers:?}");
    assert_eq!(limited(&guarded.gateway, "bad-tokens").await, refused);
}
