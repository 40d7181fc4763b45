//! Policy files.

use people_gateway::domain::FieldsJson;
use people_gateway::filter::attribute_names;
use people_gateway::rights::{Policy, Rights, Scope};
use serde_json::{Map, Value};
use toml::Table;

use crate::{parts, sample};

/// Reads a policy, and takes the rights of each of its roles for claims (samples, or the second
/// part) and for none. A refusal has reasons. A person is shown with values that it has and without
/// what is hidden, and no condition on that is taken.
pub fn policy(input: &[u8]) {
    let Some(mut parts) = parts(input) else {
        return;
    };
    let text = parts.next().unwrap_or_default();
    let claims = parts
        .next()
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
        .unwrap_or_else(sample::claims);
    let policy = match text.parse::<Policy>() {
        Ok(policy) => policy,
        Err(faults) => {
            assert!(!faults.0.is_empty());
            assert!(faults.0.iter().all(|fault| !fault.detail.is_empty()));
            return;
        }
    };
    let document: Table = text.parse().expect("TOML");
    let roles = document["role"].as_array().expect("roles");
    for role in roles {
        let name = role["name"].as_str().expect("a name");
        for claims in [&claims, &Map::new()] {
            assert!(policy.describe([name], claims).is_some());
            if let Ok(rights) = policy.rights([name], claims) {
                check(&rights);
            }
        }
    }
    if let Some(rights) = policy.anonymous() {
        check(&rights);
    }
}

fn check(rights: &Rights) {
    let scope = rights.scope();
    let person = sample::person(sample::fields());
    let json =
        |scope: &Scope| -> Value { serde_json::from_str(&scope.to_json(&person)).expect("JSON") };
    let (shown, whole) = (json(scope), json(&Scope::everything()));
    assert!(is_part(&shown, &whole), "{shown}");
    for always in ["id", "revision", "createdAt", "updatedAt"] {
        assert_eq!(shown[always], whole[always]);
    }
    let hidden = rights.describe();
    for path in hidden["hide"].as_array().expect("a list") {
        let path = path.as_str().expect("a path");
        let names = attribute_names(path).expect("names");
        assert_eq!(
            names
                .iter()
                .try_fold(&shown, |value, name| value.get(&**name)),
            None
        );
        let condition = format!("size({path}) >= 0");
        assert!(scope.filter(&condition).is_err(), "{condition}");
    }
    check_filter(scope, &person.fields);
}

/// The filter of a view without a condition is the rule.
fn check_filter(scope: &Scope, fields: &FieldsJson) {
    let filter = scope.filter("").expect("everyone may be asked for");
    assert_eq!(
        scope.sees(sample::id(), fields),
        filter.matches(sample::id(), fields)
    );
}

/// Whether a value has nothing but what another one has, at the same place.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|whole| is_part(value, whole))),
        _ => part == whole,
    }
}
