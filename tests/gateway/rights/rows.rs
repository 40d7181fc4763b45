//! Rows: for a caller only the people within the rule exist, in lists and one by one.

use serde_json::{Value, json};

use super::{POLICY, PolicyGateway, TestCaller, ids_of, member, person_path, written};
use crate::UNUSED_ID;
use crate::live::ids;
use crate::views::{Client, WriteHeads, save};
use people_testing::http::{Answer, resolved};
use people_testing::process::{Gateway, person};
use people_testing::redis::RedisServer;

/// Saves three people of the red team, three of the blue one and one of none, in this order.
async fn save_teams(gateway: &Gateway) -> Vec<String> {
    let people = ids(7);
    for (index, id) in people.iter().enumerate() {
        let saved = match index {
            0..3 => member("red"),
            3..6 => member("blue"),
            _ => person("Ada"),
        };
        save(gateway, id, &saved).await;
    }
    people
}

#[tokio::test]
async fn lists_pages_and_lines_have_the_people_of_the_rule() {
    let office = PolicyGateway::start().await;
    let people = save_teams(office.gateway()).await;
    let (red, admin) = (office.clerk("red"), office.admin());
    assert_eq!(ids_of(&admin.list("/people").await), people);
    assert_eq!(ids_of(&red.list("/people").await), people[..3]);
    assert_eq!(
        ids_of(&office.clerk("blue").list("/people").await),
        people[3..6]
    );
    assert!(office.clerk("green").list("/people").await.is_empty());
    let blue = "/people?where=attributes.team%3D%3D%22blue%22";
    assert!(red.list(blue).await.is_empty());
    assert_eq!(admin.list(blue).await.len(), 3);
    assert_eq!(red.list("/people?where=age%3E3").await.len(), 3);
    let lines = red
        .call("GET", "/people", &[("accept", "application/x-ndjson")], "")
        .await;
    let lines: Vec<Value> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines, red.list("/people").await);
}

#[tokio::test]
async fn pages_do_not_tell_of_people_outside_of_the_rule() {
    let office = PolicyGateway::start().await;
    let people = save_teams(office.gateway()).await;
    let red = office.clerk("red");
    let first = red.get("/people?limit=2").await;
    let link = first.header("link").expect("another page");
    let (link, _) = link
        .strip_prefix('<')
        .and_then(|link| link.split_once('>'))
        .expect("a link");
    let last = red.get(&resolved("/people", link)).await;
    let pages = [first.json(), last.json()];
    let listed: Vec<&str> = pages
        .iter()
        .flat_map(|page| ids_of(page.as_array().expect("a list")))
        .collect();
    assert_eq!(listed, people[..3]);
    assert_eq!(last.header("link"), None);
    let full = red.get("/people?limit=3").await;
    assert_eq!(full.header("link"), None, "the next person is another's");
}

/// An answer without what differs between two requests about different ids.
fn told(answer: &Answer, id: &str) -> (u16, Vec<(String, String)>, String) {
    let request = answer.header("x-request-id").expect("a request id");
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    let body = answer.body.replace(request, "REQUEST").replace(id, "ID");
    (answer.status, headers, body)
}

