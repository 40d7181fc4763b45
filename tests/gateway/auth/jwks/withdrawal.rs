//! A key that leaves the set ends its tokens and its streams, and no others.

use std::time::Duration;

use people_testing::socket::{End, Listener};
use people_testing::wait::eventually;
use tokio::time::Instant;

use super::server::{KeyServer, set};
use super::{SOON, accepted, issuer, ready};

#[tokio::test]
async fn a_withdrawn_key_ends_its_streams_and_its_tokens() {
    let (leaving, staying) = (issuer("leaving"), issuer("staying"));
    let server = KeyServer::start(set(&[&leaving, &staying])).await;
    let guarded = ready(&server, &SOON).await;
    let gateway = &guarded.gateway;
    let (ended, good) = (
        leaving.token(&accepted("ada")),
        staying.token(&accepted("grace")),
    );
    let open = async |format: &str, token: &str| {
        let offered = format!("{format}, bearer.{token}");
        Listener::open_as(gateway.address, "/updates", &offered)
            .await
            .0
    };
    let json = open("people.v1.json", &ended).await;
    let cloud_events = open("cloudevents.json", &ended).await;
    let events = gateway.request("GET", "/updates").bearer_auth(&ended);
    let events = events.send().await.expect("an answer");
    let mut other = open("people.v1.json", &good).await;
    assert_eq!(guarded.refusal(&ended).await, None);
    assert_eq!(guarded.refusal(&good).await, None);

    server.set(set(&[&staying]));
    eventually("the key has left", async || {
        gateway.count("keys").await == 1
    })
    .await;
    let left = Instant::now();
    let key = End::Closed(4001, "key".to_owned());
    assert_eq!(json.end().await, key);
    assert_eq!(cloud_events.end().await, key);
    events.text().await.expect("the stream ends in order");
    let elapsed = left.elapsed();
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    guarded.assert_refused(&ended, "key").await;
    assert_eq!(guarded.refusal(&good).await, None);
    other.say(r#"{"type":"ping"}"#).await;
    other.until("pong").await;
    let closed = gateway.count_at("sessions_closed_total", r#"code="4001""#);
    assert_eq!(closed.await, 3);

    // A key that comes back verifies anew.
    server.set(set(&[&leaving, &staying]));
    eventually("the key is back", async || {
        guarded.refusal(&ended).await.is_none()
    })
    .await;
    other.say(r#"{"type":"ping"}"#).await;
    other.until("pong").await;
    let log = gateway.log();
    assert_eq!(log.matches("keys changed").count(), 3, "{log}");
}
