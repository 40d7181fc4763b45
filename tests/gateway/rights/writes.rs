//! Writes: judged before and after, and what a caller does not see survives them.

use serde_json::{Value, json};

use super::{
    PolicyGateway, SALARY, SHOWN_TO_GUESTS, TestCaller, member, person_path, seen_attributes,
    without, written,
};
use crate::UNUSED_ID;
use crate::live::ids;
use crate::views::{Client, WriteHeads, save};
use people_testing::http::Answer;
use people_testing::process::person;

/// A body of a team.
fn body(team: &str) -> Value {
    let mut grace = person("Grace");
    grace["attributes"] = json!({"team": team});
    grace
}

/// The problem and the verb of a refused write.
#[track_caller]
fn assert_forbidden(answer: &Answer, verb: &str) {
    let problem = answer.problem(403, "forbidden");
    assert_eq!(problem["verb"], verb, "{problem}");
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer error="insufficient_scope""#));
}

/// All people, and where the log ends.
async fn state(office: &PolicyGateway) -> (Vec<Value>, String) {
    let people = office.admin().list("/people").await;
    let mut heads = WriteHeads::default();
    for person in &people {
        heads.add(&format!("0:{}", person["revision"].as_str().expect("text")));
    }
    let mut client = Client::live(office.gateway(), &[]).await;
    client.read_past(&heads).await;
    (people, client.view.cursor())
}

#[tokio::test]
async fn writes_beyond_the_rules_are_refused_and_change_neither_people_nor_log() {
    let office = PolicyGateway::start().await;
    let [red_id, blue_id, locked_id] = &ids(3)[..] else {
        panic!("three ids");
    };
    save(office.gateway(), red_id, &member("red")).await;
    save(office.gateway(), blue_id, &member("blue")).await;
    let mut locked = member("red");
    locked["attributes"]["locked"] = json!(true);
    save(office.gateway(), locked_id, &locked).await;
    let before = state(&office).await;
    let red = office.clerk("red");
    let lead = office.caller(&json!({"role": "lead", "team": "red", "teams": ["red", "blue"]}));
    let to_blue = json!({"attributes": {"team": "blue"}});
    let to_red = json!({"attributes": {"team": "red"}});
    let no_team = json!({"attributes": null});
    for (caller, method, id, body, verb) in [
        // Out of the rule.
        (&red, "PUT", red_id, &body("blue"), Some("update")),
        (&red, "PATCH", red_id, &to_blue, Some("update")),
        (&red, "PATCH", red_id, &no_team, Some("update")),
        // Into it from outside.
        (&red, "PUT", blue_id, &body("red"), None),
        (&red, "PATCH", blue_id, &to_red, None),
        (&red, "DELETE", blue_id, &Value::Null, None),
        // Seen, and not to be saved: as it is, or as it would be.
        (&lead, "PUT", blue_id, &body("red"), Some("update")),
        (&lead, "PATCH", blue_id, &json!({"age": 3}), Some("update")),
        (&lead, "PATCH", red_id, &to_blue, Some("update")),
        (&lead, "DELETE", blue_id, &Value::Null, Some("delete")),
        // Locked against deletion.
        (&red, "DELETE", locked_id, &Value::Null, Some("delete")),
    ] {
        let answer = caller.edit(method, id, body).await;
        match verb {
            Some(verb) => assert_forbidden(&answer, verb),
            None => drop(answer.problem(404, "not-found")),
        }
        assert_eq!(answer.header("etag"), None);
        assert!(!answer.body.contains(&SALARY.to_string()));
    }
    let post = red
        .call("POST", "/people", &[], &body("blue").to_string())
        .await;
    assert_forbidden(&post, "create");
    let put = [("if-none-match", "*")];
    let put = red
        .call(
            "PUT",
            &person_path(UNUSED_ID),
            &put,
            &body("blue").to_string(),
        )
        .await;
    assert_forbidden(&put, "create");
    let with_key = [("idempotency-key", "k")];
    let refused = red
        .call("POST", "/people", &with_key, &body("blue").to_string())
        .await;
    assert_forbidden(&refused, "create");
    assert_eq!(state(&office).await, before);
    // 404 comes before 412, and 403 too.
    let tag = [("if-match", "\"a.1.b\"")];
    let path = person_path(locked_id);
    assert_forbidden(&red.call("DELETE", &path, &tag, "").await, "delete");
}

