//! What each token lets its holder see, worked out by the test itself.

use people_testing::issuer::{Issuer, claims};
use serde_json::{Value, json};

/// The roles of the tests here. [`Access`] says the same about `tenant` and `narrow`.
pub(super) const POLICY: &str = r#"
[[role]]
name = "admin"
can = ["read", "watch", "save", "delete", "import"]

[[role]]
name = "tenant"
can = ["read", "watch", "save"]
where = 'attributes.tenant == claims.tenant'
hide = ["attributes.secret"]

[[role]]
name = "narrow"
can = ["read", "watch", "save"]
where = 'attributes.tenant == claims.tenant && age < 50'
hide = ["attributes.secret", "job"]
"#;

pub(super) const TENANTS: [&str; 3] = ["red", "green", "blue"];
/// The beginning of each hidden secret. It stands nowhere else.
pub(super) const SECRET: &str = "SECRET-";
/// The beginning of each job.
pub(super) const JOB: &str = "JOB-";

/// The rights of a token: its tenant, and whether its role is `narrow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) tenant: &'static str,
    pub(super) is_narrow: bool,
}

impl Access {
    /// A new token of a subject.
    pub(super) fn token(self, issuer: &Issuer, subject: &str) -> String {
        let role = if self.is_narrow { "narrow" } else { "tenant" };
        let mut claims = claims(subject, role);
        claims["tenant"] = json!(self.tenant);
        issuer.token(&claims)
    }

    /// Whether a person exists for the token's holder.
    pub(super) fn admits(self, person: &Value) -> bool {
        let age = person["age"].as_u64().expect("an age");
        person["attributes"]["tenant"] == self.tenant && (!self.is_narrow || age < 50)
    }

    /// A person as the token's holder sees it.
    pub(super) fn shown(self, person: &Value) -> Value {
        let mut shown = person.clone();
        let members = shown.as_object_mut().expect("an object");
        if self.is_narrow {
            members.remove("job");
        }
        let attributes = members["attributes"].as_object_mut().expect("an object");
        attributes.remove("secret");
        shown
    }

    /// Asserts that a text holds no value that is hidden from the token's holder.
    #[track_caller]
    pub(super) fn assert_hides(self, text: &str) {
        assert!(!text.contains(SECRET), "{self:?}: a secret: {text}");
        assert!(
            !self.is_narrow || !text.contains(JOB),
            "{self:?}: a job: {text}"
        );
    }
}
