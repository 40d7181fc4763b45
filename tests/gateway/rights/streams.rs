//! Streams: the rule is part of the view. People enter and leave it as they move, and what happens
//! outside of it is not told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{POLICY, PolicyGateway, SALARY, TestCaller, delete, member, seen_attributes, without};
use crate::live::{ids, save_big};
use crate::views::reader::{Reader, ViewFormat};
use crate::views::view::positions;
use crate::views::{WriteHeads, path, save, types, wait_past};
use people_testing::process::{Gateway, person};
use people_testing::socket::{End, Listener};

fn heads(ats: &[&str]) -> WriteHeads {
    let mut heads = WriteHeads::default();
    for at in ats {
        heads.add(at);
    }
    heads
}

fn revision(at: &str) -> &str {
    at.split_once(':').expect("an at").1
}

#[tokio::test]
async fn a_person_that_moves_leaves_one_view_and_enters_the_other() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let from = [("from", "snapshot")];
    let (mut red, mut blue) = (
        office.clerk("red").live(&from).await,
        office.clerk("blue").live(&from).await,
    );
    let at = save(office.gateway(), id, &member("blue")).await;
    let text = red.listener.sentence().await;
    let expected = format!(
        r#"{{"type":"leave","at":"{at}","id":"{id}","revision":"{}"}}"#,
        revision(&at)
    );
    assert_eq!(text, expected);
    let enter = blue.message().await;
    assert_eq!(
        (&enter["type"], &enter["at"]),
        (&json!("enter"), &json!(at))
    );
    assert_eq!(enter["person"]["attributes"], seen_attributes("blue"));
    assert!(!enter.to_string().contains(&SALARY.to_string()));
    // A hidden change is an update: the revision moves.
    let mut raised = member("blue");
    raised["attributes"]["salary"] = json!(1);
    let at = save(office.gateway(), id, &raised).await;
    let update = blue.message().await;
    assert_eq!(update["type"], "update");
    assert_eq!(update["person"]["revision"], revision(&at));
    let shown = |person: &Value| without(&Value::from(without(person, "revision")), "updatedAt");
    assert_eq!(shown(&update["person"]), shown(&enter["person"]));
}

#[tokio::test]
async fn a_leave_has_no_other_byte_in_any_format() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    let first = save(office.gateway(), id, &member("red")).await;
    wait_past(office.gateway(), &heads(&[&first])).await;
    let red = office.clerk("red");
    let open = async |format| {
        let mut reader = Reader::open_as(office.gateway(), Some(red.token()), format, &[]).await;
        reader.until("live").await;
        reader
    };
    let mut events = open(ViewFormat::Sse).await;
    let mut cloud_events = open(ViewFormat::CloudEvents).await;
    let authorization = format!("Bearer {}", red.token());
    let headers = [("authorization", authorization.as_str())];
    let (mut text, _) = Listener::open_with(red.gateway.address, "/people", &headers).await;
    let at = save(office.gateway(), id, &member("blue")).await;
    let leave = json!({"type": "leave", "at": at, "id": id, "revision": revision(&at)});
    assert_eq!(events.message().await, leave);
    let cursor = events.last_id.clone().expect("an id");
    assert!(cursor.starts_with(&format!("{at},v:")), "{cursor}");
    assert_eq!(cloud_events.message().await, leave);
    assert_eq!(text.sentence().await, format!("Left person [{id}]"));
}

#[tokio::test]
async fn a_delete_is_told_to_views_that_had_the_person() {
    let office = PolicyGateway::start().await;
    let [own, moved, foreign, last] = &ids(4)[..] else {
        panic!("four ids");
    };
    let gateway = office.gateway();
    for (id, team) in [(own, "red"), (moved, "red"), (foreign, "blue")] {
        save(gateway, id, &member(team)).await;
    }
    let mut red = office.clerk("red").live(&[("from", "snapshot")]).await;
    save(gateway, moved, &member("blue")).await;
    let deleted = delete(gateway, own).await;
    delete(gateway, moved).await;
    delete(gateway, foreign).await;
    save(gateway, last, &member("blue")).await;
    let end = delete(gateway, last).await;
    let told = red.read_past(&heads(&[&end])).await;
    assert_eq!(types(&told), ["leave", "delete"]);
    assert_eq!(told[0]["id"], **moved);
    let expected =
        json!({"type": "delete", "at": deleted, "id": own, "revision": revision(&deleted)});
    assert_eq!(told[1], expected);
}

