//! Filters: none asks for what is hidden, at any door, in any construct.

use serde_json::{Value, json};

use crate::live::ids;
use crate::live::websocket::peer::{Peer, handshake};
use crate::rights::{PolicyGateway, SHOWN_TO_GUESTS, TestCaller, member, without};
use crate::views::{WriteHeads, path, save, wait_past};

/// Conditions that name what assistants do not see, each with the path that is named.
const HIDDEN: &[(&str, &str)] = &[
    ("attributes.salary == 3", "attributes.salary"),
    ("attributes.salary != 3", "attributes.salary"),
    ("attributes.salary < 3", "attributes.salary"),
    ("3 >= attributes.salary", "attributes.salary"),
    ("attributes.salary == null", "attributes.salary"),
    ("attributes.salary in [1, 2]", "attributes.salary"),
    ("attributes.salary in []", "attributes.salary"),
    ("\"x\" in attributes.salary", "attributes.salary"),
    ("attributes.salary.startsWith(\"x\")", "attributes.salary"),
    ("attributes.salary.endsWith(\"x\")", "attributes.salary"),
    ("attributes.salary.contains(\"x\")", "attributes.salary"),
    ("attributes.salary.matches(\"x\")", "attributes.salary"),
    ("size(attributes.salary) > 0", "attributes.salary"),
    ("attributes.salary.size() >= 0", "attributes.salary"),
    ("has(attributes.salary)", "attributes.salary"),
    ("!has(attributes.salary)", "attributes.salary"),
    ("!(attributes.salary == 3)", "attributes.salary"),
    ("age > 3 || attributes.salary == 3", "attributes.salary"),
    (
        "age > 3 && !(job == \"x\" || attributes.salary == 3)",
        "attributes.salary",
    ),
    ("true || attributes.salary == 3", "attributes.salary"),
    ("false && attributes.salary == 3", "attributes.salary"),
    (
        "firstName == \"äöü\" && attributes.salary == 3",
        "attributes.salary",
    ),
    ("attributes[\"salary\"] == 3", "attributes[\"salary\"]"),
    ("attributes['salary'] == 3", "attributes['salary']"),
    ("attributes.salary.net == 3", "attributes.salary.net"),
    ("has(attributes.salary.net)", "attributes.salary.net"),
    (
        "attributes.address.street == \"x\"",
        "attributes.address.street",
    ),
    (
        "attributes.address[\"street\"] == \"x\"",
        "attributes.address[\"street\"]",
    ),
    ("size(attributes.address) == 2", "attributes.address"),
    ("\"street\" in attributes.address", "attributes.address"),
    ("has(attributes.address)", "attributes.address"),
    ("attributes.address == null", "attributes.address"),
    ("attributes[\"address\"] != 3", "attributes[\"address\"]"),
];

/// The refusal of a filter at each door. The connection of the last one stays open.
async fn refusals(caller: &TestCaller<'_>, condition: &str) -> Vec<(&'static str, Value)> {
    let filter = [("where", condition)];
    let list = caller.get(&path("/people", &filter)).await;
    let lines = [("accept", "application/x-ndjson")];
    let lines = caller
        .call("GET", &path("/people", &filter), &lines, "")
        .await;
    let events = caller.get(&path("/updates", &filter)).await;
    let snapshot = [("where", condition), ("from", "snapshot")];
    let authorization = format!("Bearer {}", caller.token());
    let mut socket = Vec::new();
    for format in ["people.v1.json", "cloudevents.json", ""] {
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Sec-WebSocket-Protocol", format),
        ];
        let mut peer = Peer::connect(caller.gateway.address).await;
        peer.send(handshake(&path("/people", &snapshot), &headers).as_bytes())
            .await;
        let refusal = peer.refusal().await;
        assert_eq!(refusal.status, 403, "{condition}: {}", refusal.head);
        socket.push(("handshake", refusal.problem));
    }
    let mut client = caller.live(&[]).await;
    let message = json!({"type": "filter", "where": condition, "ref": "r"});
    client.send(message).await;
    let error = client.message().await;
    assert_eq!(
        (&error["type"], &error["ref"]),
        (&json!("error"), &json!("r"))
    );
    let mut all = vec![
        ("list", list.problem(403, "filter")),
        ("lines", lines.problem(403, "filter")),
        ("events", events.problem(403, "filter")),
        ("message", error["problem"].clone()),
    ];
    all.extend(socket);
    all
}

