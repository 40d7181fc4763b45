//! Hidden values: no byte that leaves the gateway has one.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::UNUSED_ID;
use crate::live::ids;
use crate::live::websocket::peer::Peer;
use crate::rights::{PolicyGateway, SALARY, TestCaller, delete, member, person_path};
use crate::views::{Client, path, save};
use people_testing::socket::Listener;

/// Hides a text field, too: the text format shows those.
const CANARIES: &str = r#"
[[role]]
name = "admin"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "masked"
can = ["read", "watch", "save", "delete", "import"]
hide = ["job", "attributes.salary", "attributes.address.street"]
"#;
/// How many sessions each role has in each format.
const SESSIONS: usize = 8;
/// The first name in the last change.
const LAST: &str = "Zuse";

/// A person whose hidden values all have the canary.
fn canary(first: &str) -> Value {
    let mut ada = member("red");
    ada["firstName"] = json!(first);
    ada["job"] = json!(format!("Job {SALARY}"));
    ada
}

/// All that a session is sent, up to the last change.
async fn transcript(
    gateway: Arc<PolicyGateway>,
    token: String,
    format: &'static str,
    from: String,
) -> String {
    let address = gateway.gateway().address;
    let filter = "attributes.team == \"red\"";
    let path = path("/updates", &[("where", filter), ("from", &from)]);
    let authorization = format!("Bearer {token}");
    let mut all = String::new();
    if format == "sse" {
        let mut peer = Peer::connect(address).await;
        let get = format!(
            "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n"
        );
        peer.send(get.as_bytes()).await;
        all += &peer.head().await.1;
        while !all.contains(LAST) {
            all += &peer.paragraph().await.expect("an event");
        }
        return all;
    }
    let mut headers = vec![("authorization", authorization.as_str())];
    if format != "text" {
        headers.push(("sec-websocket-protocol", format));
    }
    let (mut socket, _) = Listener::open_with(address, &path, &headers).await;
    while !all.contains(LAST) {
        all += &socket.sentence().await;
    }
    all
}

/// What a caller is answered in every kind of call.
async fn answers(caller: &TestCaller<'_>, id: &str) -> String {
    let one = person_path(id);
    let keyed = [("idempotency-key", "again")];
    let foreign = [("if-match", "\"a.1.b\"")];
    let creating = [("if-none-match", "*")];
    let hidden = r#"{"attributes":{"salary":1}}"#;
    let asked = path("/people", &[("where", "attributes.salary > 1")]);
    let mut all = String::new();
    for (method, path, headers, body) in [
        ("GET", "/people", &[][..], ""),
        ("GET", "/people?limit=1", &[], ""),
        ("GET", "/people", &[("accept", "application/x-ndjson")], ""),
        ("GET", one.as_str(), &[], ""),
        ("GET", &one, &foreign, ""),
        ("PATCH", &one, &keyed, r#"{"age":77}"#),
        ("PATCH", &one, &keyed, r#"{"age":77}"#),
        ("PATCH", &one, &foreign, r#"{"age":78}"#),
        ("PATCH", &one, &[], hidden),
        (
            "PATCH",
            &one,
            &[],
            r#"{"age":-1,"attributes":{"address":"x"}}"#,
        ),
        (
            "PUT",
            &one,
            &creating,
            r#"{"firstName":"A","lastName":"B","age":1}"#,
        ),
        ("DELETE", &one, &foreign, ""),
        ("POST", "/people/import", &[], hidden),
        ("GET", &asked, &[], ""),
        ("GET", "/rights", &[], ""),
    ] {
        let answer = caller.call(method, path, headers, body).await;
        writeln!(all, "{answer:?}").expect("a String takes all that is written to it");
    }
    all
}

#[tokio::test]
async fn hidden_values_are_in_no_byte_that_a_masked_caller_is_sent() {
    let office = Arc::new(PolicyGateway::with(CANARIES, &[]).await);
    let people = ids(20);
    let cursor = Client::live(office.gateway(), &[]).await;
    let cursor = cursor.view.cursor();
    let masked = office.caller(&json!({"role": "masked"}));
    let mark = masked.live(&[]).await.view.cursor();
    for id in &people {
        save(office.gateway(), id, &canary("Ada")).await;
    }
    let formats = ["people.v1.json", "cloudevents.json", "sse", "text"];
    let mut sessions = Vec::new();
    for (role, resumed) in [("admin", &cursor), ("masked", &mark)] {
        for format in formats {
            for number in 0..SESSIONS {
                let token = office.token(&json!({"role": role}));
                let from = ["now", "snapshot", resumed][number % 3].to_owned();
                let reading = transcript(Arc::clone(&office), token, format, from);
                sessions.push((role, format, tokio::spawn(reading)));
            }
        }
    }
    let count = async || office.gateway().metric("sessions").await;
    people_testing::wait::eventually("all sessions are there", async || {
        count().await >= (2 * formats.len() * SESSIONS) as f64
    })
    .await;
    for (index, id) in people.iter().enumerate() {
        let mut changed = canary("Ada");
        match index % 4 {
            0 => changed["attributes"]["team"] = json!("blue"),
            1 => changed["attributes"]["salary"] = json!([SALARY]),
            2 => changed["attributes"]["address"] = json!({"street": {"name": SALARY}}),
            _ => {
                delete(office.gateway(), id).await;
            }
        }
        save(office.gateway(), id, &changed).await;
    }
    let [one, last] = [&people[1], UNUSED_ID];
    let told = answers(&masked, one).await;
    assert!(
        told.contains("Ada") && !told.contains(&SALARY.to_string()),
        "{told}"
    );
    let control = answers(&office.admin(), one).await;
    assert!(control.contains(&SALARY.to_string()));
    save(office.gateway(), last, &canary(LAST)).await;
    for (role, format, session) in sessions {
        let all = session.await.expect("no panic");
        let has_canary = all.contains(&SALARY.to_string());
        assert_eq!(has_canary, role == "admin", "{role} {format}: {all}");
        let shows_null = all.contains("job=null");
        assert_eq!(
            shows_null,
            role == "masked" && format == "text",
            "{role} {format}"
        );
    }
}
