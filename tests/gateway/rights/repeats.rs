//! Imports line by line, repeats with an idempotency key, and writers that may not read.

use serde_json::{Value, json};

use super::{PolicyGateway, SALARY, TestCaller, member, person_path, seen_attributes, written};
use crate::live::ids;
use crate::views::save;
use people_testing::http::Answer;
use people_testing::process::person;

/// A line of an import.
fn line(id: &str, team: &str) -> String {
    let mut grace = person("Grace");
    grace["id"] = json!(id);
    grace["attributes"] = json!({"team": team});
    format!("{grace}\n")
}

/// The problems of the refused lines by number, and the totals.
fn report(answer: &Answer) -> (Vec<(u64, Value)>, Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut lines: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let totals = lines.pop().expect("the totals");
    let refused = lines.into_iter().map(|line| {
        (
            line["line"].as_u64().expect("a number"),
            line["problem"].clone(),
        )
    });
    (refused.collect(), totals)
}

#[tokio::test]
async fn an_import_is_judged_line_by_line() {
    let office = PolicyGateway::start().await;
    let [own, foreign, free, locked] = &ids(4)[..] else {
        panic!("four ids");
    };
    save(office.gateway(), own, &member("red")).await;
    save(office.gateway(), foreign, &member("blue")).await;
    let hidden = json!({
        "firstName": "A", "lastName": "B", "age": 1, "job": "",
        "attributes": {"team": "red", "salary": 1},
    });
    let lines = [
        line(own, "red"),
        line(foreign, "red"),
        line(free, "blue"),
        line(own, "blue"),
        format!("{hidden}\n"),
        line(locked, "red"),
    ];
    let answer = office
        .clerk("red")
        .call("POST", "/people/import", &[], &lines.concat())
        .await;
    let (refused, totals) = report(&answer);
    assert_eq!(totals, json!({"saved": 2, "refused": 4, "lines": 6}));
    let told: Vec<_> = refused
        .iter()
        .map(|(line, problem)| (*line, &problem["type"], problem.get("verb")))
        .collect();
    let (create, update) = (json!("create"), json!("update"));
    let (forbidden, validation) = (json!("/problems/forbidden"), json!("/problems/validation"));
    assert_eq!(
        told,
        [
            (2, &forbidden, Some(&create)),
            (3, &forbidden, Some(&create)),
            (4, &forbidden, Some(&update)),
            (5, &validation, None),
        ]
    );
    assert_eq!(refused[3].1["errors"][0]["pointer"], "/attributes/salary");
    assert!(!answer.body.contains(&SALARY.to_string()));
    // The words for a taken id are those for a person outside of the rule.
    let [taken, outside] = [0, 1].map(|index: usize| &refused[index].1["detail"]);
    assert_eq!(taken, outside);
    let admin = office.admin();
    let attributes =
        async |id: &str| admin.get(&person_path(id)).await.json()["attributes"].clone();
    assert_eq!(attributes(foreign).await, member("blue")["attributes"]);
    let kept = json!({
        "team": "red", "salary": SALARY, "address": {"street": format!("Street {SALARY}")},
    });
    assert_eq!(attributes(own).await, kept);
    admin
        .get(&person_path(free))
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn a_line_keeps_what_only_others_change() {
    let office = PolicyGateway::start().await;
    let [known, free] = &ids(2)[..] else {
        panic!("two ids");
    };
    save(office.gateway(), known, &member("red")).await;
    let keeper = office.caller(&json!({"role": "keeper"}));
    let lines = [line(known, "red"), line(known, "blue"), line(free, "red")].concat();
    let (refused, _) = report(&keeper.call("POST", "/people/import", &[], &lines).await);
    let told: Vec<_> = refused
        .iter()
        .map(|(line, problem)| (*line, problem["verb"].as_str().expect("a verb")))
        .collect();
    assert_eq!(told, [(2, "update"), (3, "create")]);
    let saved = office.admin().get(&person_path(known)).await.json();
    assert_eq!(saved["attributes"]["team"], "red");
}

#[tokio::test]
async fn a_line_needs_the_verb_of_what_it_does() {
    let policy = r#"
        [[role]]
        name = "admin"
        can = ["read", "watch", "save", "delete", "import"]
        [[role]]
        name = "creator"
        can = ["create", "import"]
        [[role]]
        name = "updater"
        can = ["update", "import"]
        [[role]]
        name = "importer"
        can = ["import"]
    "#;
    let office = PolicyGateway::with(policy, &[]).await;
    let [known, free] = &ids(2)[..] else {
        panic!("two ids");
    };
    save(office.gateway(), known, &member("red")).await;
    for (role, refused_lines) in [
        ("updater", &[(2, "create")][..]),
        ("importer", &[(1, "update"), (2, "create")]),
        ("creator", &[(1, "update")]),
    ] {
        let caller = office.caller(&json!({"role": role}));
        let lines = [line(known, "red"), line(free, "red")].concat();
        let (refused, _) = report(&caller.call("POST", "/people/import", &[], &lines).await);
        let told: Vec<_> = refused
            .iter()
            .map(|(line, problem)| (*line, problem["verb"].as_str().expect("a verb")))
            .collect();
        assert_eq!(told, refused_lines, "{role}");
    }
    let clerk = office.caller(&json!({"role": "stranger"}));
    let refused = clerk
        .call("POST", "/people/import", &[], &line(free, "red"))
        .await;
    refused.problem(403, "forbidden");
}

/// A save with the key `k`.
async fn keyed(caller: &TestCaller<'_>, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("idempotency-key", "k")];
    caller.call(method, path, &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_replay_is_masked_by_the_rights_of_today_and_needs_the_verb() {
    let office = PolicyGateway::start().await;
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let (admin, one) = (office.admin(), person_path(id));
    let patch = json!({"age": 50});
    let first = keyed(&admin, "PATCH", &one, &patch).await;
    assert_eq!(first.json()["attributes"]["salary"], SALARY);
    let replayed = |answer: &Answer| answer.header("idempotency-replayed") == Some("true");
    assert!(!replayed(&first));
    // The same holder, under other rights.
    let clerk = keyed(&office.clerk("red"), "PATCH", &one, &patch).await;
    assert!(replayed(&clerk), "{clerk:?}");
    assert_eq!(clerk.json()["attributes"], seen_attributes("red"));
    assert_eq!(written(&clerk), written(&first));
    assert!(!clerk.body.contains(&SALARY.to_string()));
    // It is not shown a person that it does not see today.
    let blue = keyed(&office.clerk("blue"), "PATCH", &one, &patch).await;
    assert_eq!((blue.status, blue.body.as_str()), (200, ""));
    assert!(replayed(&blue));
    let archivist = office.caller(&json!({"role": "archivist"}));
    let refused = keyed(&archivist, "PATCH", &one, &patch).await;
    assert_eq!(refused.problem(403, "forbidden")["verb"], "update");
    // Another subject makes a write of its own.
    let other = office.caller(&json!({"role": "clerk", "team": "red", "sub": "grace"}));
    let other = keyed(&other, "PATCH", &one, &patch).await;
    assert!(!replayed(&other));
    assert_ne!(written(&other), written(&first));
    let issued = json!({"role": "clerk", "team": "red", "iss": "https://other.example"});
    let issued = keyed(&office.caller(&issued), "PATCH", &one, &patch).await;
    assert!(
        !replayed(&issued),
        "a subject of another issuer is another one"
    );
}

#[tokio::test]
async fn a_repeated_creation_of_a_restricted_caller_is_one_creation() {
    let office = PolicyGateway::start().await;
    let red = office.clerk("red");
    let mut body = person("Grace");
    body["attributes"] = json!({"team": "red"});
    let headers = [("idempotency-key", "k"), ("if-none-match", "*")];
    let put = async || {
        let path = person_path(crate::UNUSED_ID);
        red.call("PUT", &path, &headers, &body.to_string()).await
    };
    let (one, other) = (put().await, put().await);
    assert_eq!((one.status, other.status), (201, 201));
    assert_eq!(one.body, other.body);
    let post = async || keyed(&red, "POST", "/people", &body).await;
    let (one, other) = (post().await, post().await);
    assert_eq!(one.header("location"), other.header("location"));
    assert_eq!(other.header("idempotency-replayed"), Some("true"));
    assert_eq!(one.body, other.body);
    // Deleted since, or moved away: the success counts.
    let id = one.json()["id"].as_str().expect("an id").to_owned();
    super::delete(office.gateway(), &id).await;
    assert_eq!(post().await.status, 201);
    assert_eq!(red.list("/people").await.len(), 1);
    let mut changed = body.clone();
    changed["age"] = json!(1);
    let reused = keyed(&red, "POST", "/people", &changed).await;
    reused.problem(422, "idempotency");
}

#[tokio::test]
async fn a_writer_that_may_not_read_is_answered_without_a_body() {
    let office = PolicyGateway::start().await;
    let editor = office.caller(&json!({"role": "editor"}));
    let id = &ids(1)[0];
    save(office.gateway(), id, &member("red")).await;
    let path = person_path(id);
    let (ada, free) = (person("Ada").to_string(), person_path(crate::UNUSED_ID));
    let create = [("if-none-match", "*")];
    let keyed = [("idempotency-key", "k")];
    for (answer, status) in [
        (editor.call("PATCH", &path, &[], r#"{"age":1}"#).await, 200),
        (editor.call("PUT", &path, &[], &ada).await, 200),
        (editor.call("PUT", &path, &keyed, &ada).await, 200),
        (editor.call("PUT", &path, &keyed, &ada).await, 200),
        (editor.call("PUT", &free, &create, &ada).await, 201),
        (editor.call("POST", "/people", &[], &ada).await, 201),
    ] {
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, ""),
            "{answer:?}"
        );
        assert_eq!(answer.header("content-type"), None);
        assert!(answer.header("etag").is_some() && answer.header("change-position").is_some());
        assert_eq!(answer.header("location").is_some(), status == 201);
    }
    for (method, path) in [("GET", path.as_str()), ("HEAD", &path), ("GET", "/people")] {
        let refused = editor.call(method, path, &[], "").await;
        assert_eq!(refused.status, 403);
        assert!(!refused.body.contains(&SALARY.to_string()));
    }
}
