//! The claims of a token whose signature is right (RFC 7519, section 4.1).

use std::time::Duration;

use serde_json::{Map, Value};

use super::compact::json;
use super::fault::{TokenFault, TokenFaultReason};
use super::options::Options;

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
const LAST_SECOND: f64 = 253_402_300_799.0;
/// The longest subject, in characters.
const SUBJECT_MAX: usize = 255;

/// The claims of a token.
#[derive(Debug)]
pub(super) struct Claims(Map<String, Value>);

/// The holder of a token, and its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) subject: String,
    pub(super) issuer: Option<String>,
    /// When the token ends, since 1970.
    pub(super) expires: Duration,
}

impl Claims {
    /// Reads the claims part.
    pub(super) fn parse(part: &str) -> Result<Self, TokenFault> {
        match json(part) {
            Some(Value::Object(members)) => Ok(Self(members)),
            _ => Err(wrong(
                "they have to be a JSON object that names no member twice, nested at most 8 levels",
            )),
        }
    }

    /// All of them.
    pub(super) const fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Checks the registered claims at the time `now` since 1970.
    pub(super) fn check(&self, options: &Options, now: Duration) -> Result<Holder, TokenFault> {
        let expires = self
            .time("exp")?
            .ok_or_else(|| wrong("exp is missing: a token has to end"))?;
        let not_before = self.time("nbf")?;
        let subject = self.subject()?;
        let issuer = self.issuer(options.issuer.as_deref())?;
        self.check_audience(options.audience.as_deref())?;
        let leeway = options.leeway;
        if now > expires + leeway {
            let ago = now.saturating_sub(expires).as_secs();
            return Err(TokenFaultReason::Expired.because(format!(
                "The token expired {ago} s ago, by the clock of the gateway: get a new one."
            )));
        }
        if let Some(not_before) = not_before
            && now + leeway < not_before
        {
            let ahead = not_before.saturating_sub(now).as_secs();
            return Err(TokenFaultReason::Early.because(format!(
                "The token is valid in {ahead} s, by the clock of the gateway (nbf)."
            )));
        }
        if expires > now + options.lifetime_max + leeway {
            let most = options.lifetime_max.as_secs();
            return Err(TokenFaultReason::Lifetime.because(format!(
                "The token ends later than {most} s from now: issue tokens with a shorter exp."
            )));
        }
        Ok(Holder {
            subject,
            issuer,
            expires,
        })
    }

    /// A `NumericDate`; it may have a fraction.
    fn time(&self, claim: &str) -> Result<Option<Duration>, TokenFault> {
        let Some(value) = self.0.get(claim) else {
            return Ok(None);
        };
        value
            .as_f64()
            .filter(|seconds| (0.0..=LAST_SECOND).contains(seconds))
            .map(|seconds| Some(Duration::from_secs_f64(seconds)))
            .ok_or_else(|| wrong(&format!("{claim} has to be a time in seconds since 1970")))
    }

    fn subject(&self) -> Result<String, TokenFault> {
        let subject = self.0.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|subject| is_subject(subject));
        subject.map(str::to_owned).ok_or_else(|| {
            wrong(&format!(
                "sub has to be a text of 1 to {SUBJECT_MAX} characters without control characters"
            ))
        })
    }

    fn issuer(&self, expected: Option<&str>) -> Result<Option<String>, TokenFault> {
        let Some(expected) = expected else {
            return Ok(self.0.get("iss").and_then(Value::as_str).map(str::to_owned));
        };
        match self.0.get("iss") {
            Some(Value::String(issuer)) if issuer == expected => Ok(Some(issuer.clone())),
            Some(Value::String(_)) => Err(TokenFaultReason::Issuer
                .because("The token is of another issuer (iss) than this gateway trusts.")),
            _ => Err(wrong(
                "iss has to be a text: the issuer that the gateway trusts",
            )),
        }
    }

    fn check_audience(&self, expected: Option<&str>) -> Result<(), TokenFault> {
        let Some(expected) = expected else {
            return Ok(());
        };
        let is_named = match self.0.get("aud") {
            Some(Value::String(audience)) => audience == expected,
            Some(Value::Array(audiences)) => {
                if !audiences.iter().all(Value::is_string) {
                    return Err(wrong("aud has to be a text or a list of texts"));
                }
                audiences.iter().any(|audience| audience == expected)
            }
            _ => return Err(wrong("aud has to be a text or a list of texts")),
        };
        if is_named {
            return Ok(());
        }
        Err(TokenFaultReason::Audience
            .because("The token is for another audience (aud) than this gateway."))
    }
}

/// Whether a text may be the subject of a token.
pub fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The fault of a claim.
pub(super) fn wrong(what: &str) -> TokenFault {
    TokenFaultReason::Claims.because(format!("The claims of the token are refused: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn options() -> Options {
        Options {
            issuer: Some("https://issuer.example".into()),
            audience: Some("people".into()),
            ..Options::default()
        }
    }

    fn check(change: impl FnOnce(&mut Map<String, Value>)) -> Option<TokenFaultReason> {
        let claims = serde_json::json!({
            "sub": "ada", "exp": 1_003_600, "iss": "https://issuer.example", "aud": "people",
        });
        let Value::Object(mut members) = claims else {
            panic!("an object");
        };
        change(&mut members);
        let checked = Claims(members).check(&options(), NOW);
        checked.err().map(|fault| fault.reason)
    }

    #[track_caller]
    fn assert_with(claim: &str, value: Value, expected: Option<TokenFaultReason>) {
        let found = check(|members| drop(members.insert(claim.into(), value.clone())));
        assert_eq!(found, expected, "{claim}: {value}");
    }

    #[test]
    fn registered_claims_are_checked() {
        use TokenFaultReason::{Audience, Claims, Early, Expired, Issuer, Lifetime};
        use serde_json::json;
        assert_eq!(check(|_| ()), None);
        for claim in ["sub", "exp", "iss", "aud"] {
            let found = check(|members| drop(members.remove(claim)));
            assert_eq!(found, Some(Claims), "without {claim}");
        }
        for (claim, value, expected) in [
            ("exp", json!(1_000_000 - 29), None),
            ("exp", json!(1_000_000 - 31), Some(Expired)),
            ("exp", json!(1_000_000.5), None),
            ("exp", json!("1003600"), Some(Claims)),
            ("exp", json!(null), Some(Claims)),
            ("exp", json!(-1), Some(Claims)),
            ("exp", json!(1e300), Some(Claims)),
            ("exp", json!(1_000_000 + 8 * 86_400), Some(Lifetime)),
            ("exp", json!(1_000_000 + 7 * 86_400), None),
            ("nbf", json!(1_000_029), None),
            ("nbf", json!(1_000_031), Some(Early)),
            ("nbf", json!("1"), Some(Claims)),
            ("iss", json!("https://other.example"), Some(Issuer)),
            ("iss", json!(["https://issuer.example"]), Some(Claims)),
            ("aud", json!("other"), Some(Audience)),
            ("aud", json!([]), Some(Audience)),
            ("aud", json!(["other", "people"]), None),
            ("aud", json!(["people", 7]), Some(Claims)),
            ("aud", json!(7), Some(Claims)),
            ("sub", json!(7), Some(Claims)),
            ("sub", json!(""), Some(Claims)),
            ("sub", json!("a\nb"), Some(Claims)),
            ("sub", json!("ä".repeat(255)), None),
            ("sub", json!("a".repeat(256)), Some(Claims)),
        ] {
            assert_with(claim, value, expected);
        }
    }
}