#[tokio::test]
async fn writes_within_the_rules_succeed() {
    let office = PolicyGateway::start().await;
    let red = office.clerk("red");
    let created = red
        .call("POST", "/people", &[], &body("red").to_string())
        .await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let patched = red.edit("PATCH", &id, &json!({"age": 7})).await;
    assert_eq!((patched.status, &patched.json()["age"]), (200, &json!(7)));
    let revision = patched.header("etag").expect("a tag").to_owned();
    let tag = [("if-match", revision.as_str())];
    let put = red
        .call("PUT", &person_path(&id), &tag, &body("red").to_string())
        .await;
    assert_eq!(put.status, 200);
    let stale = red.call("DELETE", &person_path(&id), &tag, "").await;
    stale.problem(412, "precondition");
    assert_eq!(red.edit("DELETE", &id, &Value::Null).await.status, 204);
    let lead = office.caller(&json!({"role": "lead", "team": "red", "teams": ["blue"]}));
    let posted = lead
        .call("POST", "/people", &[], &body("red").to_string())
        .await;
    assert_eq!(posted.status, 201, "a role may save beyond what it sees");
}

/// An assistant, and a person that it sees a part of.
async fn masked(office: &PolicyGateway) -> (TestCaller<'_>, String) {
    let id = ids(1).remove(0);
    save(office.gateway(), &id, &member("red")).await;
    (office.caller(&json!({"role": "assistant"})), id)
}

async fn attributes(office: &PolicyGateway, id: &str) -> Value {
    office.admin().get(&person_path(id)).await.json()["attributes"].clone()
}

#[tokio::test]
async fn hidden_values_survive_a_put_and_a_patch_and_no_answer_has_them() {
    let office = PolicyGateway::start().await;
    let (assistant, id) = masked(&office).await;
    let street = json!({"street": format!("Street {SALARY}")});
    let seen = assistant.get(&person_path(&id)).await.json();
    assert_eq!(seen["attributes"], seen_attributes("red"));
    // What was read may be sent back as it is.
    let back = assistant.edit("PUT", &id, &seen).await;
    let expected = without(&seen, "revision");
    assert_eq!(
        without(&Value::from(without(&back.json(), "revision")), "updatedAt"),
        {
            let mut expected = expected;
            expected.remove("updatedAt");
            expected
        }
    );
    assert_eq!(attributes(&office, &id).await, member("red")["attributes"]);
    let put = assistant.edit("PUT", &id, &body("blue")).await;
    assert_eq!(
        (put.status, &put.json()["attributes"]),
        (200, &json!({"team": "blue"}))
    );
    let kept = json!({"team": "blue", "salary": SALARY, "address": street});
    assert_eq!(attributes(&office, &id).await, kept);
    let merged = json!({"attributes": {"address": {"city": "Bergen"}, "team": null}});
    let patched = assistant.edit("PATCH", &id, &merged).await.json();
    assert_eq!(
        patched["attributes"],
        json!({"address": {"city": "Bergen"}})
    );
    let kept = json!({
        "salary": SALARY,
        "address": {"city": "Bergen", "street": format!("Street {SALARY}")},
    });
    assert_eq!(attributes(&office, &id).await, kept);
    let removed = assistant
        .edit("PATCH", &id, &json!({"attributes": null}))
        .await;
    assert_eq!(
        (removed.status, removed.json().get("attributes")),
        (200, None)
    );
    let kept = json!({"salary": SALARY, "address": street});
    assert_eq!(attributes(&office, &id).await, kept);
}

