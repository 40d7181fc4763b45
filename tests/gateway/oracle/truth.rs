//! The people who match: the list with the same condition, and the whole list evaluated in
//! the test itself.

use std::collections::BTreeMap;

use people_gateway::domain::{Change, FieldsJson, PersonId};
use people_gateway::filter::{Filter, Kinds, Verdict, View};
use serde_json::{Map, Value};

use super::follower::{Seen, Shown};
use people_testing::process::Gateway;

/// People by id, each as the whole object that was sent.
pub(super) type People = BTreeMap<PersonId, Map<String, Value>>;

/// The list of people, with a condition or all of them.
pub(super) async fn list(gateway: &Gateway, condition: &str) -> People {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("where", condition)
        .finish();
    let path = if condition.is_empty() {
        "/people".to_owned()
    } else {
        format!("/people?{query}")
    };
    let answer = gateway
        .request("GET", &path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let people: Vec<Map<String, Value>> =
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
    let by_id = people.into_iter().map(|person| (id(&person), person));
    by_id.collect()
}

/// Asserts that a view with all kinds is what the list says, and what its condition says of
/// everyone.
pub(super) async fn judge(who: &str, seen: &Seen, gateway: &Gateway, everyone: &People) {
    let condition = &seen.asks.condition;
    let filter = Filter::parse(condition).expect("a filter");
    let matching = everyone
        .iter()
        .filter(|(id, person)| filter.matches(**id, &fields(person)));
    let matching: People = matching.map(|(id, person)| (*id, person.clone())).collect();
    same(
        &format!("{who} where {condition}, against its condition"),
        seen.view.people(),
        &matching,
    );
    let listed = list(gateway, condition).await;
    same(
        &format!("{who} where {condition}, against the list"),
        seen.view.people(),
        &listed,
    );
}

/// Asserts that a client of some kinds which began with now was shown exactly the changes of its
/// kinds since.
pub(super) fn judge_kinds(who: &str, seen: &Seen, log: &[Change]) {
    let began = seen.began.as_ref().expect("it was live");
    let asked = View {
        kinds: seen.asks.kinds,
        filter: Filter::parse(&seen.asks.condition).expect("a filter"),
    };
    let since = log.iter().filter(|change| {
        let position = began
            .get(change.at.partition)
            .expect("a place in every partition");
        change.at.position.seq > position.seq
    });
    let expected = since.filter_map(|change| {
        let word = match asked.verdict_of(change) {
            Verdict::Create => "create",
            Verdict::Enter => "enter",
            Verdict::Update => "update",
            Verdict::Leave => "leave",
            Verdict::Delete => "delete",
            Verdict::Outside => return None,
        };
        Some(Shown {
            at: change.at.to_string(),
            word,
        })
    });
    let (mut expected, mut shown): (Vec<_>, Vec<_>) = (expected.collect(), seen.changes.clone());
    assert_ne!(asked.kinds, Kinds::All, "it might have been shown a batch");
    assert_eq!(
        seen.batches, 0,
        "{who}: only views of all kinds are composed"
    );
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected, "{who} {:?}", seen.asks);
}

#[track_caller]
fn same(what: &str, view: &People, truth: &People) {
    let ids = view.keys().chain(truth.keys());
    let differs = |id: &&PersonId| view.get(id) != truth.get(id);
    let wrong: Vec<_> = ids
        .filter(differs)
        .map(|id| (id, view.get(id), truth.get(id)))
        .collect();
    assert!(wrong.is_empty(), "{what}: (who, view, truth) {wrong:#?}");
}

fn id(person: &Map<String, Value>) -> PersonId {
    person["id"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("an id")
}

/// The user's own fields of a person.
pub(super) fn fields(person: &Map<String, Value>) -> FieldsJson {
    let own = ["firstName", "lastName", "age", "job", "attributes"];
    let own: Map<String, Value> = own
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), person.get(*name)?.clone())))
        .collect();
    FieldsJson::from_stored(&Value::Object(own).to_string()).expect("a person's fields")
}
