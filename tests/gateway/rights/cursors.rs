//! Cursors: they know the rights under which they were made.

use serde_json::{Value, json};

use super::{POLICY, PolicyGateway, TestCaller, clerk, member, token};
use crate::auth::TestFile;
use crate::live::ids;
use crate::live::websocket::peer::{Peer, handshake};
use crate::scale_out::fleet::Fleet;
use crate::views::reader::{Reader, ViewFormat};
use crate::views::view::View;
use crate::views::{WriteHeads, path, save, types, wait_past};
use people_testing::issuer::{Issuer, key_set};

/// Starts a stream at a cursor, and reads up to `live`.
async fn resumed(caller: &TestCaller<'_>, cursor: &str) -> Vec<Value> {
    caller.open(&[("from", cursor)]).await.until("live").await
}

/// Asserts that the start is a reset for other rights, then a snapshot of these people.
#[track_caller]
fn assert_reset(start: &[Value], own: &[&String]) {
    assert_eq!(start[0], json!({"type": "reset", "reason": "rights"}));
    let [_, pages @ .., live] = start else {
        panic!("too short: {start:?}");
    };
    assert_eq!(live["type"], "live");
    let mut people = Vec::new();
    for page in pages {
        people.extend(super::ids_of(page["people"].as_array().expect("a page")));
    }
    people.sort_unstable();
    assert_eq!(people, own);
}

/// The rights that a cursor names.
fn rights(cursor: &str) -> Option<&str> {
    cursor.split(',').find_map(|part| part.strip_prefix("v:"))
}

#[tokio::test]
async fn a_cursor_of_other_rights_begins_anew_and_one_of_equal_rights_goes_on() {
    let issuer = Issuer::new("HS256");
    let keys = TestFile::new("keys", &key_set(&[issuer.jwk()]));
    let policy = TestFile::new("policy.toml", POLICY);
    let settings = [
        ("auth.mode", "jwt"),
        ("auth.keys", keys.text()),
        ("auth.policy", policy.text()),
    ];
    let mut fleet = Fleet::start(2, 4, &settings).await;
    let admin_token = token(&issuer, &json!({"role": "admin"}));
    for gateway in &mut fleet.gateways {
        gateway.token = Some(admin_token.clone());
    }
    let [first, second] = &fleet.gateways[..] else {
        panic!("two gateways");
    };
    let caller = |gateway, claims: &Value| TestCaller {
        gateway,
        token: Some(token(&issuer, claims)),
    };
    let (red, red_elsewhere) = (caller(first, &clerk("red")), caller(second, &clerk("red")));
    let blue = caller(second, &clerk("blue"));
    let admin = caller(second, &json!({"role": "admin"}));
    let people = ids(2);
    save(first, &people[0], &member("red")).await;
    save(first, &people[1], &member("blue")).await;
    let red_cursor = red.live(&[]).await.view.cursor();
    let admin_cursor = caller(first, &json!({"role": "admin"})).live(&[]).await;
    let admin_cursor = admin_cursor.view.cursor();
    let fingerprint = rights(&red_cursor).expect("restricted rights");
    let is_digit = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
    assert!(
        fingerprint.len() == 16 && fingerprint.chars().all(is_digit),
        "{fingerprint}"
    );
    assert_eq!(rights(&admin_cursor), None);
    let mut heads = WriteHeads::default();
    heads.add(&save(first, &people[0], &member("red")).await);
    wait_past(second, &heads).await;

    let goes_on = resumed(&red_elsewhere, &red_cursor).await;
    assert_eq!(types(&goes_on), ["batch", "live"]);
    let (own, other) = ([&people[0]], [&people[1]]);
    assert_reset(&resumed(&blue, &red_cursor).await, &other);
    assert_reset(&resumed(&red_elsewhere, &admin_cursor).await, &own);
    assert_reset(
        &resumed(&admin, &red_cursor).await,
        &[&people[0], &people[1]],
    );
    let without = admin_cursor.clone();
    assert_reset(&resumed(&red, &without).await, &own);
    let altered = red_cursor.replace(fingerprint, "0123456789abcdef");
    assert_reset(&resumed(&red, &altered).await, &own);
}

