//! Parts that a caller asks for, of those that it may see.

use serde_json::{Value, json};

use crate::live::ids;
use crate::rights::{PolicyGateway, clerk, member, person_path, seen_attributes};
use crate::views::{members, path, save, types};

#[tokio::test]
async fn what_is_hidden_cannot_be_asked_for() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let red = office.clerk("red");
    for endpoint in [person_path(id).as_str(), "/people", "/updates"] {
        for fields in ["job,attributes.salary", "attributes.address.street.x"] {
            let answer = red.get(&path(endpoint, &[("fields", fields)])).await;
            assert_eq!(answer.status, 403, "{endpoint} {fields}: {answer:?}");
        }
    }
    // A guest is shown two paths only.
    let guest = office.caller(&json!({"role": "guest"}));
    let one = |fields| path(&person_path(id), &[("fields", fields)]);
    assert_eq!(guest.get(&one("age")).await.status, 403);
    let shown = guest.get(&one("firstName")).await.json();
    assert_eq!(members(&shown), ["id", "firstName", "revision"]);
}

#[tokio::test]
async fn the_hidden_part_of_what_is_asked_for_is_left_out() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let red = office.clerk("red");
    let one = path(&person_path(id), &[("fields", "attributes")]);
    let shown = red.get(&one).await.json();
    assert_eq!(shown["attributes"], seen_attributes("red"));
    // What is hidden stays forbidden in a filter; what is not asked for may stand there.
    let asks = |filter| path("/people", &[("where", filter), ("fields", "job")]);
    assert_eq!(red.get(&asks("attributes.salary > 1")).await.status, 403);
    assert_eq!(red.list(&asks("attributes.team == \"red\"")).await.len(), 1);
}

#[tokio::test]
async fn a_new_token_keeps_what_is_asked_for() {
    let office = PolicyGateway::start().await;
    for (id, team) in ids(2).iter().zip(["red", "blue"]) {
        save(office.gateway(), id, &member(team)).await;
    }
    let asked = [("from", "snapshot"), ("fields", "attributes.team")];
    let mut client = office.clerk("red").live(&asked).await;
    for (team, follows) in [
        ("red", &["token"][..]),
        ("blue", &["token", "reset", "snapshot"]),
    ] {
        let token = office.token(&clerk(team));
        client
            .send(json!({"type": "token", "token": token, "ref": "r"}))
            .await;
        let mut messages = client.until("token").await;
        if follows.len() > 1 {
            messages.extend(client.until("live").await);
        }
        let kinds = types(&messages);
        assert!(kinds.starts_with(follows), "{kinds:?}");
        for person in client.view.people.values() {
            assert_eq!(members(person), ["id", "attributes", "revision"]);
            assert_eq!(person["attributes"], json!({"team": team}));
        }
        assert_eq!(client.view.people.len(), 1);
    }
    // Rights that hide what was asked for do not take its place.
    let token = office.token(&json!({"role": "guest"}));
    let message = json!({"type": "token", "token": token, "ref": "r"});
    client.send(message).await;
    let refused: Value = client.until("error").await.pop().expect("an answer");
    assert_eq!(refused["problem"]["status"], 403, "{refused}");
}
