//! Rights by policy: who and what each caller sees and writes, at every door.

mod cursors;
mod fields;
mod policies;
pub(crate) mod refresh;
mod repeats;
mod roles;
mod rows;
mod streams;
mod writes;

use serde_json::{Map, Value, json};

use crate::auth::{Guarded, TestFile};
use crate::views::{Client, at};
use people_testing::http::Answer;
use people_testing::issuer::{Issuer, claims};
use people_testing::process::{Gateway, person};

/// The roles of most tests.
const POLICY: &str = r#"
[[role]]
name = "admin"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "clerk"
can = ["read", "watch", "save", "delete", "import"]
where = 'attributes.team == claims.team'
delete = 'attributes.team == claims.team && !(attributes.locked == true)'
hide = ["attributes.salary", "attributes.address.street"]

[[role]]
name = "lead"
can = ["read", "watch", "save", "delete"]
where = 'attributes.team in claims.teams'
save = 'attributes.team == claims.team'

[[role]]
name = "assistant"
can = ["read", "watch", "save", "delete"]
hide = ["attributes.salary", "attributes.address.street"]

[[role]]
name = "guest"
can = ["read", "watch", "save"]
show = ["firstName", "attributes.city"]

[[role]]
name = "keeper"
can = ["read", "save", "import"]
keep = ["attributes.team", "job"]

[[role]]
name = "editor"
can = ["create", "update"]

[[role]]
name = "archivist"
can = ["read"]
"#;

/// The members of a person with attributes that a guest is shown.
const SHOWN_TO_GUESTS: [&str; 6] = [
    "id",
    "firstName",
    "attributes",
    "revision",
    "createdAt",
    "updatedAt",
];
/// A value that clerks, assistants and guests do not see, and that stands nowhere else.
const SALARY: u64 = 471_108_150;

/// A gateway with a policy, and the issuer of its tokens. Its own token is an administrator's.
struct PolicyGateway {
    guarded: Guarded,
    issuer: Issuer,
    policy: TestFile,
}

/// A caller of a gateway: a token, or none.
struct TestCaller<'g> {
    gateway: &'g Gateway,
    token: Option<String>,
}

impl PolicyGateway {
    async fn start() -> Self {
        Self::with(POLICY, &[]).await
    }

    async fn with(policy: &str, settings: &[(&str, &str)]) -> Self {
        let issuer = Issuer::new("HS256");
        let policy = TestFile::new("policy.toml", policy);
        let settings = [settings, &[("auth.policy", policy.text())]].concat();
        let mut guarded = Guarded::by(&[&issuer], &settings).await;
        guarded.gateway.token = Some(issuer.token(&claims("root", "admin")));
        Self {
            guarded,
            issuer,
            policy,
        }
    }

    fn gateway(&self) -> &Gateway {
        &self.guarded.gateway
    }

    /// A token of Ada with these claims, valid for an hour unless they say otherwise.
    fn token(&self, more: &Value) -> String {
        token(&self.issuer, more)
    }

    fn caller(&self, more: &Value) -> TestCaller<'_> {
        TestCaller {
            gateway: self.gateway(),
            token: Some(self.token(more)),
        }
    }

    fn admin(&self) -> TestCaller<'_> {
        self.caller(&json!({"role": "admin"}))
    }

    fn clerk(&self, team: &str) -> TestCaller<'_> {
        self.caller(&clerk(team))
    }

    fn stranger(&self) -> TestCaller<'_> {
        TestCaller {
            gateway: self.gateway(),
            token: None,
        }
    }
}

impl TestCaller<'_> {
    fn token(&self) -> &str {
        self.token.as_deref().expect("the caller has a token")
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let token = self.token.as_deref();
        let mut request = self.gateway.request_as(token, method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            let media = if path.ends_with("/import") {
                "application/x-ndjson"
            } else {
                "application/json"
            };
            request = request.header("content-type", media).body(body.to_owned());
        }
        Answer::of(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    /// A call about one person.
    async fn edit(&self, method: &str, id: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call(method, &person_path(id), &[], &body).await
    }

    /// The people of a list.
    async fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().expect("a list").clone()
    }

    /// Connects, without reading.
    async fn open(&self, parameters: &[(&str, &str)]) -> Client {
        Client::open_as(self.gateway, self.token.as_deref(), parameters).await
    }

    /// Connects, and reads up to `live`.
    async fn live(&self, parameters: &[(&str, &str)]) -> Client {
        let mut client = self.open(parameters).await;
        client.until("live").await;
        client
    }
}

/// A token of Ada with these claims.
fn token(issuer: &Issuer, more: &Value) -> String {
    let mut claims = claims("ada", "");
    claims.as_object_mut().expect("claims").remove("role");
    for (name, value) in more.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    issuer.token(&claims)
}

/// The claims of a team's clerk.
fn clerk(team: &str) -> Value {
    json!({"role": "clerk", "team": team})
}

fn person_path(id: &str) -> String {
    format!("/people/{id}")
}

/// A person of a team, with hidden values.
fn member(team: &str) -> Value {
    let mut ada = person("Ada");
    ada["attributes"] = json!({
        "team": team,
        "salary": SALARY,
        "address": {"city": "Oslo", "street": format!("Street {SALARY}")},
    });
    ada
}

/// The attributes of a person of a team as its clerks see them.
fn seen_attributes(team: &str) -> Value {
    json!({"team": team, "address": {"city": "Oslo"}})
}

/// The ids of people.
fn ids_of(people: &[Value]) -> Vec<&str> {
    let ids = people.iter().map(|person| person["id"].as_str());
    ids.map(|id| id.expect("an id")).collect()
}

/// What an answer to a write tells of the log.
fn written(answer: &Answer) -> String {
    let position = answer.header("change-position");
    position.expect("a write has a position").to_owned()
}

/// Deletes a person as an administrator; returns the change's position.
async fn delete(gateway: &Gateway, id: &str) -> String {
    let answer = gateway.request("DELETE", &person_path(id)).send().await;
    at(&answer.expect("an answer"))
}

/// The members of an object but for one.
fn without(value: &Value, name: &str) -> Map<String, Value> {
    let mut members = value.as_object().expect("an object").clone();
    members.remove(name);
    members
}