#[tokio::test]
async fn the_rights_in_a_cursor_stand_anywhere_and_once() {
    let office = PolicyGateway::start().await;
    let red = office.clerk("red");
    let cursor = red.live(&[]).await.view.cursor();
    let (positions, fingerprint) = cursor.split_once(",v:").expect("rights");
    let turned = format!("v:{fingerprint},{positions}");
    assert_eq!(types(&resumed(&red, &turned).await), ["live"]);
    for wrong in [
        format!("{cursor},v:{fingerprint}"),
        format!("{positions},v:{}", &fingerprint[1..]),
        format!("{positions},v:{fingerprint}0"),
        format!("{positions},v:{}", "A".repeat(16)),
        format!("{positions},v:"),
        format!("{positions},V:{fingerprint}"),
        format!("v:{fingerprint}"),
    ] {
        let refused = red.get(&path("/updates", &[("from", &wrong)])).await;
        refused.problem(400, "cursor");
    }
}

#[tokio::test]
async fn each_cursor_that_a_restricted_caller_is_told_names_its_rights() {
    let office = PolicyGateway::with(POLICY, &[("live.position_interval_ms", "50")]).await;
    let gateway = office.gateway();
    let red = office.clerk("red");
    let mut client = red.open(&[("from", "snapshot")]).await;
    let mut told = client.until("live").await;
    client.send(json!({"type": "ping"})).await;
    told.extend(client.until("pong").await);
    save(gateway, &ids(1)[0], &member("blue")).await;
    told.extend(client.until("position").await);
    client
        .send(json!({"type": "filter", "where": "age > 3"}))
        .await;
    told.extend(client.until("filtered").await);
    let view = client.view.clone();
    drop(client);
    let at = save(gateway, &ids(1)[0], &member("red")).await;
    assert_eq!(rights(&at), None, "a position of a write has none");
    let mut heads = WriteHeads::default();
    heads.add(&at);
    wait_past(gateway, &heads).await;
    told.extend(resumed(&red, &view.cursor()).await);
    let cursors: Vec<(&str, &str)> = told
        .iter()
        .filter_map(|message| Some((message["type"].as_str()?, message.get("cursor")?.as_str()?)))
        .collect();
    for kind in ["live", "pong", "position", "filtered", "batch"] {
        assert!(
            cursors.iter().any(|(found, _)| *found == kind),
            "{kind}: {cursors:?}"
        );
    }
    let own = rights(cursors[0].1);
    assert!(own.is_some() && cursors.iter().all(|(_, cursor)| rights(cursor) == own));
    for (role, is_restricted) in [("assistant", true), ("admin", false), ("keeper", false)] {
        let caller = office.caller(&json!({"role": role}));
        if role == "keeper" {
            continue;
        }
        let cursor = caller.live(&[]).await.view.cursor();
        assert_eq!(rights(&cursor).is_some(), is_restricted, "{role}: {cursor}");
    }
}

#[tokio::test]
async fn each_format_says_that_the_rights_are_other_ones() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let mut heads = WriteHeads::default();
    heads.add(&save(gateway, &ids(1)[0], &member("red")).await);
    heads.add(&save(gateway, &ids(2)[1], &member("blue")).await);
    wait_past(gateway, &heads).await;
    let (red, blue) = (office.clerk("red"), office.clerk("blue"));
    let cursor = red.live(&[]).await.view.cursor();
    let twice = format!("{cursor},v:0123456789abcdef");
    for (format, parameter, from, reason) in [
        (ViewFormat::CloudEvents, "from", &cursor, "rights"),
        (ViewFormat::Sse, "from", &cursor, "rights"),
        (ViewFormat::Sse, "lastEventId", &cursor, "rights"),
        (ViewFormat::Sse, "lastEventId", &twice, "unknown"),
    ] {
        let parameters = [(parameter, from.as_str())];
        let mut reader = Reader::open_as(gateway, Some(blue.token()), format, &parameters).await;
        let start = reader.until("live").await;
        assert_eq!(types(&start), ["reset", "snapshot", "live"], "{format:?}");
        assert_eq!(start[0]["reason"], reason, "{format:?} {parameter}");
        assert_eq!(start[1]["people"].as_array().map(Vec::len), Some(1));
        assert_eq!(start[1]["people"][0]["attributes"]["team"], "blue");
    }
    // An event source sends a header.
    for (caller, is_reset) in [(&red, false), (&blue, true)] {
        let mut peer = Peer::connect(gateway.address).await;
        let get = format!(
            "GET /updates HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Last-Event-ID: {cursor}\r\n\r\n",
            caller.token()
        );
        peer.send(get.as_bytes()).await;
        assert_eq!(peer.head().await.0, 200);
        let event = loop {
            let event = peer.paragraph().await.expect("an event");
            if event.contains("event:") {
                break event;
            }
        };
        assert_eq!(
            event.contains(r#"{"type":"reset","reason":"rights"}"#),
            is_reset,
            "{event}"
        );
        assert_eq!(event.contains("event: live"), !is_reset, "{event}");
    }
    let refused = blue.get(&path("/updates", &[("from", &twice)])).await;
    refused.problem(400, "cursor");
    // Text has no reset.
    for (caller, status) in [(&red, 101), (&blue, 410)] {
        let mut peer = Peer::connect(gateway.address).await;
        let authorization = format!("Bearer {}", caller.token());
        let path = path("/people", &[("from", &cursor)]);
        let handshake = handshake(&path, &[("Authorization", &authorization)]);
        peer.send(handshake.as_bytes()).await;
        if status == 101 {
            peer.expect_upgrade().await;
            continue;
        }
        let refusal = peer.refusal().await;
        assert_eq!(refusal.status, status);
        assert_eq!(refusal.problem["type"], "/problems/cursor");
        assert_eq!(refusal.problem["reason"], "rights");
    }
}

