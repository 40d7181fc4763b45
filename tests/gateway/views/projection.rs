//! Parts of people that a caller asks for, in every answer and stream that shows people.

use serde_json::{Value, json};

use super::reader::{Reader, ViewFormat};
use super::{ADULTS, Client, WriteHeads, aged, members, path, save, types};
use crate::live::ids;
use people_testing::process::Gateway;

const FIELDS: &str = "job,attributes.address.city";

/// A person with more than is asked for.
fn resident(age: u64, city: &str) -> Value {
    let mut ada = aged(age);
    ada["attributes"] = json!({"team": "red", "address": {"city": city, "street": "Karl Johan"}});
    ada
}

/// What is shown of a resident.
#[track_caller]
fn assert_shown(person: &Value, city: &str) {
    assert_eq!(members(person), ["id", "job", "attributes", "revision"]);
    assert_eq!(person["attributes"], json!({"address": {"city": city}}));
}

async fn get(gateway: &Gateway, path: &str) -> (u16, String) {
    let answer = gateway.request("GET", path).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("a body"))
}

async fn json_of(gateway: &Gateway, path: &str) -> Value {
    let (status, body) = get(gateway, path).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

#[tokio::test]
async fn a_person_and_lists_show_what_is_asked_for() {
    let gateway = Gateway::ready(&[]).await;
    for id in ids(3) {
        save(&gateway, &id, &resident(40, "Oslo")).await;
    }
    let one = path(&format!("/people/{}", ids(1)[0]), &[("fields", FIELDS)]);
    assert_shown(&json_of(&gateway, &one).await, "Oslo");
    for more in [&[][..], &[("where", ADULTS)], &[("limit", "2")]] {
        let parameters = [&[("fields", FIELDS)], more].concat();
        let list = json_of(&gateway, &path("/people", &parameters)).await;
        let people = list.as_array().expect("a list");
        assert_eq!(people.len(), if more == [("limit", "2")] { 2 } else { 3 });
        for person in people {
            assert_shown(person, "Oslo");
        }
    }
    for (fields, shown) in [
        ("", &["id", "revision"][..]),
        ("id,revision", &["id", "revision"]),
        ("updatedAt, age", &["id", "age", "revision", "updatedAt"]),
        ("createdAt", &["id", "revision", "createdAt"]),
        ("attributes.none,job", &["id", "job", "revision"]),
        (r#"attributes["team"]"#, &["id", "attributes", "revision"]),
    ] {
        let one = path(&format!("/people/{}", ids(1)[0]), &[("fields", fields)]);
        assert_eq!(members(&json_of(&gateway, &one).await), shown, "{fields}");
    }
}

/// The revision decides what a caller holds, and writes go by it, whatever was shown.
#[tokio::test]
async fn an_entity_tag_is_that_of_the_whole_person() {
    let gateway = Gateway::ready(&[]).await;
    let id = &ids(1)[0];
    save(&gateway, id, &resident(40, "Oslo")).await;
    let tag = async |path: &str| {
        let answer = gateway.request("GET", path).send().await;
        answer.expect("an answer").headers()["etag"].clone()
    };
    let whole = format!("/people/{id}");
    let part = path(&whole, &[("fields", FIELDS)]);
    assert_eq!(tag(&whole).await, tag(&part).await);
}

#[tokio::test]
async fn streams_show_what_is_asked_for_in_every_format() {
    let gateway = Gateway::ready(&[]).await;
    let people = ids(3);
    save(&gateway, &people[0], &resident(40, "Oslo")).await;
    for (format, first) in [
        (ViewFormat::Json, "create"),
        (ViewFormat::CloudEvents, "enter"),
        (ViewFormat::Sse, "enter"),
    ] {
        save(&gateway, &people[0], &resident(40, "Oslo")).await;
        // The filter is about what is not shown.
        let parameters = [("from", "snapshot"), ("where", ADULTS), ("fields", FIELDS)];
        let mut client = Reader::live(&gateway, format, &parameters).await;
        assert_eq!(client.view.people.len(), 1, "{format:?}");
        for person in client.view.people.values() {
            assert_shown(person, "Oslo");
        }
        let mut heads = WriteHeads::default();
        heads.add(&save(&gateway, &people[1], &resident(50, "Bergen")).await);
        heads.add(&save(&gateway, &people[0], &resident(41, "Bergen")).await);
        heads.add(&save(&gateway, &people[1], &resident(5, "Oslo")).await);
        let messages = client.read_past(&heads).await;
        assert_eq!(types(&messages), [first, "update", "leave"], "{format:?}");
        for message in &messages[..2] {
            assert_shown(&message["person"], "Bergen");
        }
    }
}

#[tokio::test]
async fn what_a_client_missed_shows_what_it_asks_for_now() {
    let gateway = Gateway::ready(&[]).await;
    let people = ids(20);
    let mut client = Client::live(&gateway, &[("from", "snapshot"), ("fields", FIELDS)]).await;
    client.send(json!({"type": "ping", "ref": "a"})).await;
    let pong = client.until("pong").await.pop().expect("a pong");
    let cursor = pong["cursor"].as_str().expect("a cursor").to_owned();
    drop(client);
    for id in &people {
        save(&gateway, id, &resident(40, "Oslo")).await;
    }
    let parameters = [("from", cursor.as_str()), ("fields", "age")];
    let mut client = Client::open(&gateway, &parameters).await;
    let messages = client.until("live").await;
    let shown = messages.iter().flat_map(crate::rights::refresh::people_of);
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown.len(), people.len());
    for person in shown {
        assert_eq!(members(person), ["id", "age", "revision"]);
    }
}

#[tokio::test]
async fn what_is_no_part_of_people_is_refused_everywhere() {
    let gateway = Gateway::ready(&[]).await;
    let one = format!("/people/{}", ids(1)[0]);
    save(&gateway, &ids(1)[0], &aged(40)).await;
    for endpoint in [one.as_str(), "/people", "/updates"] {
        for fields in ["nickname", "job,", "attributes.", "age >= 18"] {
            let (status, body) = get(&gateway, &path(endpoint, &[("fields", fields)])).await;
            let problem: Value = serde_json::from_str(&body).expect("a problem");
            assert_eq!(status, 400, "{problem}");
            assert_eq!(problem["type"], "/problems/malformed", "{problem}");
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(
                detail.starts_with("fields: ") && detail.contains("firstName"),
                "{detail}"
            );
        }
    }
    let text = gateway
        .request("GET", &path("/updates", &[("fields", "job")]))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZg==");
    let answer = text.send().await.expect("an answer");
    assert_eq!(answer.status(), 400, "text always has the same values");
}
