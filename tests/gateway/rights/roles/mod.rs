//! Which role counts, which claims it needs, and what a token narrows.

mod anonymous;

use serde_json::{Value, json};

use super::{POLICY, PolicyGateway, TestCaller, ids_of, member, person_path};
use crate::live::ids;
use crate::views::{path, save};
use people_testing::http::Answer;
use people_testing::process::person;

const RULES: &str = r#"
[[role]]
name = "admin"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "foreign"
can = ["read", "watch", "save", "delete", "import"]
where = '!(attributes.team == claims.team)'

[[role]]
name = "listed"
can = ["read", "watch"]
where = 'attributes.team in claims["my teams"].now'

[[role]]
name = "prefixed"
can = ["read", "watch"]
where = 'attributes.team.startsWith(claims.prefix) && age >= claims.age'

[[role]]
name = "anonymous"
can = ["read", "watch"]
where = 'attributes.public == true'
show = ["firstName", "attributes.city"]
"#;

/// The answers to a caller that has no rights, at each door.
async fn refusals(caller: &TestCaller<'_>) -> Vec<Answer> {
    let one = person_path(crate::UNUSED_ID);
    let create = [("if-none-match", "*")];
    let ada = person("Ada").to_string();
    vec![
        caller.get("/people").await,
        caller.get(&one).await,
        caller.get("/updates").await,
        caller.call("POST", "/people", &[], &ada).await,
        caller.call("PUT", &one, &[], &ada).await,
        caller.call("PUT", &one, &create, &ada).await,
        caller.call("PATCH", &one, &[], "{}").await,
        caller.call("DELETE", &one, &[], "").await,
        caller.call("POST", "/people/import", &[], &ada).await,
    ]
}

#[tokio::test]
async fn a_claim_that_is_missing_or_does_not_fit_is_403_and_never_a_false_condition() {
    let office = PolicyGateway::with(RULES, &[]).await;
    save(office.gateway(), &ids(1)[0], &member("red")).await;
    let many: Vec<u32> = (0..1001).collect();
    for (claims, claim) in [
        (json!({"role": "foreign"}), "team"),
        (json!({"role": "foreign", "team": null}), "team"),
        (json!({"role": "foreign", "team": {"name": "red"}}), "team"),
        (json!({"role": "foreign", "team": ["red"]}), "team"),
        (json!({"role": "listed"}), r#"["my teams"].now"#),
        (
            json!({"role": "listed", "my teams": []}),
            r#"["my teams"].now"#,
        ),
        (
            json!({"role": "listed", "my teams": {"now": "red"}}),
            r#"["my teams"].now"#,
        ),
        (
            json!({"role": "listed", "my teams": {"now": many}}),
            r#"["my teams"].now"#,
        ),
        (
            json!({"role": "listed", "my teams": {"now": [["red"]]}}),
            r#"["my teams"].now"#,
        ),
        (json!({"role": "prefixed", "prefix": 3, "age": 3}), "prefix"),
        (
            json!({"role": "prefixed", "prefix": "r", "age": "3"}),
            "age",
        ),
        (json!({"role": "prefixed", "prefix": "r"}), "age"),
    ] {
        for answer in refusals(&office.caller(&claims)).await {
            let problem = answer.problem(403, "forbidden");
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(
                detail.contains(&format!("claim {claim} ")),
                "{claims}: {detail}"
            );
            assert!(
                !detail.contains("1000") && !detail.contains("red"),
                "{detail}"
            );
        }
        let rights = office.caller(&claims).get("/rights").await.json();
        assert_eq!(rights["can"], json!([]));
    }
    let nobody = office.caller(&json!({"role": "listed", "my teams": {"now": []}}));
    assert!(nobody.list("/people").await.is_empty());
    nobody
        .get(&person_path(&ids(1)[0]))
        .await
        .problem(404, "not-found");
    let mut client = nobody.open(&[("from", "snapshot")]).await;
    assert_eq!(client.message().await["people"], json!([]));
    let thousand: Vec<String> = (0..999).map(|number| number.to_string()).collect();
    let thousand = [thousand, vec!["red".to_owned()]].concat();
    let all = office.caller(&json!({"role": "listed", "my teams": {"now": thousand}}));
    // A list of this length is too long for a token in a header, unless its items are short.
    assert_eq!(all.list("/people").await.len(), 1);
}

#[tokio::test]
async fn a_claim_is_a_value_whatever_it_looks_like() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let people = ids(8);
    let texts = [
        r#"x" || true || ""#,
        "' || true || '",
        "claims.team",
        "red\\",
        "a\nb",
        "true",
        "",
        "attributes.team",
    ];
    for (id, text) in people.iter().zip(texts) {
        save(gateway, id, &member(text)).await;
    }
    for (id, text) in people.iter().zip(texts) {
        let clerk = office.clerk(text);
        assert_eq!(ids_of(&clerk.list("/people").await), [id], "{text:?}");
        let mut client = clerk.open(&[("from", "snapshot")]).await;
        let page = client.message().await;
        assert_eq!(ids_of(page["people"].as_array().expect("people")), [id]);
    }
    let number = office.caller(&json!({"role": "clerk", "team": true}));
    assert!(
        number.list("/people").await.is_empty(),
        "true is not \"true\""
    );
}