#[tokio::test]
async fn a_cursor_is_advanced_by_the_positions_of_changes() {
    let office = PolicyGateway::with(POLICY, &[("store.partitions", "4")]).await;
    let gateway = office.gateway();
    let red = office.clerk("red");
    let mut client = red.live(&[("from", "snapshot")]).await;
    for id in &ids(8) {
        save(gateway, id, &member("red")).await;
        client.message().await;
    }
    let view = client.view.clone();
    drop(client);
    let mut again = red.open(&[("from", &view.cursor())]).await;
    again.view = view.resumed();
    assert_eq!(types(&again.until("live").await), ["live"]);
    assert_eq!(again.view.people.len(), 8);
}

/// The policy with one text replaced.
fn changed(old: &str, new: &str) -> String {
    assert!(POLICY.contains(old), "{old}");
    POLICY.replacen(old, new, 1)
}

#[tokio::test]
async fn a_changed_policy_resets_the_views_that_it_concerns() {
    let mut office = PolicyGateway::start().await;
    let lead = json!({"role": "lead", "team": "red", "teams": ["red"]});
    let assistant = json!({"role": "assistant"});
    let roles = [clerk("red"), lead, assistant, json!({"role": "admin"})];
    save(office.gateway(), &ids(1)[0], &member("red")).await;
    let mut cursors = Vec::new();
    for claims in &roles {
        let client = office.caller(claims).live(&[("from", "snapshot")]).await;
        cursors.push(client.view.cursor());
    }
    let clerk_rule = "where = 'attributes.team == claims.team'\ndelete";
    let hidden = "hide = [\"attributes.salary\", \"attributes.address.street\"]\n\n[[role]]\n\
                  name = \"guest\"";
    for (policy, resets) in [
        // What is only written by does not change what is seen.
        (
            changed("!(attributes.locked == true)", "age > 3"),
            [false; 4],
        ),
        (
            changed(clerk_rule, "where = 'age > 3'\ndelete"),
            [true, false, false, false],
        ),
        (
            changed(hidden, &hidden.replace("attributes.salary", "job")),
            [false, false, true, false],
        ),
        (POLICY.to_owned(), [false; 4]),
    ] {
        std::fs::write(&office.policy.path, &policy).expect("the file");
        office.guarded.gateway.kill9();
        office.guarded.gateway.restart().await;
        office.gateway().wait_ready().await;
        for ((claims, cursor), is_reset) in roles.iter().zip(&cursors).zip(resets) {
            let start = resumed(&office.caller(claims), cursor).await;
            let expected: &[&str] = if is_reset {
                &["reset", "snapshot", "live"]
            } else {
                &["live"]
            };
            assert_eq!(types(&start), expected, "{claims}");
            if is_reset {
                assert_eq!(start[0]["reason"], "rights");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_of_restricted_rights_begins_anew_without_authentication() {
    let gateway = people_testing::process::Gateway::ready(&[]).await;
    let stranger = TestCaller {
        gateway: &gateway,
        token: None,
    };
    let id = &ids(1)[0];
    save(&gateway, id, &member("red")).await;
    let view: View = stranger.live(&[]).await.view;
    let cursor = format!("{},v:0123456789abcdef", view.cursor());
    assert_reset(&resumed(&stranger, &cursor).await, &[id]);
}
