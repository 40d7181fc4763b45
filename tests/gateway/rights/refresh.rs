//! A new token on an open stream: with equal rights nothing else happens, with other rights the
//! view begins anew, and nothing of the old rights is sent afterwards.

use serde_json::{Value, json};

use super::{PolicyGateway, SALARY, clerk, delete, member};
use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::{ADULTS, Client, WriteHeads, aged, listed, members, save, types};
use people_testing::issuer::now;
use people_testing::process::Gateway;
use people_testing::socket::End;

/// Saves and deletes people of two teams until `done`; returns the last position.
async fn write_until(
    gateway: &Gateway,
    people: &[String],
    done: &std::cell::Cell<bool>,
) -> WriteHeads {
    let (mut heads, mut round) = (WriteHeads::default(), 0_usize);
    while !done.get() {
        round += 1;
        let id = &people[round * 7 % people.len()];
        let mut saved = member(["red", "blue", "red", "blue", "blue"][round % 5]);
        saved["age"] = json!(round % 40);
        heads.add(&save(gateway, id, &saved).await);
        if round.is_multiple_of(9) {
            heads.add(&delete(gateway, id).await);
        }
    }
    heads
}

fn token_message(token: &str) -> Value {
    json!({"type": "token", "token": token, "ref": "r"})
}

/// The people of a message.
pub(crate) fn people_of(message: &Value) -> Vec<&Value> {
    let listed = |name: &str| message[name].as_array().into_iter().flatten();
    let batched = listed("changes").filter_map(|change| change.get("person"));
    listed("people")
        .chain(message.get("person"))
        .chain(batched)
        .collect()
}

#[track_caller]
fn assert_team(messages: &[Value], team: &str) {
    for message in messages {
        for person in people_of(message) {
            assert_eq!(person["attributes"]["team"], team, "{message}");
        }
        assert!(
            !message.to_string().contains(&SALARY.to_string()),
            "{message}"
        );
    }
}

