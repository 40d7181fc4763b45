//! Every door of data asks for a token, and files of the program ask for none.

use people_gateway::http::{Console, templates};
use people_testing::issuer::{Issuer, claims};
use people_testing::process::Gateway;
use people_testing::socket::Listener;

use super::{Guarded, problem};
use crate::{ADA, UNUSED_ID};

/// Paths that hold no data.
fn is_open(template: &str) -> bool {
    ["/docs", "/console", "/openapi.json", "/asyncapi.yaml"]
        .iter()
        .any(|open| template.starts_with(open))
        || template == "/"
}

#[tokio::test]
async fn every_method_of_every_path_asks_for_a_token_unless_it_holds_no_data() {
    let guarded = Guarded::by(&[&Issuer::new("HS256")], &[]).await;
    let mut asked = 0;
    for template in templates(Console::On) {
        let path = template
            .replace("{id}", UNUSED_ID)
            .replace("{folder}/{file}", "files.js")
            .replace("{file}", "app.css");
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW",
        ] {
            let answer = guarded.gateway.request(method, &path).send().await;
            let answer = answer.expect("an answer");
            let status = answer.status().as_u16();
            if status == 405 {
                continue;
            }
            if is_open(template) {
                assert_ne!(status, 401, "{method} {template}");
                continue;
            }
            assert_eq!(status, 401, "{method} {template}");
            assert_eq!(
                answer.headers()["www-authenticate"],
                r#"Bearer realm="people-gateway""#
            );
            asked += 1;
            if method != "HEAD" {
                assert_eq!(problem(answer).await["reason"], "missing");
            }
        }
    }
    // One for each call of the description, and HEAD for each GET.
    assert_eq!(asked, 13, "the calls that hold data");
}

#[tokio::test]
async fn an_unknown_path_and_method_need_no_token() {
    let guarded = Guarded::by(&[&Issuer::new("HS256")], &[]).await;
    for (method, path, status) in [("GET", "/nothing", 404), ("DELETE", "/people", 405)] {
        let answer = guarded.gateway.request(method, path).send().await;
        assert_eq!(answer.expect("an answer").status(), status);
    }
}

#[tokio::test]
async fn a_body_is_not_awaited_before_a_refusal() {
    let guarded = Guarded::by(&[&Issuer::new("HS256")], &[]).await;
    for path in ["/people", "/people/import"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 1000\r\n\r\n"
        );
        let mut peer = crate::live::websocket::peer::Peer::connect(guarded.gateway.address).await;
        peer.send(head.as_bytes()).await;
        assert_eq!(peer.head().await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn an_answer_is_kept_from_caches_that_others_share() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let token = issuer.token(&claims("ada", "writer"));
    let call = async |method: &str, path: &str, body: &'static str| {
        let request = guarded.gateway.request(method, path).bearer_auth(&token);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        request.send().await.expect("an answer")
    };
    let created = call("POST", "/people", ADA).await;
    assert_eq!(created.status(), 201);
    let id = created.headers()["location"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let id = id.rsplit('/').next().expect("an id").to_owned();
    for (answer, control) in [
        (created, "private"),
        (
            call("GET", &format!("/people/{id}"), "").await,
            "private, no-cache",
        ),
        (call("GET", "/people", "").await, "private"),
        (
            call("GET", &format!("/people/{UNUSED_ID}"), "").await,
            "private",
        ),
        (call("GET", "/rights", "").await, "private, no-store"),
    ] {
        assert_eq!(answer.headers()["cache-control"], control);
        let mut varies = answer.headers().get_all("vary").iter();
        assert!(varies.any(|value| value == "Authorization"));
    }
    let page = guarded.gateway.request("GET", "/docs").send().await;
    let page = page.expect("an answer");
    let mut varies = page.headers().get_all("vary").iter();
    assert!(!varies.any(|value| value == "Authorization"));
}

#[tokio::test]
async fn without_authentication_a_token_is_ignored() {
    let gateway = Gateway::ready(&[]).await;
    for authorization in ["Bearer x", "Basic x", ""] {
        let request = gateway
            .request("GET", "/people")
            .header("authorization", authorization);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("cache-control"));
    }
    let offered = "people.v1.json, bearer.x";
    let (mut client, chosen) = Listener::open_as(gateway.address, "/updates", offered).await;
    assert_eq!(chosen.as_deref(), Some("people.v1.json"));
    assert!(client.sentence().await.contains("live"));
}
