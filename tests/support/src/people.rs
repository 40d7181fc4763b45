//! Random people, the filters that match some of them, and the people that a gateway lists.

use std::collections::BTreeMap;

use people_gateway::domain::{FieldsJson, PersonId};
use people_gateway::filter::Verdict;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use crate::process::Gateway;

/// Values of people's fields. [`CONDITIONS`] match some of them.
const NAMES: [&str; 6] = ["Ada", "Grace", "Joan", "Zoë", "Ann", "Élodie"];
const JOBS: [&str; 4] = ["Mathematician", "Engineer", "R&D", ""];
const CITIES: [&str; 3] = ["Paris", "Oslo", "Łódź"];

/// Filters with equality, ranges, `in`, `||`, `!`, attributes and functions of texts.
pub const CONDITIONS: [&str; 10] = [
    "",
    r#"job == "Engineer""#,
    "age >= 30 && age < 60",
    r#"job in ["R&D", ""]"#,
    r#"firstName == "Ada" || age > 100"#,
    r#"!(job == "Engineer")"#,
    r#"attributes.city == "Paris""#,
    r#"has(attributes.level) && attributes.level <= 2 && !("b" in attributes.tags)"#,
    r#"firstName.startsWith("A") || lastName.endsWith("é")"#,
    r#"lastName.matches("^[A-M]") && size(firstName) > 3 && !firstName.contains("ra")"#,
];

/// People by id, each as the whole JSON object.
pub type People = BTreeMap<PersonId, Map<String, Value>>;

/// The people in the list's answer. An empty condition matches all of them.
pub async fn list(gateway: &Gateway, condition: &str) -> People {
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

/// A change's type in JSON formats, none if the view does not receive it.
pub fn verdict_name(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Create => Some("create"),
        Verdict::Enter => Some("enter"),
        Verdict::Update => Some("update"),
        Verdict::Leave => Some("leave"),
        Verdict::Delete => Some("delete"),
        Verdict::Outside => None,
    }
}

/// A person who matches some of the [`CONDITIONS`].
pub fn random_person(random: &mut StdRng) -> Value {
    let mut one_of = |words: &[&'static str]| words[random.random_range(0..words.len())];
    let (first, last) = (one_of(&NAMES), one_of(&["Lovelace", "Hopper", "Noether"]));
    let last = format!("{last}{}", one_of(&["", "é"]));
    let mut person = json!({
        "firstName": first,
        "lastName": last,
        "age": random.random_range(0..=150),
        "job": JOBS[random.random_range(0..JOBS.len())],
    });
    if random.random_bool(0.7) {
        let tags = [json!([]), json!(["a"]), json!(["a", "b"])];
        person["attributes"] = json!({
            "city": CITIES[random.random_range(0..CITIES.len())],
            "level": random.random_range(0..5),
            "tags": tags[random.random_range(0..tags.len())],
        });
    }
    person
}

fn id(person: &Map<String, Value>) -> PersonId {
    person["id"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("an id")
}

/// The fields that a client writes.
pub fn fields(person: &Map<String, Value>) -> FieldsJson {
    let own = ["firstName", "lastName", "age", "job", "attributes"];
    let own: Map<String, Value> = own
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), person.get(*name)?.clone())))
        .collect();
    FieldsJson::from_stored(&Value::Object(own).to_string()).expect("a person's fields")
}
