//! Handshakes, requests and writes: so many a second, and twice as many at once.

use futures_util::{StreamExt as _, stream};
use people_testing::issuer::Issuer;
use people_testing::process::{Gateway, person};
use serde_json::Value;
use tokio::time::Instant;

use super::{Guarded, assert_limited, limited, writer};
use crate::ADA;

/// Sends as many writes as fast as possible; how many succeed, and how many are refused.
async fn write(gateway: &Gateway, token: Option<&str>, count: usize) -> [u64; 2] {
    let calls = stream::iter(0..count).map(async |_| {
        let mut request = gateway.request("POST", "/people");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let request = request.header("content-type", "application/json");
        let answer = request.body(ADA).send().await.expect("an answer");
        let is_saved = answer.status() == 201;
        if !is_saved {
            assert_limited(answer, "writes").await;
        }
        is_saved
    });
    let saved = calls.buffer_unordered(16).collect::<Vec<bool>>().await;
    let saved = saved.into_iter().filter(|saved| *saved).count();
    [saved, count - saved].map(|count| count.try_into().expect("a count"))
}

fn import(gateway: &Gateway, lines: usize) -> reqwest::RequestBuilder {
    let people: Vec<String> = (0..lines)
        .map(|number| person(&format!("P{number}")).to_string())
        .collect();
    let request = gateway.request("POST", "/people/import");
    let request = request.header("content-type", "application/x-ndjson");
    request.body(people.join("\n"))
}

#[tokio::test]
async fn writes_beyond_the_limit_are_refused_and_those_of_others_are_not() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("limits.writes_per_second", "5")]).await;
    let gateway = &guarded.gateway;
    let (ada, grace) = (writer(&issuer, "ada"), writer(&issuer, "grace"));
    let began = Instant::now();
    let [saved, refused] = write(gateway, Some(&ada), 200).await;
    let most = 10 + 5 * (began.elapsed().as_secs() + 1);
    assert!(
        (10..=most).contains(&saved) && refused > 0,
        "{saved} of {most}"
    );
    assert_eq!(limited(gateway, "writes").await, refused);
    assert_eq!(write(gateway, Some(&grace), 10).await, [10, 0]);
    // Reads are no writes.
    for _ in 0..20 {
        let read = gateway.request("GET", "/people").bearer_auth(&ada);
        assert_eq!(read.send().await.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn an_import_is_slowed_down_and_loses_no_line() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("limits.writes_per_second", "20")]).await;
    let token = writer(&issuer, "ada");
    let began = Instant::now();
    let answer = import(&guarded.gateway, 100)
        .bearer_auth(&token)
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    let report: Value = answer.json().await.expect("JSON");
    assert_eq!(report["saved"], 100, "{report}");
    // 40 lines at once, and 20 a second.
    assert!(
        began.elapsed().as_millis() >= 3_000,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(limited(&guarded.gateway, "writes").await, 0);
}

#[tokio::test]
async fn a_slow_import_ends_with_its_token() {
    let issuer = Issuer::new("HS256");
    let settings = [("limits.writes_per_second", "1"), ("auth.leeway_ms", "0")];
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let mut claims = people_testing::issuer::claims("ada", "writer");
    claims["exp"] = (people_testing::issuer::now() + 3).into();
    let answer = import(&guarded.gateway, 1_000)
        .bearer_auth(issuer.token(&claims))
        .send();
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let problem = super::problem(answer).await;
    assert_eq!(problem["reason"], "expired");
    let saved = problem["saved"].as_u64().expect("a count");
    assert!((1..10).contains(&saved), "{problem}");
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_pages_are_open() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[("limits.requests_per_second", "2")]).await;
    let gateway = &guarded.gateway;
    let (ada, grace) = (writer(&issuer, "ada"), writer(&issuer, "grace"));
    let ask = async |token: &str, path: &str| {
        let request = gateway.request("GET", path).bearer_auth(token);
        request.send().await.expect("an answer")
    };
    let mut statuses = Vec::new();
    for _ in 0..50 {
        statuses.push(ask(&ada, "/people").await.status().as_u16());
    }
    assert_eq!(statuses[..4], [200; 4]);
    assert!(statuses.contains(&429), "{statuses:?}");
    while ask(&ada, "/rights").await.status() != 429 {}
    assert_limited(ask(&ada, "/people?wher=x").await, "requests").await;
    assert_eq!(ask(&grace, "/people").await.status(), 200);
    for _ in 0..20 {
        assert_eq!(ask(&ada, "/docs").await.status(), 200);
        assert_eq!(ask(&ada, "/openapi.json").await.status(), 200);
        assert_eq!(ask(&ada, "/nowhere").await.status(), 404);
    }
}

#[tokio::test]
async fn without_tokens_addresses_are_counted() {
    let gateway = Gateway::ready(&[("limits.writes_per_second", "3")]).await;
    let [saved, refused] = write(&gateway, None, 100).await;
    assert!(saved >= 6 && refused > 0, "{saved} {refused}");
    assert_eq!(limited(&gateway, "writes").await, refused);
}

#[tokio::test]
async fn handshakes_beyond_the_limit_are_refused_before_their_token_is_read() {
    let issuer = Issuer::new("HS256");
    let settings = [("limits.handshakes_per_second", "1")];
    let guarded = Guarded::by(&[&issuer], &settings).await;
    let token = writer(&issuer, "ada");
    let ask = async |token: &str| {
        let request = guarded
            .gateway
            .request("GET", "/updates")
            .bearer_auth(token);
        request.send().await.expect("an answer")
    };
    let mut limited_answers = 0;
    for _ in 0..30 {
        let answer = ask(&token).await;
        if answer.status() == 429 {
            limited_answers += 1;
            assert_limited(answer, "handshakes").await;
        } else {
            assert_eq!(answer.status(), 200);
        }
    }
    assert!(limited_answers > 0);
    while ask("x").await.status() != 429 {}
    // Calls are no handshakes.
    for _ in 0..10 {
        assert_eq!(guarded.refusal(&token).await, None);
    }
}
