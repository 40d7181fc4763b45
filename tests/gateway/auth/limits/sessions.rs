//! Sessions: so many at the same time for each subject.

use people_testing::issuer::Issuer;
use people_testing::process::Gateway;
use people_testing::socket::Listener;
use people_testing::wait::eventually;

use super::{Guarded, assert_limited, assert_problem, audit, limited, writer};
use crate::auth::TestFile;
use crate::live::websocket::peer::{Peer, handshake};

#[tokio::test]
async fn a_subject_has_256_sessions_and_not_one_more() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let gateway = &guarded.gateway;
    let (ada, grace) = (writer(&issuer, "ada"), writer(&issuer, "grace"));
    let mut sessions = Vec::new();
    for number in 0..300 {
        let mut peer = Peer::connect(gateway.address).await;
        let authorization = ("Authorization", &*format!("Bearer {ada}"));
        peer.send(handshake("/updates", &[authorization]).as_bytes())
            .await;
        if number < 256 {
            peer.expect_upgrade().await;
            sessions.push(peer);
        } else {
            let refusal = peer.refusal().await;
            assert_eq!(refusal.status, 429, "{number}");
            assert!(
                refusal.head.contains("retry-after: 5\r\n"),
                "{}",
                refusal.head
            );
            assert_problem(&refusal.problem, "sessions");
        }
    }
    let events = gateway.request("GET", "/updates").bearer_auth(&ada);
    assert_limited(events.send().await.expect("an answer"), "sessions").await;
    assert_eq!(limited(gateway, "sessions").await, 45);
    // Others are not concerned, nor are other calls of the subject.
    let events = gateway.request("GET", "/updates").bearer_auth(&grace);
    let events = events.send().await.expect("an answer");
    assert_eq!(events.status(), 200);
    let list = gateway.request("GET", "/people").bearer_auth(&ada);
    assert_eq!(list.send().await.expect("an answer").status(), 200);
    // One that ends makes room for one.
    sessions.pop();
    eventually("there is room for a session", async || {
        let events = gateway.request("GET", "/updates").bearer_auth(&ada);
        events.send().await.expect("an answer").status() == 200
    })
    .await;
}

#[tokio::test]
async fn event_streams_count_as_long_as_they_run() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("limits.sessions", "1")]).await;
    let token = writer(&issuer, "ada");
    let open = async || {
        let request = guarded
            .gateway
            .request("GET", "/updates")
            .bearer_auth(&token);
        request.send().await.expect("an answer")
    };
    let first = open().await;
    assert_eq!(first.status(), 200);
    assert_limited(open().await, "sessions").await;
    drop(first);
    eventually("there is room for a stream", async || {
        open().await.status() == 200
    })
    .await;
    // A handshake that is refused for another reason takes no room.
    let bad = guarded
        .gateway
        .request("GET", "/updates?wher=x")
        .bearer_auth(&token);
    eventually("the last stream has ended", async || {
        let bad = bad.try_clone().expect("no body").send().await;
        bad.expect("an answer").status() == 400
    })
    .await;
}

#[tokio::test]
async fn callers_without_a_token_beside_others_are_counted_by_address() {
    let policy = TestFile::new(
        "policy.toml",
        r#"
            [[role]]
            name = "writer"
            can = ["watch"]
            [[role]]
            name = "anonymous"
            can = ["watch"]
        "#,
    );
    let settings = [
        ("auth.policy", policy.text()),
        ("limits.sessions", "1"),
        ("http.proxies", "127.0.0.1"),
        ("log.format", "json"),
    ];
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let open = async |from: &str, token: Option<&str>| {
        let mut request = guarded.gateway.request("GET", "/updates");
        request = request.header("x-forwarded-for", from);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    };
    let token = writer(&issuer, "ada");
    let first = open("192.0.2.1", None).await;
    let other = open("192.0.2.2", None).await;
    let with_token = open("192.0.2.1", Some(&token)).await;
    for answer in [&first, &other, &with_token] {
        assert_eq!(answer.status(), 200);
    }
    assert_limited(open("192.0.2.1", None).await, "sessions").await;
    assert_limited(open("192.0.2.3", Some(&token)).await, "sessions").await;
    let delete = guarded
        .gateway
        .request("DELETE", &format!("/people/{}", crate::UNUSED_ID));
    assert_eq!(delete.send().await.expect("an answer").status(), 403);
    let forbidden = &audit::lines(&guarded, "forbidden")[0];
    assert_eq!(forbidden["role"], "anonymous");
    assert!(forbidden.get("subject").is_none(), "{forbidden}");
}

#[tokio::test]
async fn without_tokens_sessions_have_a_limit_only_if_it_is_set() {
    let gateway = Gateway::ready(&[]).await;
    let mut sessions = Vec::new();
    for _ in 0..260 {
        sessions.push(Listener::open(gateway.address, "/updates").await);
    }
    let gateway = Gateway::ready(&[("limits.sessions", "2")]).await;
    let _sessions = [
        Listener::open(gateway.address, "/updates").await,
        Listener::open(gateway.address, "/updates").await,
    ];
    assert_eq!(Listener::refused(gateway.address, "/updates").await, 429);
}
