//! A token as it is sent: a JWS in compact form (RFC 7515, section 3.1), before its signature is
//! verified.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use serde_json::value::RawValue;

use super::TOKEN_BYTES_MAX;
use super::algorithm::Algorithm;
use super::fault::{TokenFault, TokenFaultReason};
use super::keys::KID_BYTES_MAX;
use crate::domain::strict;

/// The levels of a header and of claims.
const DEPTH_MAX: usize = 8;
/// Characters of a `kid` that the log repeats.
const SHOWN_KID_MAX: usize = 64;
/// The values of `typ`, in any case: RFC 7519, section 5.1, and RFC 9068, section 2.1. Others name
/// tokens that are no proof of a login (RFC 8725, section 3.11).
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// The parts of a token.
#[derive(Debug)]
pub(super) struct CompactToken<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    /// What is signed: header and claims as they were sent.
    pub(super) message: &'t str,
    pub(super) claims: &'t str,
    pub(super) signature: &'t str,
}

impl<'t> CompactToken<'t> {
    /// Reads the header, and divides the token. The algorithm is judged first: an unsigned token
    /// has no third part.
    pub(super) fn parse(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFaultReason::TooLong.because(format!(
                "The token is longer than {TOKEN_BYTES_MAX} bytes: put less into it."
            )));
        }
        let mut parts = token.split('.');
        let header = parts.next().unwrap_or_default();
        let Value::Object(header) = json(header).ok_or_else(not_compact)? else {
            return Err(not_compact());
        };
        let text = |member: &str| match header.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(malformed(format!("its header's {member} is not a text"))),
        };
        let name = text("alg")?.ok_or_else(|| malformed("its header has no alg"))?;
        let algorithm = Algorithm::named(name).ok_or_else(|| {
            let known: Vec<_> = Algorithm::ALL.into_iter().map(Algorithm::name).collect();
            TokenFaultReason::Algorithm.because(format!(
                "The algorithm of the token is not accepted: sign with one of {}.",
                known.join(", ")
            ))
        })?;
        let (Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(not_compact());
        };
        if ![claims, signature].into_iter().all(is_base64url) {
            return Err(not_compact());
        }
        for member in ["crit", "b64"] {
            if header.contains_key(member) {
                return Err(malformed(format!(
                    "its header has {member}, which is not supported"
                )));
            }
        }
        if let Some(typ) = text("typ")?
            && !TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ))
        {
            return Err(malformed("its header's typ is neither JWT nor at+jwt"));
        }
        let kid = text("kid")?;
        if kid.is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(malformed(format!(
                "its header's kid is longer than {KID_BYTES_MAX} bytes"
            )));
        }
        Ok(Self {
            algorithm,
            kid: kid.map(str::to_owned),
            message: &token[..token.len() - signature.len() - 1],
            claims,
            signature,
        })
    }
}

/// The `kid` of a token that was refused, for the log: cut, and without characters that would
/// change how a line looks.
pub fn shown_kid(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = json(token.split('.').next()?)?;
    let kid = header.get("kid")?.as_str()?;
    let cut: String = kid.chars().take(SHOWN_KID_MAX).collect();
    Some(cut.escape_debug().to_string())
}

/// The JSON value in a part, each member once and not too deep.
pub(super) fn json(part: &str) -> Option<Value> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    serde_json::from_str::<&RawValue>(&text).ok()?;
    strict::value(&text, DEPTH_MAX).ok()
}

fn is_base64url(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn not_compact() -> TokenFault {
    malformed("it has to be a JWT in compact form: HEADER.CLAIMS.SIGNATURE, each in base64url")
}

fn malformed(what: impl AsRef<str>) -> TokenFault {
    TokenFaultReason::Malformed.because(format!("The token cannot be read: {}.", what.as_ref()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(header: &str) -> String {
        format!("{}.e30.c2ln", BASE64URL_NOPAD.encode(header.as_bytes()))
    }

    fn reason(token: &str) -> Option<TokenFaultReason> {
        CompactToken::parse(token).err().map(|fault| fault.reason)
    }

    #[test]
    fn a_token_has_three_parts_and_a_header_of_a_known_form() {
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"ES256","typ":"jwt","kid":"a"}"#,
            r#"{"alg":"RS256","typ":"application/at+jwt","jku":"http://evil.example"}"#,
        ] {
            assert_eq!(reason(&token(header)), None, "{header}");
        }
        for header in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"alg":7}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":7}"#,
            r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"logout+jwt"}"#,
            r#"{"alg":"HS256","typ":"dpop+jwt"}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","a":[[[[[[[[[]]]]]]]]]}"#,
        ] {
            let reason = reason(&token(header));
            assert_eq!(reason, Some(TokenFaultReason::Malformed), "{header}");
        }
        let long_kid = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "a".repeat(201));
        assert_eq!(reason(&token(&long_kid)), Some(TokenFaultReason::Malformed));
        let good = token(r#"{"alg":"HS256"}"#);
        for bad in [
            String::new(),
            ".".into(),
            good.replace(".c2ln", ""),
            good.replace("c2ln", ""),
            format!("{good}.c2ln"),
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
        ] {
            assert_eq!(reason(&bad), Some(TokenFaultReason::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_kid_is_shown_cut_and_escaped() {
        let shown = |kid: &str| shown_kid(&token(&json!({"alg": "x", "kid": kid}).to_string()));
        assert_eq!(shown("key-1").as_deref(), Some("key-1"));
        assert_eq!(
            shown("a\n\u{1b}[2J\u{202e}").as_deref(),
            Some("a\\n\\u{1b}[2J\\u{202e}")
        );
        assert_eq!(shown(&"k".repeat(5000)), Some("k".repeat(SHOWN_KID_MAX)));
        for other in ["", "x", "a.b.c", &token("{}"), &token(r#"{"kid":7}"#)] {
            assert_eq!(shown_kid(other), None, "{other}");
        }
        assert_eq!(shown(&"k".repeat(9000)), None);
    }

    #[test]
    fn an_unsigned_token_is_refused_for_its_algorithm() {
        for algorithm in ["none", "nOnE", "hs256", "Ed25519", "HS1", ""] {
            let signed = token(&format!(r#"{{"alg":"{algorithm}"}}"#));
            let unsigned = signed.replace("c2ln", "");
            let two_parts = signed.replace(".c2ln", "");
            for token in [signed, unsigned, two_parts] {
                assert_eq!(reason(&token), Some(TokenFaultReason::Algorithm), "{token}");
            }
        }
    }

    #[test]
    fn a_long_token_is_refused_unread() {
        let long = "a".repeat(TOKEN_BYTES_MAX + 1);
        assert_eq!(reason(&long), Some(TokenFaultReason::TooLong));
    }
}