/// One refusal of each condition, without the request's id; each door gives the same.
async fn refused(caller: &TestCaller<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for (condition, named) in HIDDEN {
        let (before, _) = condition.split_once(named).expect("it is named");
        let mut common: Option<Value> = None;
        for (door, problem) in refusals(caller, condition).await {
            let problem = Value::from(without(&problem, "instance"));
            assert_eq!(problem["type"], "/problems/filter", "{door}: {condition}");
            assert_eq!(problem["status"], 403, "{door}: {condition}");
            let place = [&problem["offset"], &problem["length"]].map(Value::as_u64);
            let expected = [before.chars().count() as u64, named.chars().count() as u64];
            assert_eq!(place, expected.map(Some), "{door}: {condition}");
            let first = common.get_or_insert_with(|| problem.clone());
            assert_eq!(*first, problem, "{door}: {condition}");
        }
        all.extend(common);
    }
    all
}

#[tokio::test]
async fn a_filter_that_names_a_hidden_path_is_refused_at_every_door_whatever_there_is() {
    let office = PolicyGateway::start().await;
    let assistant = office.caller(&json!({"role": "assistant"}));
    let nobody = refused(&assistant).await;
    let mut heads = WriteHeads::default();
    heads.add(&save(office.gateway(), &ids(1)[0], &member("red")).await);
    let mut other = member("red");
    other["attributes"]["salary"] = json!({"net": "x"});
    heads.add(&save(office.gateway(), &ids(2)[1], &other).await);
    wait_past(office.gateway(), &heads).await;
    assert_eq!(refused(&assistant).await, nobody);
    assert_eq!(nobody.len(), HIDDEN.len());
    for (condition, _) in HIDDEN {
        let list = office
            .admin()
            .get(&path("/people", &[("where", condition)]))
            .await;
        assert_eq!(list.status, 200, "{condition}");
    }
}

#[tokio::test]
async fn filters_about_what_is_shown_are_served() {
    let office = PolicyGateway::start().await;
    let mut ada = member("red");
    ada["attributes"]["city"] = json!({"name": "Oslo"});
    save(office.gateway(), &ids(1)[0], &ada).await;
    let assistant = office.caller(&json!({"role": "assistant"}));
    for condition in [
        "attributes.address.city == \"Oslo\"",
        "attributes.team == \"red\" && age == 36 && job == \"Mathematician\"",
        "!has(attributes.salaries)",
        "!has(attributes.address.streets)",
    ] {
        let list = assistant
            .list(&path("/people", &[("where", condition)]))
            .await;
        assert_eq!(list.len(), 1, "{condition}");
    }
    let guest = office.caller(&json!({"role": "guest"}));
    let id = &ids(1)[0];
    for (condition, status) in [
        (format!("id == \"{id}\""), 200),
        ("firstName == \"Ada\"".to_owned(), 200),
        ("has(attributes.city)".to_owned(), 200),
        ("attributes.city.name == \"Oslo\"".to_owned(), 200),
        ("lastName == \"Lovelace\"".to_owned(), 403),
        ("age > 3".to_owned(), 403),
        ("attributes.cities == 3".to_owned(), 403),
        ("has(attributes.team)".to_owned(), 403),
    ] {
        let list = guest.get(&path("/people", &[("where", &condition)])).await;
        assert_eq!(list.status, status, "{condition}");
        assert!(status != 200 || list.json()[0]["id"] == **id, "{condition}");
    }
    let shown = guest.list("/people").await.remove(0);
    let names: Vec<&String> = shown.as_object().expect("a person").keys().collect();
    assert_eq!(names, SHOWN_TO_GUESTS);
    assert_eq!(shown["attributes"], json!({"city": {"name": "Oslo"}}));
}