/// The view folds each message, and fails on one that is missed or doubled.
#[tokio::test]
async fn a_token_of_equal_rights_changes_nothing_under_load() {
    let settings = [
        ("live.messages_per_second", "1000"),
        ("live.queue_changes", "16"),
    ];
    let office = PolicyGateway::with(super::POLICY, &settings).await;
    let gateway = office.gateway();
    let red = office.clerk("red");
    let mut client = red.live(&[("from", "snapshot"), ("where", ADULTS)]).await;
    let (people, done) = (ids(20), std::cell::Cell::new(false));
    let refreshing = async {
        let mut told = Vec::new();
        for number in 0..60 {
            // Other verbs and another rule for writes are equal rights for a view.
            let mut claims = clerk("red");
            if number % 2 == 0 {
                claims["people"] = json!({"can": ["read", "watch"]});
            }
            client.send(token_message(&office.token(&claims))).await;
            let messages = client.until("token").await;
            let answer = messages.last().expect("an answer");
            assert_eq!(members(answer), ["type", "ref", "seconds"]);
            told.extend(messages);
            told.push(client.message().await);
        }
        done.set(true);
        told
    };
    let (heads, mut told) = tokio::join!(write_until(gateway, &people, &done), refreshing);
    told.extend(client.read_past(&heads).await);
    assert!(
        !types(&told)
            .iter()
            .any(|kind| ["reset", "live", "error"].contains(kind))
    );
    assert_team(&told, "red");
    let listed = red
        .list(&crate::views::path("/people", &[("where", ADULTS)]))
        .await;
    assert_eq!(
        client.view.people.values().collect::<Vec<_>>(),
        listed.iter().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_token_of_other_rights_begins_the_view_anew_under_load() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let (people, done) = (ids(20), std::cell::Cell::new(false));
    let formats = [ViewFormat::Json, ViewFormat::CloudEvents];
    let refreshing = async {
        let mut readers = Vec::new();
        for format in formats {
            let red = office.token(&clerk("red"));
            let parameters = [("from", "snapshot"), ("where", ADULTS)];
            let mut reader = Reader::open_as(gateway, Some(&red), format, &parameters).await;
            assert_team(&reader.until("live").await, "red");
            let (mut old, mut new) = ("red", "blue");
            for _ in 0..15 {
                for _ in 0..4 {
                    assert_team(&[reader.message().await], old);
                }
                reader
                    .send(&token_message(&office.token(&clerk(new))))
                    .await;
                let before = reader.until("token").await;
                assert_team(&before, old);
                assert!(!types(&before).contains(&"reset"));
                let reset = reader.message().await;
                assert_eq!(
                    reset,
                    json!({"type": "reset", "reason": "rights"}),
                    "{format:?}"
                );
                let start = reader.until("live").await;
                assert_eq!(start[0]["type"], "snapshot");
                assert_team(&start, new);
                (old, new) = (new, old);
            }
            readers.push(reader);
        }
        done.set(true);
        readers
    };
    let (heads, readers) = tokio::join!(write_until(gateway, &people, &done), refreshing);
    // The last of the tokens was one of the blue team: 15 is odd.
    let blue = office.clerk("blue");
    for mut reader in readers {
        save(gateway, &ids(21)[20], &member("red")).await;
        let last = save(gateway, &ids(22)[21], &member("blue")).await;
        while !(heads.is_reached_by(&reader.view.cursor()) && reader.view.cursor().contains(&last))
        {
            assert_team(&[reader.message().await], "blue");
        }
        let filter = crate::views::path("/people", &[("where", ADULTS)]);
        let view: Vec<&Value> = reader.view.people.values().collect();
        let listed = blue.list(&filter).await;
        assert_eq!(view, listed.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_token_of_other_rights_ends_a_snapshot_that_is_under_way() {
    const PEOPLE: u32 = 1200;
    let office = PolicyGateway::with(super::POLICY, &[("live.snapshot_people", "32")]).await;
    let gateway = office.gateway();
    let people = ids(PEOPLE);
    save_big(gateway, &people, 0..1).await;
    for (index, id) in people.iter().step_by(100).enumerate() {
        save(gateway, id, &member(["red", "blue"][index % 2])).await;
    }
    let admin = office.token(&json!({"role": "admin"}));
    let format = ViewFormat::Json;
    let from = [("from", "snapshot")];
    let mut reader = Reader::open_as(gateway, Some(&admin), format, &from).await;
    assert_eq!(reader.message().await["type"], "snapshot");
    reader
        .send(&token_message(&office.token(&clerk("blue"))))
        .await;
    let before = reader.until("token").await;
    assert!(
        !types(&before).contains(&"live"),
        "the snapshot was too short for the test"
    );
    let start = reader.until("live").await;
    assert_eq!(types(&start)[..2], ["reset", "snapshot"]);
    assert_team(&start, "blue");
    assert_eq!(reader.view.people.len(), 6);
    assert!(reader.view.cursor().contains("v:"));
}

#[tokio::test]
async fn a_token_of_other_rights_keeps_kinds_and_filter() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let mut client = office.clerk("red").live(&[]).await;
    let filter = json!({"type": "filter", "kinds": "saves", "where": "age >= 18"});
    client.send(filter).await;
    client.until("filtered").await;
    let assistant = office.token(&json!({"role": "assistant"}));
    client.send(token_message(&assistant)).await;
    let told = client.until("live").await;
    assert_eq!(types(&told), ["token", "reset", "snapshot", "live"]);
    let people = ids(2);
    save(gateway, &people[0], &aged(17)).await;
    save(gateway, &people[1], &aged(18)).await;
    delete(gateway, &people[1]).await;
    let last = save(gateway, &people[0], &aged(19)).await;
    let mut heads = WriteHeads::default();
    heads.add(&last);
    assert_eq!(types(&client.read_past(&heads).await), ["create", "enter"]);
    // And back to everything, without a mark in the cursor.
    let admin = office.token(&json!({"role": "admin"}));
    client.send(token_message(&admin)).await;
    let told = client.until("live").await;
    assert_eq!(types(&told), ["token", "reset", "snapshot", "live"]);
    assert_eq!(told[1]["reason"], "rights");
    let view = client.view.people.clone();
    assert!(!client.view.cursor().contains("v:"));
    assert_eq!(view, listed(gateway, "age >= 18").await);
}

/// A refused token: the status and the type of its problem, and a member of it.
async fn refused(client: &mut Client, token: &str) -> Value {
    client.send(token_message(token)).await;
    let told = client.until("error").await;
    assert_eq!(types(&told), ["error"]);
    assert_eq!(told[0]["ref"], "r");
    told[0]["problem"].clone()
}

#[tokio::test]
async fn a_token_that_may_not_watch_or_hides_what_the_filter_names_changes_nothing() {
    let office = PolicyGateway::with(super::POLICY, &[("auth.leeway_ms", "0")]).await;
    let gateway = office.gateway();
    let id = &ids(1)[0];
    save(gateway, id, &member("red")).await;
    let seconds = 6;
    let short = json!({"role": "admin", "exp": now() + seconds});
    let condition = format!("age > 3 && attributes.salary == {SALARY}");
    let mut client = office
        .caller(&short)
        .live(&[("from", "snapshot"), ("where", &condition)])
        .await;
    let archivist = office.token(&json!({"role": "archivist"}));
    let problem = refused(&mut client, &archivist).await;
    assert_eq!(
        (&problem["type"], &problem["verb"]),
        (&json!("/problems/forbidden"), &json!("watch"))
    );
    assert_eq!(problem["status"], 403);
    let problem = refused(&mut client, &office.token(&clerk("red"))).await;
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!("/problems/filter"), &json!(403))
    );
    assert_eq!(
        (&problem["offset"], &problem["length"]),
        (&json!(11), &json!(17))
    );
    let lacking = office.token(&json!({"role": "clerk"}));
    let problem = refused(&mut client, &lacking).await;
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!("/problems/forbidden"), &json!(403))
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("claim team"))
    );
    // The old rights go on.
    let at = save(gateway, id, &member("blue")).await;
    let update = client.message().await;
    assert_eq!(
        (&update["at"], &update["type"]),
        (&json!(at), &json!("update"))
    );
    assert_eq!(update["person"]["attributes"]["salary"], SALARY);
    assert!(!client.view.cursor().contains("v:"));
    assert_eq!(client.end().await, End::Closed(4001, "expired".to_owned()));
}
