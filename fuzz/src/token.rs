//! Tokens: those of strangers, and those that say anything under a right signature.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use people_gateway::auth::{
    Authenticator, KeySource, Metrics, Options, TOKEN_BYTES_MAX, VerifyError, read_keys, shown_kid,
};
use people_gateway::rights::{Lease, Policy};
use people_testing::issuer::{Issuer, key_set, now};
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};

use crate::DIVIDER;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// Roles whose rights depend on claims.
const POLICY: &str = r#"
[[role]]
name = "lead"
can = ["read", "watch", "save", "delete"]
where = "attributes.team in claims.teams"
save = "attributes.team == claims.team && attributes.level <= claims.level"
hide = ["attributes.salary"]

[[role]]
name = "reader"
can = ["read"]
where = "job == claims.nested.job"
"#;

/// Nearly as long as a token can name.
const LIFETIME_MAX: Duration = Duration::from_secs(300_000_000_000);
/// 9999-12-31T23:59:59Z, the last second that a token can name.
const LAST_SECOND: i64 = 253_402_300_799;
/// How far clocks may differ, in seconds.
const LEEWAY: f64 = 30.0;
/// How long an input may take, in seconds.
const TOLERANCE: f64 = 5.0;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(Verifier::new);

struct Verifier {
    authenticator: Authenticator,
    issuer: Issuer,
    runtime: Runtime,
}

/// Reads the input as a token, which must be refused; and as a header and claims that the gateway's
/// own key signs: these are accepted only where a naive judge accepts them.
pub fn token(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let verifier = &*VERIFIER;
    if let Some(kid) = shown_kid(text) {
        assert!(!kid.contains(char::is_control));
    }
    let refused = verifier.verify(text).err();
    let refused = refused.expect("a token that nobody signed is refused");
    assert!(has_a_reason(&refused), "{refused:?}");
    let Some((header, claims)) = text.split_once(DIVIDER) else {
        return;
    };
    let token = verifier.issuer.sign(header, claims);
    match verifier.verify(&token) {
        Ok(lease) => {
            let subject = may_be_accepted(header, claims).expect("no reason to refuse it");
            assert_eq!(*lease.subject, *subject);
        }
        Err(error) => assert!(
            token.len() > TOKEN_BYTES_MAX || !must_be_accepted(header, claims),
            "{error:?}"
        ),
    }
}

fn has_a_reason(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Refused(fault) if !fault.detail.is_empty())
}

impl Verifier {
    fn new() -> Self {
        let issuer = Issuer::with_secret("HS256", SECRET);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        std::fs::write(&file, key_set(&[issuer.jwk()])).expect("room");
        let keys = KeySource::Fixed(Arc::new(read_keys(&file).expect("keys")));
        let options = Options {
            lifetime_max: LIFETIME_MAX,
            ..Options::default()
        };
        let policy: Policy = POLICY.parse().expect("a policy");
        Self {
            authenticator: Authenticator::new(keys, policy, options, Metrics::default()),
            issuer,
            runtime: Builder::new_current_thread().build().expect("a runtime"),
        }
    }

    fn verify(&self, token: &str) -> Result<Arc<Lease>, VerifyError> {
        self.runtime.block_on(self.authenticator.verify(token))
    }
}

/// The subject of a token that has nothing which every gateway must refuse.
fn may_be_accepted(header: &str, claims: &str) -> Option<String> {
    let (header, claims) = (object(header)?, object(claims)?);
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => Some(Some(value.as_f64()?)),
    };
    let now = seconds();
    let holds = header.get("alg")? == "HS256"
        && !header.contains_key("crit")
        && !header.contains_key("b64")
        && time("exp")?? >= now - LEEWAY - TOLERANCE
        && time("nbf")?.is_none_or(|begin| begin <= now + LEEWAY + TOLERANCE);
    let subject = claims.get("sub")?.as_str()?;
    let is_short = (1..=255).contains(&subject.chars().count());
    (holds && is_short && !subject.contains(char::is_control)).then(|| subject.to_owned())
}

/// Whether there is no reason to refuse the token: it is as plain as tokens can be.
fn must_be_accepted(header: &str, claims: &str) -> bool {
    let is_plain = |text: &str| {
        let levels = text.matches(['{', '[']).count();
        let written = object(text).map(|members| Value::Object(members).to_string());
        levels <= 8 && written.is_some_and(|written| written == text)
    };
    let is_plain = [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"JWT"}"#].contains(&header)
        && is_plain(claims);
    let Some(members) = object(claims).filter(|_| is_plain) else {
        return false;
    };
    let times = |name: &str| members.get(name).map(Value::as_i64);
    let now = now();
    let holds = matches!(times("exp"), Some(Some(end)) if (now..=LAST_SECOND).contains(&end))
        && matches!(times("nbf"), None | Some(Some(0..=1_700_000_000)))
        && !members.contains_key("people");
    holds && may_be_accepted(header, claims).is_some()
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn seconds() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_secs_f64()
}
