//! `Idempotency-Key`: recognises the repeat of a write, by the key and a fingerprint of the
//! request.

use axum::http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};

use crate::protocol::problem::{Problem, ProblemKind};
use crate::rights::Lease;
use crate::store::RequestKey;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in characters.
const LENGTH_MAX: usize = 255;

/// A caller's key of one write: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug)]
pub(super) struct CallerKey(Box<str>);

impl CallerKey {
    /// The request's key, if it has one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = value.to_str().ok().filter(|key| {
            (1..=LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        });
        match key {
            Some(key) if values.next().is_none() => Ok(Some(Self(key.into()))),
            _ => Err(Problem::new(
                ProblemKind::Idempotency,
                format!(
                    "Idempotency-Key is one value of 1 to {LENGTH_MAX} visible ASCII characters."
                ),
            )
            .with_status(axum::http::StatusCode::BAD_REQUEST)),
        }
    }

    /// Refuses a key on a call that cannot honour it.
    pub(super) fn none(headers: &HeaderMap) -> Result<(), Problem> {
        if !headers.contains_key(HEADER) {
            return Ok(());
        }
        let detail = "Idempotency-Key does not cover an import: give each line an id, then a \
                      repeat is harmless.";
        Err(Problem::new(ProblemKind::Idempotency, detail)
            .with_status(axum::http::StatusCode::BAD_REQUEST))
    }

    /// The key's text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the key's record, and the fingerprint of its request. Each part is hashed with
    /// its length, so that different requests never give the same input. Each holder of a token has
    /// keys of their own.
    pub(super) fn request_key(
        &self,
        holder: Option<&Lease>,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> RequestKey {
        let precondition = |name| {
            headers
                .get(name)
                .map_or(&b""[..], |value: &axum::http::HeaderValue| value.as_bytes())
        };
        let (if_match, if_none_match) = (
            precondition(header::IF_MATCH),
            precondition(header::IF_NONE_MATCH),
        );
        let mut name = vec![method.as_bytes(), path.as_bytes(), self.0.as_bytes()];
        if let Some(holder) = holder {
            let issuer = holder.issuer.as_deref().unwrap_or_default();
            name.extend([issuer.as_bytes(), holder.subject.as_bytes()]);
        }
        RequestKey {
            name: digest(&name),
            fingerprint: digest(&[
                method.as_bytes(),
                path.as_bytes(),
                if_match,
                if_none_match,
                body,
            ]),
        }
    }
}

/// The 422 of a key that was used for another request.
pub(super) fn reused() -> Problem {
    Problem::new(
        ProblemKind::Idempotency,
        "This Idempotency-Key was used for another request: take a new one.",
    )
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_1_to_255_visible_ascii_characters() {
        let valid = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    HEADER,
                    axum::http::HeaderValue::from_bytes(value).expect("a value"),
                );
            }
            CallerKey::of(&headers).is_ok()
        };
        assert!(valid(&[]) && valid(&[b"a"]) && valid(&[&[b'~'; 255]]));
        assert!(
            !valid(&[b""])
                && !valid(&[&[b'~'; 256]])
                && !valid(&[b"a b"])
                && !valid(&[b"\xc3\xa5"])
        );
        assert!(!valid(&[b"a", b"a"]));
    }

    #[test]
    fn the_name_is_per_method_and_path_and_the_fingerprint_covers_body_and_preconditions() {
        let none = HeaderMap::new();
        let mut matching = HeaderMap::new();
        matching.insert(header::IF_MATCH, "*".parse().expect("a value"));
        let mut creating = HeaderMap::new();
        creating.insert(header::IF_NONE_MATCH, "*".parse().expect("a value"));
        let key = CallerKey("k".into());
        let first = key.request_key(None, "PUT", "/people/1", &none, b"body");
        assert_eq!(
            key.request_key(None, "PUT", "/people/1", &none, b"body"),
            first
        );
        assert_ne!(
            key.request_key(None, "PATCH", "/people/1", &none, b"body")
                .name,
            first.name
        );
        assert_ne!(
            key.request_key(None, "PUT", "/people/2", &none, b"body")
                .name,
            first.name
        );
        for (headers, body) in [
            (&none, &b"other"[..]),
            (&matching, b"body"),
            (&creating, b"body"),
        ] {
            let other = key.request_key(None, "PUT", "/people/1", headers, body);
            assert_eq!(other.name, first.name);
            assert_ne!(other.fingerprint, first.fingerprint);
        }
        let [one, other] = [&matching, &creating]
            .map(|headers| key.request_key(None, "PUT", "/people/1", headers, b"body"));
        assert_ne!(one.fingerprint, other.fingerprint);
    }
}