#[tokio::test]
async fn a_person_outside_of_the_rule_is_answered_like_nobody() {
    let office = PolicyGateway::start().await;
    let hidden = &ids(1)[0];
    let at = save(office.gateway(), hidden, &member("blue")).await;
    let (_, revision) = at.split_once(':').expect("an at");
    let right = format!("\"{revision}\"");
    let weak = format!("W/{right}");
    let red = office.clerk("red");
    let mut own = member("red");
    own["attributes"] = json!({"team": "red"});
    let own = own.to_string();
    let tags = ["*", &right, &weak, "\"a.1.b\"", "\"x\""];
    let mut calls = Vec::new();
    for (method, body) in [
        ("GET", ""),
        ("HEAD", ""),
        ("PUT", own.as_str()),
        ("PATCH", r#"{"job":"x"}"#),
        ("PATCH", r#"{"attributes":null}"#),
        ("DELETE", ""),
    ] {
        calls.push((method, None, body));
        calls.extend(tags.map(|tag| (method, Some(("if-match", tag)), body)));
        calls.push((method, Some(("idempotency-key", "k")), body));
        if body.is_empty() && method != "DELETE" {
            calls.extend(tags.map(|tag| (method, Some(("if-none-match", tag)), body)));
        }
    }
    for (method, header, body) in calls {
        let headers: Vec<_> = header.into_iter().collect();
        let ask = async |id: &str| {
            let answer = red.call(method, &person_path(id), &headers, body).await;
            assert_eq!(answer.header("etag"), None, "{method} {headers:?}");
            told(&answer, id)
        };
        let (one, other) = (ask(hidden).await, ask(UNUSED_ID).await);
        assert_eq!(one.0, 404, "{method} {headers:?}");
        assert_eq!(one, other, "{method} {headers:?}");
    }
    let wrong = r#"{"attributes":{"salary":1}}"#;
    let ask = async |id: &str| told(&red.call("PATCH", &person_path(id), &[], wrong).await, id);
    assert_eq!(ask(hidden).await, ask(UNUSED_ID).await);
    let detail = red.edit("GET", hidden, &Value::Null).await;
    let detail = detail.problem(404, "not-found")["detail"].clone();
    assert_eq!(detail, format!("There is no record with id: {hidden}"));
}

#[tokio::test]
async fn a_put_that_creates_is_refused_for_a_taken_id_as_for_a_person_outside_of_the_rule() {
    let office = PolicyGateway::start().await;
    let [hidden, visible, free] = &ids(3)[..] else {
        panic!("three ids");
    };
    save(office.gateway(), hidden, &member("blue")).await;
    let at = save(office.gateway(), visible, &member("red")).await;
    let red = office.clerk("red");
    let create = async |id: &str, team: &str| {
        let mut body = person("Grace");
        body["attributes"] = json!({"team": team});
        let headers = [("if-none-match", "*")];
        red.call("PUT", &person_path(id), &headers, &body.to_string())
            .await
    };
    let taken = create(hidden, "red").await;
    let problem = taken.problem(403, "forbidden");
    assert_eq!(problem["verb"], "create");
    assert_eq!(taken.header("etag"), None);
    let outside = create(free, "blue").await;
    assert_eq!(told(&taken, hidden), told(&outside, free));
    assert_eq!(
        told(&create(hidden, "blue").await, hidden),
        told(&outside, free)
    );
    let known = create(visible, "red").await;
    let detail = known.problem(412, "precondition")["detail"].clone();
    let (_, revision) = at.split_once(':').expect("an at");
    assert!(
        detail
            .as_str()
            .is_some_and(|detail| detail.contains(revision))
    );
    let created = create(free, "red").await;
    assert_eq!(created.status, 201);
    assert_eq!(office.admin().list("/people").await.len(), 3);
}

/// What follows from a write that races with the move of its person to another team.
async fn race(red: &TestCaller<'_>, id: &str, round: usize) -> (Vec<Answer>, Answer) {
    let mut own = person("Ada");
    own["attributes"] = json!({"team": "red", "round": round});
    let patch = json!({"job": format!("red {round}")});
    let moved = json!({"attributes": {"team": "blue"}});
    let writes = async {
        let [put, patch, again] = [("PUT", &own), ("PATCH", &patch), ("PUT", &own)]
            .map(|(method, body)| red.edit(method, id, body));
        if round.is_multiple_of(4) {
            let delete = red.edit("DELETE", id, &Value::Null);
            let (one, two, three) = tokio::join!(put, patch, delete);
            vec![one, two, three]
        } else {
            let (one, two, three) = tokio::join!(put, patch, again);
            vec![one, two, three]
        }
    };
    let moving = async {
        let request = red.gateway.request("PATCH", &person_path(id)).json(&moved);
        Answer::of(request).await
    };
    if round.is_multiple_of(2) {
        tokio::join!(writes, moving)
    } else {
        let (moved, written) = tokio::join!(moving, writes);
        (written, moved)
    }
}

/// Each write is judged by the person as it is when the write happens.
#[tokio::test]
async fn a_person_that_leaves_the_rule_while_it_is_written_is_never_written() {
    const ROUNDS: u32 = 300;
    let office = PolicyGateway::with(POLICY, &[("live.messages_per_second", "10000")]).await;
    let mut watcher = Client::live(office.gateway(), &[("from", "snapshot")]).await;
    let red = office.clerk("red");
    let (mut found, mut refused) = (0, 0);
    for (round, id) in ids(ROUNDS).iter().enumerate() {
        let (mut own, mut heads) = (Vec::new(), WriteHeads::default());
        heads.add(&save(office.gateway(), id, &member("red")).await);
        let (answers, moved) = race(&red, id, round).await;
        match moved.status {
            200 => heads.add(&written(&moved)),
            status => assert_eq!(status, 404, "{moved:?}"),
        }
        for answer in answers {
            match answer.status {
                200 | 204 => own.push(written(&answer)),
                404 => refused += 1,
                _ => panic!("{answer:?}"),
            }
        }
        for at in &own {
            heads.add(at);
        }
        found += own.len();
        let mut before = Value::Null;
        for change in watcher.read_past(&heads).await {
            let at = change["at"].as_str().expect("each change comes by itself");
            if let Some(index) = own.iter().position(|one| one == at) {
                assert_eq!(before, "red", "{change}");
                own.remove(index);
            }
            before = change["person"]["attributes"]["team"].clone();
        }
        assert_eq!(own, [""; 0], "the log has each write that succeeded");
    }
    assert!(
        found > 0 && refused > 0,
        "{found} writes, {refused} refused"
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_exist_for_a_caller_with_a_rule() {
    let redis = RedisServer::start(&[]).await;
    let office = PolicyGateway::with(POLICY, &[("store.url", &redis.url())]).await;
    let (id, admin, red) = (&ids(1)[0], office.admin(), office.clerk("red"));
    save(office.gateway(), id, &member("red")).await;
    let garbage = ["HSET", "{people.p0}:people", id, "garbage"];
    redis.command::<()>(&garbage).await;
    assert_eq!(admin.get(&person_path(id)).await.status, 500);
    let body = json!({"firstName": "Ada", "lastName": "L", "age": 1, "job": ""}).to_string();
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let call = async |id: &str| {
            let answer = red.call(method, &person_path(id), &[], &body).await;
            let problem = answer.problem(404, "not-found");
            problem["detail"].as_str().expect("words").replace(id, "ID")
        };
        assert_eq!(call(id).await, call(UNUSED_ID).await, "{method}");
    }
    let new = [("if-none-match", "*")];
    let create = red.call("PUT", &person_path(id), &new, &body).await;
    create.problem(403, "forbidden");
}