#[tokio::test]
async fn a_body_that_names_a_hidden_path_is_refused_with_its_pointer() {
    let office = PolicyGateway::start().await;
    let (assistant, id) = masked(&office).await;
    let before = state(&office).await;
    let salary = "/attributes/salary";
    let street = "/attributes/address/street";
    let address = "/attributes/address";
    for (attributes, pointers) in [
        (json!({"salary": 1}), &[salary][..]),
        (json!({"salary": SALARY}), &[salary]),
        (json!({"salary": null}), &[salary]),
        (json!({"salary": {"a": 1}}), &[salary]),
        (
            json!({"address": {"street": "x", "city": "y"}, "salary": 1}),
            &[street, salary],
        ),
        (json!({"address": "x"}), &[address]),
        (json!({"address": ["x"]}), &[address]),
    ] {
        let patch = json!({"attributes": attributes});
        let mut put = body("red");
        put["attributes"] = attributes;
        for (method, body) in [("PATCH", &patch), ("PUT", &put)] {
            let problem = assistant.edit(method, &id, body).await;
            let problem = problem.problem(422, "validation");
            let errors = problem["errors"].as_array().expect("errors");
            let mut found: Vec<&str> = errors
                .iter()
                .map(|error| error["pointer"].as_str().expect("a pointer"))
                .collect();
            found.sort_unstable();
            assert_eq!(found, pointers, "{method} {body}");
        }
        let post = assistant
            .call("POST", "/people", &[], &put.to_string())
            .await;
        post.problem(422, "validation");
    }
    assert_eq!(state(&office).await, before);
    // A person without a hidden value is answered alike: nothing tells whether there is one.
    let plain = &ids(2)[1];
    save(office.gateway(), plain, &body("red")).await;
    for attributes in [json!({"salary": 1}), json!({"address": "x"})] {
        let patch = json!({"attributes": attributes});
        let ask = async |id: &str| {
            let answer = assistant.edit("PATCH", id, &patch).await;
            without(&answer.problem(422, "validation"), "instance")
        };
        assert_eq!(ask(&id).await, ask(plain).await, "{patch}");
    }
}

#[tokio::test]
async fn a_person_is_not_created_without_a_hidden_field_that_it_needs() {
    let office = PolicyGateway::start().await;
    let guest = office.caller(&json!({"role": "guest"}));
    let before = state(&office).await;
    let short = json!({"firstName": "Grace", "attributes": {"city": "Oslo"}}).to_string();
    let headers = [("if-none-match", "*")];
    for answer in [
        guest.call("POST", "/people", &[], &short).await,
        guest
            .call("PUT", &person_path(UNUSED_ID), &headers, &short)
            .await,
    ] {
        assert_forbidden(&answer, "create");
    }
    let whole = guest
        .call("POST", "/people", &[], &person("Grace").to_string())
        .await;
    let errors = whole.problem(422, "validation")["errors"].clone();
    let pointers: Vec<&Value> = errors
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(pointers.len(), 3, "{errors}");
    assert_eq!(state(&office).await, before);
    // An update needs only what is seen.
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let put = guest.call("PUT", &person_path(id), &[], &short).await;
    let shown: Vec<String> = put
        .json()
        .as_object()
        .expect("a person")
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        (put.status, shown),
        (200, SHOWN_TO_GUESTS.map(str::to_owned).to_vec())
    );
    let saved = office.admin().get(&person_path(id)).await.json();
    assert_eq!(
        (&saved["lastName"], &saved["age"]),
        (&json!("Lovelace"), &json!(36))
    );
    assert_eq!(saved["attributes"]["salary"], json!(SALARY));
    assert_eq!(saved["attributes"]["city"], "Oslo");
}

#[tokio::test]
async fn kept_values_are_neither_changed_nor_removed_nor_brought() {
    let office = PolicyGateway::start().await;
    let keeper = office.caller(&json!({"role": "keeper"}));
    let id = &ids(1)[0];
    let at = save(office.gateway(), id, &member("red")).await;
    let before = state(&office).await;
    for patch in [
        json!({"attributes": {"team": "blue"}}),
        json!({"attributes": {"team": null}}),
        json!({"attributes": null}),
        json!({"attributes": {"team": ["red"]}}),
        json!({"job": "x"}),
    ] {
        assert_forbidden(&keeper.edit("PATCH", id, &patch).await, "update");
    }
    let mut put = person("Ada");
    assert_forbidden(&keeper.edit("PUT", id, &put).await, "update");
    for body in [body("red"), body("")] {
        let post = keeper.call("POST", "/people", &[], &body.to_string()).await;
        assert_forbidden(&post, "create");
    }
    assert_eq!(state(&office).await, before);
    put["attributes"] = json!({"team": "red", "other": 1});
    put["age"] = json!(40);
    let saved = keeper.edit("PUT", id, &put).await;
    assert_eq!(saved.status, 200);
    assert_ne!(written(&saved), at);
    let patched = keeper
        .edit("PATCH", id, &json!({"attributes": {"team": "red"}}))
        .await;
    assert_eq!(patched.status, 200, "the same value is no change");
    let created = keeper
        .call("POST", "/people", &[], &person("Grace").to_string())
        .await;
    assert_eq!(
        created.status, 201,
        "a field that everyone has may be brought"
    );
}
