//! Bodies of people, and merge patches of them.

use people_gateway::domain::{Draft, FieldsJson, IdRule, MergePatch, PersonMembers, Rejection};
use serde_json::Value;

use crate::{parts, sample};

/// Reads a body as a person by every rule of ids, and as a patch of a person (a sample, or the
/// second part). What is accepted is stored, read back, and accepted again as the same; it has the
/// values that the body has for a reader of JSON. Nothing is refused without a reason.
pub fn person(input: &[u8]) {
    let Some(mut parts) = parts(input) else {
        return;
    };
    let body = parts.next().unwrap_or_default();
    let current = parts
        .next()
        .and_then(|text| FieldsJson::from_stored(text).ok());
    for rule in [IdRule::Ignored, IdRule::Names, IdRule::MustBe(sample::id())] {
        let members = PersonMembers::parse(body, rule);
        match Draft::parse(body, rule) {
            Ok(draft) => {
                check(&draft);
                check_values(&draft, body);
                let members = members.expect("its members were read");
                assert_eq!(members.into_draft().as_ref(), Ok(&draft));
            }
            Err(rejection) => check_rejection(&rejection),
        }
    }
    match MergePatch::parse(body, sample::id()) {
        Ok(patch) => match patch.apply(&current.unwrap_or_else(sample::fields)) {
            Ok(draft) => check(&draft),
            Err(rejection) => check_rejection(&rejection),
        },
        Err(rejection) => check_rejection(&rejection),
    }
}

fn check(draft: &Draft) {
    let stored = draft.fields.to_json();
    let read = FieldsJson::from_stored(stored.as_str()).expect("what is saved can be read");
    assert_eq!(read.to_members(), stored.to_members());
    let again = Draft::parse(stored.as_str(), IdRule::Ignored).expect("it was accepted before");
    assert_eq!(again.fields, draft.fields);
}

/// Compares the values with those that `serde_json` reads; ages may be written as `36.0`.
fn check_values(draft: &Draft, body: &str) {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let sent: Value = serde_json::from_str(body).expect("JSON");
    for (name, value) in draft.fields.to_json().to_members() {
        if name == "age" {
            assert_eq!(sent[&name].as_f64(), value.as_f64());
        } else {
            assert_eq!(sent[&name], value, "{name}");
        }
    }
}

fn check_rejection(rejection: &Rejection) {
    assert!(!rejection.to_string().is_empty());
    if let Rejection::Invalid(faults) = rejection {
        assert!(!faults.is_empty());
    }
}