#[tokio::test]
async fn a_batch_is_judged_by_its_first_and_last_images() {
    let office = PolicyGateway::start().await;
    let people = ids(6);
    let gateway = office.gateway();
    for (id, team) in people.iter().zip(["red", "red", "blue", "red"]) {
        save(gateway, id, &member(team)).await;
    }
    let red = office.clerk("red");
    let view = red.live(&[("from", "snapshot")]).await.view;
    // Red, blue, red: an update. Red, blue: a leave. Blue, red: an enter. Red, blue, nobody: a
    // delete. Nobody, red, nobody: nothing. Nobody, red: a create.
    let mut end = String::new();
    for (person, teams) in [
        (0, &["blue", "red"][..]),
        (1, &["blue"]),
        (2, &["red"]),
        (3, &["blue", ""]),
        (4, &["red", ""]),
        (5, &["blue", "red"]),
    ] {
        for team in teams {
            end = match *team {
                "" => delete(gateway, &people[person]).await,
                team => save(gateway, &people[person], &member(team)).await,
            };
        }
    }
    wait_past(gateway, &heads(&[&end])).await;
    let mut client = red.open(&[("from", &view.cursor())]).await;
    client.view = view.resumed();
    let messages = client.until("live").await;
    assert_eq!(types(&messages), ["batch", "live"]);
    let batch = messages[0]["changes"].as_array().expect("changes");
    let told: Vec<_> = batch
        .iter()
        .map(|change| {
            let id = &change.get("person").unwrap_or(change)["id"];
            (
                change["type"].as_str().expect("a type"),
                id.as_str().expect("an id"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("update", &*people[0]),
            ("leave", &people[1]),
            ("enter", &people[2]),
            ("delete", &people[3]),
            ("create", &people[5]),
        ]
    );
    assert!(!messages[0].to_string().contains(&SALARY.to_string()));
    assert_eq!(
        without(&batch[1], "revision"),
        without(&json!({"type": "leave", "id": people[1]}), "")
    );
    let cursor = messages[0]["cursor"].as_str().expect("a cursor");
    assert!(cursor.contains(",v:"), "{cursor}");
}

/// A person's team at each position of the log, as the test wrote it.
type History = Vec<(u64, String, Option<&'static str>)>;

fn seq(at: &str) -> u64 {
    crate::views::view::seq(revision(at))
}

/// Moves people between the teams, and deletes some. Its writes go on until `done` resolves.
async fn move_people(
    gateway: &Gateway,
    people: &[String],
    seed: u64,
    done: &std::cell::Cell<bool>,
) -> History {
    let (mut history, mut random) = (History::new(), seed);
    while !done.get() {
        // xorshift64: the same order for the same seed.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let id = &people[usize::try_from(random >> 40).expect("24 bits") % people.len()];
        let (at, team) = match random % 5 {
            0 | 3 => (save(gateway, id, &member("red")).await, Some("red")),
            1 | 2 => (save(gateway, id, &member("blue")).await, Some("blue")),
            _ => match crate::views::delete(gateway, id).await {
                Some(at) => (at, None),
                None => continue,
            },
        };
        history.push((seq(&at), id.clone(), team));
    }
    history
}

/// The people of a team after the writes up to a position.
fn team_at(history: &History, team: &str, last: u64) -> Vec<String> {
    let mut teams = BTreeMap::new();
    for (_, id, team) in history.iter().filter(|(seq, ..)| *seq <= last) {
        teams.insert(id.clone(), *team);
    }
    let mut found: Vec<_> = teams
        .into_iter()
        .filter(|(_, own)| *own == Some(team))
        .map(|(id, _)| id)
        .collect();
    found.sort_unstable();
    found
}

/// The view of a red clerk at `live`, and where that is.
async fn snapshot(caller: &TestCaller<'_>) -> (Vec<String>, u64) {
    let client = caller.live(&[("from", "snapshot")]).await;
    let strangers = client.view.people.values();
    for person in strangers {
        assert_eq!(person["attributes"]["team"], "red", "{person}");
        assert!(!person.to_string().contains(&SALARY.to_string()));
    }
    let positions = positions(&client.view.cursor());
    let last = crate::views::view::seq(&positions["0"]);
    (client.view.people.keys().cloned().collect(), last)
}

#[tokio::test]
async fn a_snapshot_is_exact_at_live_while_people_move() {
    const PEOPLE: u32 = 6000;
    const SNAPSHOTS: usize = 12;
    const SNAPSHOTS_MAX: usize = 500;
    let office = PolicyGateway::with(POLICY, &[("live.snapshot_people", "64")]).await;
    let gateway = office.gateway();
    let people = ids(PEOPLE);
    save_big(gateway, &people, 0..1).await;
    // One in a hundred moves, spread over all pages.
    let moving: Vec<String> = people.iter().step_by(100).cloned().collect();
    let (red, done) = (office.clerk("red"), std::cell::Cell::new(false));
    let reading = async {
        let mut snapshots = vec![snapshot(&red).await];
        let mut has_moved = false;
        // A fast machine reads them all before a move that concerns the view.
        while snapshots.len() < SNAPSHOTS || (!has_moved && snapshots.len() < SNAPSHOTS_MAX) {
            snapshots.push(snapshot(&red).await);
            has_moved |= snapshots.last().map(|(view, _)| view) != Some(&snapshots[0].0);
        }
        done.set(true);
        snapshots
    };
    let (halves, all) = (moving.split_at(moving.len() / 2), reading);
    let (one, other, snapshots) = tokio::join!(
        move_people(gateway, halves.0, 0x9e37_79b9_7f4a_7c15, &done),
        move_people(gateway, halves.1, 0xd1b5_4a32_d192_ed03, &done),
        all
    );
    let mut history = [one, other].concat();
    history.sort_unstable();
    let mut views = Vec::new();
    for (view, last) in snapshots {
        assert_eq!(view, team_at(&history, "red", last), "at {last}");
        views.push(view);
    }
    views.dedup();
    assert!(views.len() > 1, "nobody moved meanwhile");
}

#[tokio::test]
async fn a_view_stays_exact_while_people_move() {
    let settings = [("live.messages_per_second", "10000")];
    let office = PolicyGateway::with(POLICY, &settings).await;
    let gateway = office.gateway();
    let people = ids(12);
    let red = office.clerk("red");
    let condition = [
        ("from", "snapshot"),
        ("where", "attributes.address.city == \"Oslo\""),
    ];
    let mut client = red.live(&condition).await;
    let mut told = Vec::new();
    for round in 0..200_usize {
        let id = &people[round * 5 % people.len()];
        let turn = round + round / people.len();
        let mut saved = member(["red", "blue", "red"][turn % 3]);
        if turn % 4 == 3 {
            saved["attributes"]["address"]["city"] = json!("Bergen");
        }
        let mut end = save(gateway, id, &saved).await;
        if round % 11 == 10 {
            end = delete(gateway, id).await;
        }
        told.extend(client.read_past(&heads(&[&end])).await);
    }
    for kind in ["enter", "leave", "update", "create", "delete"] {
        assert!(types(&told).contains(&kind), "{kind}");
    }
    let listed = red.list(&path("/people", &condition[1..])).await;
    let view: Vec<&Value> = client.view.people.values().collect();
    assert_eq!(view, listed.iter().collect::<Vec<_>>());
    let own = office.admin().list(&path("/people", &condition[1..])).await;
    assert!(own.len() > listed.len(), "others have people there, too");
}

#[tokio::test]
async fn only_a_change_that_is_shown_ends_a_stream_of_one_change() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let people = ids(2);
    let mut red = office.clerk("red").live(&[("close_on", "save")]).await;
    save(gateway, &people[0], &member("blue")).await;
    let at = save(gateway, &people[1], &member("red")).await;
    assert_eq!(red.message().await["at"], json!(at));
    assert_eq!(red.end().await, End::Closed(1000, String::new()));
}

#[tokio::test]
async fn a_role_without_watch_or_with_nobody_has_no_stream_of_others() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    save(gateway, &ids(1)[0], &person("Ada")).await;
    let archivist = office.caller(&json!({"role": "archivist"}));
    let refused = archivist.get("/updates").await;
    assert_eq!(refused.problem(403, "forbidden")["verb"], "watch");
    let green = office.clerk("green");
    let mut client = green.open(&[("from", "snapshot")]).await;
    let start = client.until("live").await;
    assert_eq!(types(&start), ["snapshot", "live"]);
    assert_eq!(start[0]["people"], json!([]));
}
