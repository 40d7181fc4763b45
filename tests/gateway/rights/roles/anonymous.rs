//! Callers without a token, where the policy has a role for them.

use serde_json::{Value, json};

use super::RULES;
use crate::live::ids;
use crate::rights::{PolicyGateway, SALARY, ids_of, member, person_path};
use crate::views::{path, save, types};
use people_testing::socket::Listener;

#[tokio::test]
async fn a_caller_without_a_token_is_anonymous_where_the_policy_has_the_role() {
    let office = PolicyGateway::with(RULES, &[]).await;
    let gateway = office.gateway();
    let people = ids(2);
    let mut public = member("red");
    public["attributes"]["public"] = json!(true);
    public["attributes"]["city"] = json!("Oslo");
    save(gateway, &people[0], &public).await;
    save(gateway, &people[1], &member("red")).await;
    let stranger = office.stranger();
    let listed = stranger.get("/people").await;
    let list = listed.json();
    assert_eq!(ids_of(list.as_array().expect("a list")), [&people[0]]);
    assert_eq!(list[0]["attributes"], json!({"city": "Oslo"}));
    assert!(list[0].get("lastName").is_none() && !listed.body.contains(&SALARY.to_string()));
    let vary: Vec<_> = listed.headers.get_all("vary").iter().collect();
    assert!(
        vary.iter().any(|vary| *vary == "Authorization"),
        "{listed:?}"
    );
    stranger
        .get(&person_path(&people[1]))
        .await
        .problem(404, "not-found");
    let refused = stranger.edit("DELETE", &people[0], &Value::Null).await;
    assert_eq!(refused.problem(403, "forbidden")["verb"], "delete");
    let asked = stranger
        .get(&path("/people", &[("where", "age > 3")]))
        .await;
    asked.problem(403, "filter");
    let rights = stranger.get("/rights").await.json();
    let expected = json!({
        "role": "anonymous", "can": ["read", "watch"], "hide": [],
        "show": ["attributes.city", "firstName"],
    });
    assert_eq!(rights, expected);
    let mut client = stranger.live(&[("from", "snapshot")]).await;
    assert_eq!(client.view.people.len(), 1);
    assert!(client.view.cursor().contains("v:"));
    let token = office.token(&json!({"role": "admin"}));
    client.send(json!({"type": "token", "token": token})).await;
    let error = client.message().await;
    assert_eq!(types(std::slice::from_ref(&error)), ["error"]);
    assert_eq!(error["problem"]["status"], 400);
    let mut sentence = Listener::open(gateway.address, "/people").await;
    save(gateway, &people[0], &public).await;
    let shown = format!(
        "Saved person [{id}] Person(id={id}, firstName=Ada, lastName=null, age=null, job=null)",
        id = people[0]
    );
    assert_eq!(sentence.sentence().await, shown);
}

#[tokio::test]
async fn a_bad_token_is_never_anonymous() {
    let office = PolicyGateway::with(RULES, &[]).await;
    let past = json!({"role": "admin", "exp": 1});
    for (authorization, reason) in [
        ("Bearer garbage".to_owned(), "malformed"),
        ("Basic YTpi".to_owned(), "malformed"),
        ("Bearer".to_owned(), "malformed"),
        (format!("Bearer {}", office.token(&past)), "expired"),
        (
            format!("Bearer {}x", office.token(&json!({"role": "admin"}))),
            "signature",
        ),
    ] {
        let headers = [("authorization", authorization.as_str())];
        for path in ["/people", "/updates", "/rights"] {
            let answer = office.stranger().call("GET", path, &headers, "").await;
            let problem = answer.problem(401, "token");
            let reasons = [reason, "malformed"];
            let found = problem["reason"].as_str().expect("a reason");
            assert!(reasons.contains(&found), "{authorization}: {problem}");
        }
    }
    let no_role = office.caller(&json!({"role": "unknown"}));
    no_role.get("/people").await.problem(403, "forbidden");
}
