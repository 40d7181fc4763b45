//! Policies, and the rights that tokens have by them.

use serde_json::{Value, json};

use super::*;
use crate::rights::Scope;

const CLERKS: &str = r#"
[[role]]
name = "admin"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "clerk"
can = ["read", "watch", "save"]
where = 'attributes.team in claims.teams'
save = 'attributes.team == claims.team'
hide = ["attributes.salary"]
"#;

fn policy(text: &str) -> Policy {
    text.parse().expect("a policy")
}

fn rights(policy: &Policy, role: &str, claims: &Value) -> Arc<Rights> {
    let claims = claims.as_object().expect("an object");
    policy.rights([role], claims).expect("rights")
}

#[test]
fn the_first_role_of_the_policy_counts() {
    let policy = Policy::default();
    let name = |names: &[&str]| {
        let rights = policy.rights(names.iter().copied(), &Map::new());
        rights.expect("no narrowing").role().map(str::to_owned)
    };
    assert_eq!(name(&["reader", "writer"]).as_deref(), Some("writer"));
    assert_eq!(name(&["other", "reader"]).as_deref(), Some("reader"));
    assert_eq!(name(&["Writer", ""]), None);
    assert_eq!(name(&[]), None);
}

#[test]
fn equal_claims_give_the_same_rights() {
    let policy = policy(CLERKS);
    let red = json!({"team": "red", "teams": ["red", "blue"], "sub": "ada"});
    let one = rights(&policy, "clerk", &red);
    let other = json!({"teams": ["blue", "red", "red"], "team": "red", "sub": "grace"});
    assert!(Arc::ptr_eq(&one, &rights(&policy, "clerk", &other)));
    assert_eq!(policy.count.get(), 1);
    let narrower = json!({"team": "red", "teams": ["red"]});
    let narrower = rights(&policy, "clerk", &narrower);
    assert_ne!(one.scope().fingerprint(), narrower.scope().fingerprint());
    // What is only saved by does not change what is seen.
    let save = json!({"team": "blue", "teams": ["red", "blue"]});
    let save = rights(&policy, "clerk", &save);
    assert!(!Arc::ptr_eq(&one, &save));
    assert_eq!(one.scope().fingerprint(), save.scope().fingerprint());
    assert_eq!(rights(&policy, "admin", &red).scope(), &Scope::everything());
}

#[test]
fn the_fingerprint_is_the_same_in_every_release() {
    let policy = policy(CLERKS);
    let red = json!({"team": "red", "teams": ["red"]});
    let fingerprint = rights(&policy, "clerk", &red).scope().fingerprint();
    assert_eq!(
        fingerprint,
        Some(crate::domain::Fingerprint::new(4_217_931_402_585_121_080))
    );
}

#[test]
fn a_claim_that_is_missing_or_unfit_leaves_no_rights() {
    let policy = policy(CLERKS);
    for (claims, claim) in [
        (json!({"team": "red"}), "teams"),
        (json!({"teams": ["red"]}), "team"),
        (json!({"team": null, "teams": []}), "team"),
        (json!({"team": ["red"], "teams": []}), "team"),
        (json!({"team": {"a": 1}, "teams": []}), "team"),
        (json!({"team": "red", "teams": "red"}), "teams"),
        (json!({"team": "red", "teams": {"red": 1}}), "teams"),
        (json!({"team": "red", "teams": [["red"]]}), "teams"),
        (json!({"team": "red", "teams": vec![1; 1001]}), "teams"),
    ] {
        let rights = rights(&policy, "clerk", &claims);
        assert_eq!(rights.can(), VerbSet::NONE, "{claims}");
        let lacks = rights.lacks().expect("a reason").to_string();
        assert!(lacks.contains(&format!("claim {claim} ")), "{lacks}");
    }
}

#[test]
fn a_token_narrows_its_role_and_never_widens_it() {
    let policy = policy(CLERKS);
    let people = json!({
        "where": "true", "can": ["read", "delete", "import"], "hide": ["job"],
        "show": ["job", "age", "attributes"],
    });
    let claims = json!({"team": "red", "teams": ["red"], "people": people});
    let rights = rights(&policy, "clerk", &claims);
    assert!(rights.can().iter().eq([Verb::Read]));
    let mask = rights.scope().mask().expect("a mask");
    for (path, hidden) in [
        ("job", true),
        ("age", false),
        ("lastName", true),
        ("attributes.salary", true),
        ("attributes.team", false),
    ] {
        assert_eq!(mask.hides(&path.parse().unwrap()), hidden, "{path}");
    }
    for wrong in [
        json!(null),
        json!([]),
        json!({"kinds": []}),
        json!({"where": "age >"}),
        json!({"where": 1}),
        json!({"where": "job == claims.job"}),
        json!({"where": "job.matches('x')"}),
        json!({"where": "attributes.salary > 3"}),
        json!({"can": "read"}),
        json!({"can": ["reads"]}),
        json!({"hide": ["revision"]}),
        json!({"show": [1]}),
    ] {
        let claims = json!({"team": "red", "teams": ["red"], "people": wrong});
        let narrowed = policy.rights(["clerk"], claims.as_object().unwrap());
        assert!(narrowed.is_err(), "{wrong}");
    }
}

#[test]
fn callers_without_a_token_have_the_role_anonymous() {
    assert!(policy(CLERKS).anonymous().is_none());
    let open = "[[role]]\nname = 'anonymous'\ncan = ['read']\nwhere = 'age > 3'";
    let rights = policy(open).anonymous().expect("a role");
    assert_eq!(rights.role(), Some("anonymous"));
    assert!(rights.scope().fingerprint().is_some());
}

#[test]
fn all_faults_of_a_policy_are_reported_at_once() {
    let document = r#"
        top = 1
        [[role]]
        name = "a b"
        can = ["read", "reads"]
        where = 'age > "x"'
        [[role]]
        name = "anonymous"
        can = "read"
        save = 'job == claims.job'
        delete = 'job.matches("x")'
        hide = ["id", "attributes."]
        show = ["job"]
        keep = ["id"]
        color = "red"
        [[role]]
        name = "anonymous"
        can = []
    "#;
    let faults = document.parse::<Policy>().expect_err("faults").0;
    let places: Vec<(&str, &str)> = faults
        .iter()
        .map(|fault| (fault.role.as_str(), fault.member))
        .collect();
    for place in [
        ("", ""),
        ("1", "name"),
        ("a b", "can"),
        ("a b", "where"),
        ("anonymous", ""),
        ("anonymous", "can"),
        ("anonymous", "save"),
        ("anonymous", "delete"),
        ("anonymous", "hide"),
        ("anonymous", "show"),
        ("anonymous", "keep"),
        ("anonymous", "name"),
    ] {
        assert!(places.contains(&place), "{place:?} of {places:?}");
    }
    let shown = PolicyFaults(faults).to_string();
    assert!(shown.contains("role a b: where age is a number"), "{shown}");
    assert!(shown.contains("(at character 6, 3 long)"), "{shown}");
    for text in ["", "role = 1", "role = []", "[[role]"] {
        assert!(text.parse::<Policy>().is_err(), "{text}");
    }
}
