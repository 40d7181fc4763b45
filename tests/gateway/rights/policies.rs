//! Policies as their authors and callers meet them: `GET /rights`, the command `rights`, faults at
//! the start, and what `config` shows.

use std::ffi::OsStr;

use serde_json::{Value, json};

use super::{POLICY, PolicyGateway, SALARY, clerk, member};
use crate::auth::TestFile;
use crate::cli::process::{gateway, run};
use people_testing::issuer::{Issuer, key_set};

#[tokio::test]
async fn rights_tell_a_caller_what_is_hidden_and_no_rule() {
    let office = PolicyGateway::start().await;
    for (claims, expected) in [
        (
            clerk("red"),
            json!({
                "role": "clerk",
                "can": ["read", "watch", "create", "update", "delete", "import"],
                "hide": ["attributes.address.street", "attributes.salary"],
            }),
        ),
        (
            json!({"role": "guest"}),
            json!({
                "role": "guest", "can": ["read", "watch", "create", "update"], "hide": [],
                "show": ["attributes.city", "firstName"],
            }),
        ),
        (
            json!({"role": "guest", "people": {"hide": ["attributes.city.zip"], "can": ["read"]}}),
            json!({
                "role": "guest", "can": ["read"], "hide": ["attributes.city.zip"],
                "show": ["attributes.city", "firstName"],
            }),
        ),
        (
            json!({"role": "keeper"}),
            json!({
                "role": "keeper", "can": ["read", "create", "update", "import"], "hide": [],
            }),
        ),
        (json!({}), json!({"role": null, "can": [], "hide": []})),
    ] {
        let answer = office.caller(&claims).get("/rights").await;
        assert!(!answer.body.contains("team"), "{}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let mut rights = answer.json();
        let members = rights.as_object_mut().expect("an object");
        let seconds = members
            .remove("seconds")
            .and_then(|seconds| seconds.as_u64());
        assert!(seconds.is_some_and(|seconds| (3500..=3600).contains(&seconds)));
        assert_eq!(members.remove("subject"), Some(json!("ada")));
        assert_eq!(rights, expected);
    }
}

/// What `rights` prints for these arguments.
async fn rights(policy: &TestFile, arguments: &[&str]) -> (i32, String, String) {
    let all = [&["rights", "--policy", policy.text()], arguments].concat();
    run(gateway(&all)).await
}

async fn printed(policy: &TestFile, arguments: &[&str]) -> Value {
    let (code, out, errors) = rights(policy, arguments).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    serde_json::from_str(&out).expect("JSON")
}

#[tokio::test]
async fn the_command_tells_the_author_of_a_policy_what_a_token_may_do() {
    let policy = TestFile::new("policy.toml", POLICY);
    let claims = clerk("red").to_string();
    let told = printed(&policy, &["--claims", &claims]).await;
    let rule = "attributes.team == claims.team";
    assert_eq!(
        (&told["role"], &told["where"]),
        (&json!("clerk"), &json!(rule))
    );
    assert_eq!(
        told["delete"],
        format!("{rule} && !(attributes.locked == true)")
    );
    assert_eq!(told["claims"], json!({"team": "red"}));
    assert_eq!(
        told["hide"],
        json!(["attributes.address.street", "attributes.salary"])
    );
    for (team, locked, expected) in [
        (
            "red",
            false,
            json!({"visible": true, "update": true, "delete": true}),
        ),
        (
            "red",
            true,
            json!({"visible": true, "update": true, "delete": false}),
        ),
        (
            "blue",
            false,
            json!({"visible": false, "update": false, "delete": false, "shown": null}),
        ),
    ] {
        let mut person = member(team);
        person["attributes"]["locked"] = json!(locked);
        let file = TestFile::new("person.json", &person.to_string());
        let judged = printed(&policy, &["--claims", &claims, "--person", file.text()]).await;
        let judged = &judged["person"];
        for (name, value) in expected.as_object().expect("verdicts") {
            assert_eq!(judged[name], *value, "{team}: {name}");
        }
        let shown = judged["shown"].to_string();
        assert!(!shown.contains(&SALARY.to_string()), "{shown}");
        assert_eq!(shown.contains("Oslo"), team == "red");
    }
    let lacking = printed(&policy, &["--claims", r#"{"role":"clerk"}"#]).await;
    assert_eq!(lacking["can"], json!([]));
    assert!(
        lacking["refused"]
            .as_str()
            .is_some_and(|text| text.contains("claim team"))
    );
    let unknown = printed(&policy, &["--claims", r#"{"role":"stranger"}"#]).await;
    assert_eq!(
        (&unknown["role"], &unknown["can"]),
        (&Value::Null, &json!([]))
    );
    let narrow = r#"{"role":"clerk","team":"red","people":{"where":"age >"}}"#;
    let (code, out, errors) = rights(&policy, &["--claims", narrow]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(errors.contains("claim people"), "{errors}");
    let (code, _, errors) = rights(&policy, &[]).await;
    assert_eq!(code, 1);
    assert!(errors.contains("anonymous"), "{errors}");
    let (code, ..) = rights(&policy, &["--claims", "[]"]).await;
    assert_eq!(code, 2);
    let at = r#"{"realm":{"roles":["clerk"]},"team":"red"}"#;
    let told = printed(&policy, &["--role-claim", "realm.roles", "--claims", at]).await;
    assert_eq!(told["role"], "clerk");
}

const FAULTY: &str = r#"
[[role]]
name = "clerk"
can = ["read", "reads"]
where = 'age > "x"'
delete = 'job.matches("x")'

[[role]]
name = "anonymous"
can = ["read"]
where = 'attributes.team == claims.team'
hide = ["id"]
show = ["jobs"]
"#;

#[tokio::test]
async fn a_faulty_policy_ends_the_start_with_all_its_faults() {
    let (policy, issuer) = (TestFile::new("policy.toml", FAULTY), Issuer::new("HS256"));
    let keys = TestFile::new("keys", &key_set(&[issuer.jwk()]));
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("embedded:{}", folder.path().join("data").display());
    let start = |policy: &OsStr| {
        let flags = [
            "--auth",
            "jwt",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ];
        let mut command = gateway(&[&flags[..], &["--store", &store]].concat());
        command
            .env("PEOPLE_GATEWAY__AUTH__KEYS", &keys.path)
            .env("PEOPLE_GATEWAY__AUTH__POLICY", policy)
            .env("PEOPLE_GATEWAY__STORE__LOG_MAX", "-1");
        command
    };
    let (code, out, errors) = run(start(policy.path.as_os_str())).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        errors.contains("2 faults") && errors.contains("store.log_max"),
        "{errors}"
    );
    let line = errors
        .lines()
        .find(|line| line.contains("auth.policy"))
        .expect("a line");
    for part in [
        policy.text(),
        "role clerk: can \"reads\" is no verb",
        "role clerk: where age is a number",
        "(at character 6, 3 long)",
        "role clerk: delete ",
        "role anonymous: where names claims",
        "role anonymous: show excludes hide",
        "role anonymous: hide id is always shown",
        "role anonymous: show jobs: ",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let (_, _, same) = rights(&policy, &["--claims", "{}"]).await;
    assert!(same.contains("(at character 6, 3 long)"), "{same}");
    let missing = folder.path().join("none.toml");
    let (code, _, errors) = run(start(missing.as_os_str())).await;
    assert_eq!(code, 1);
    assert!(
        errors.contains("cannot read") && errors.contains("none.toml"),
        "{errors}"
    );
    assert!(!folder.path().join("data").exists(), "nothing was started");
}

#[tokio::test]
async fn config_shows_the_path_of_the_policy_and_nothing_in_it() {
    let policy = TestFile::new("policy.toml", POLICY);
    let mut command = gateway(&["config", "--auth", "jwt"]);
    command.env("PEOPLE_GATEWAY__AUTH__POLICY", &policy.path);
    let (code, out, errors) = run(command).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(
        out.contains(&format!("policy = \"{}\"", policy.text())),
        "{out}"
    );
    for part in ["clerk", "salary", "attributes", "claims"] {
        assert!(!out.contains(part), "{part} in {out}");
    }
}

/// Neither rules, nor claims but the subject, nor hidden values are for a log or a metric.
#[tokio::test]
async fn no_log_and_no_metric_has_a_rule_a_claim_or_a_value() {
    let office = PolicyGateway::start().await;
    let id = &crate::live::ids(1)[0];
    crate::views::save(office.gateway(), id, &member("red")).await;
    let claims = json!({"role": "clerk", "team": "canaryteam", "people": {"hide": ["job"]}});
    let caller = office.caller(&claims);
    caller.get("/people?where=job%3D%3D3").await;
    caller
        .edit("PATCH", id, &json!({"attributes": {"salary": 1}}))
        .await;
    let narrowed = json!({"role": "clerk", "people": {"where": "canaryteam"}});
    office
        .caller(&narrowed)
        .get("/people")
        .await
        .problem(401, "token");
    caller.live(&[("from", "snapshot")]).await;
    let in_use = office.gateway().metric("rights").await;
    assert!(
        (in_use - 2.0).abs() < 0.5,
        "{in_use}: the caller's, and the administrator's"
    );
    let log = office.gateway().log();
    let metrics = format!("http://{}/metrics", office.gateway().admin);
    let metrics = reqwest::get(metrics)
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    for part in [
        "canaryteam",
        "claims.team",
        "attributes",
        &SALARY.to_string(),
    ] {
        assert!(!log.contains(part), "{part} in {log}");
        assert!(!metrics.contains(part), "{part} in the metrics");
    }
}