#[tokio::test]
async fn a_token_narrows_its_role_at_each_door() {
    let office = PolicyGateway::start().await;
    let gateway = office.gateway();
    let people = ids(3);
    for (id, age) in people.iter().zip([10, 20, 30]) {
        let mut red = member("red");
        red["age"] = json!(age);
        save(gateway, id, &red).await;
    }
    save(gateway, &ids(4)[3], &member("blue")).await;
    let narrow =
        |people: Value| office.caller(&json!({"role": "clerk", "team": "red", "people": people}));
    let grown =
        narrow(json!({"where": "age >= 18", "hide": ["job"], "can": ["read", "save", "watch"]}));
    let listed = grown.list("/people").await;
    assert_eq!(ids_of(&listed), people[1..]);
    assert!(listed.iter().all(|person| person.get("job").is_none()));
    grown
        .get(&person_path(&people[0]))
        .await
        .problem(404, "not-found");
    let young = grown.edit("PATCH", &people[1], &json!({"age": 3})).await;
    assert_eq!(young.problem(403, "forbidden")["verb"], "update");
    let job = grown.edit("PATCH", &people[1], &json!({"job": "x"})).await;
    job.problem(422, "validation");
    let refused = grown.edit("DELETE", &people[1], &Value::Null).await;
    assert_eq!(refused.problem(403, "forbidden")["verb"], "delete");
    let asked = grown
        .get(&path("/people", &[("where", "job == \"x\"")]))
        .await;
    asked.problem(403, "filter");
    let mut client = grown.live(&[("from", "snapshot")]).await;
    assert_eq!(client.view.people.len(), 2);
    let mut red = member("red");
    red["age"] = json!(3);
    save(gateway, &people[2], &red).await;
    assert_eq!(client.message().await["type"], "leave");
    let shown = narrow(json!({"show": ["firstName", "attributes.salary", "attributes.team"]}));
    let one = shown.get(&person_path(&people[0])).await.json();
    assert_eq!(
        one["attributes"],
        json!({"team": "red"}),
        "what the role hides stays hidden"
    );
    assert!(one.get("age").is_none());
    // It widens nothing.
    let wide = narrow(json!({
        "where": "true", "can": ["read", "watch", "save", "delete", "import"], "hide": [],
        "show": ["id", "firstName", "lastName", "age", "job", "attributes"],
    }));
    assert_eq!(
        wide.list("/people").await,
        office.clerk("red").list("/people").await
    );
    let wide = office.caller(&json!({
        "role": "archivist", "people": {"can": ["read", "delete", "import"]},
    }));
    let refused = wide.edit("DELETE", &people[1], &Value::Null).await;
    assert_eq!(refused.problem(403, "forbidden")["verb"], "delete");
    let rights = wide.get("/rights").await.json();
    assert_eq!(rights["can"], json!(["read"]));
}

#[tokio::test]
async fn a_claim_that_was_meant_to_narrow_is_never_ignored() {
    let office = PolicyGateway::start().await;
    for people in [
        json!({"where": "age >"}),
        json!({"where": "age == \"x\""}),
        json!({"where": "attributes.team == claims.team"}),
        json!({"where": "attributes.salary > 3"}),
        json!({"where": "size(attributes.address) > 0"}),
        json!({"where": "job.matches(\"x\")"}),
        json!({"where": null}),
        json!({"wher": "age > 3"}),
        json!({"where": "true", "kinds": "saves"}),
        json!({"can": ["reads"]}),
        json!({"can": "read"}),
        json!({"hide": "job"}),
        json!({"hide": ["jobs"]}),
        json!({"show": [3]}),
        json!({"keep": ["job"]}),
        json!("age > 3"),
        json!([]),
        Value::Null,
    ] {
        for role in ["clerk", "unknown"] {
            // A role that is unknown hides nothing.
            let text = people.to_string();
            if role == "unknown" && (text.contains("salary") || text.contains("address")) {
                continue;
            }
            let claims = json!({"role": role, "team": "red", "people": people});
            let answer = office.caller(&claims).get("/people").await;
            let problem = answer.problem(401, "token");
            assert_eq!(problem["reason"], "claims", "{claims}");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(
                challenge.contains(r#"error="invalid_token""#),
                "{challenge}"
            );
        }
    }
}

#[tokio::test]
async fn the_first_role_of_the_file_counts_and_none_is_403() {
    let office = PolicyGateway::start().await;
    save(office.gateway(), &ids(1)[0], &member("blue")).await;
    for (role, expected) in [
        (json!("assistant admin"), Some("admin")),
        (json!(["archivist", "assistant"]), Some("assistant")),
        (json!("openid  archivist profile"), Some("archivist")),
        (json!("Admin"), None),
        (json!("admins"), None),
        (json!(""), None),
        (json!([]), None),
        (json!(3), None),
        (json!({"admin": true}), None),
        (Value::Null, None),
    ] {
        let caller = office.caller(&json!({"role": role, "team": "red", "teams": []}));
        let rights = caller.get("/rights").await.json();
        assert_eq!(rights["role"].as_str(), expected, "{role}");
        if expected.is_none() {
            assert_eq!(rights["can"], json!([]));
            for answer in refusals(&caller).await {
                answer.problem(403, "forbidden");
            }
        } else {
            assert_eq!(caller.list("/people").await.len(), 1);
        }
    }
    let scoped = PolicyGateway::with(POLICY, &[("auth.role_claim", "scope")]).await;
    let caller = scoped.caller(&json!({"scope": "openid clerk email", "team": "red"}));
    assert_eq!(caller.get("/rights").await.json()["role"], "clerk");
}
