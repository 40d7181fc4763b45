//! Tokens: each door without one, each forgery, each claim, as a caller meets them.

mod claims;
mod doors;
mod forgeries;
mod jwks;
mod keys;
mod limits;
mod roles;
mod streams;
mod transport;

use std::path::PathBuf;

use people_testing::issuer::{Issuer, key_set};
use people_testing::process::Gateway;
use serde_json::Value;
use tempfile::TempDir;

/// Tests send more bad tokens than a caller may.
const UNLIMITED_BAD_TOKENS: (&str, &str) = ("limits.bad_tokens_per_minute", "0");

/// A gateway that trusts some keys.
pub(crate) struct Guarded {
    pub(crate) gateway: Gateway,
    _folder: TempDir,
}

/// A file of a test.
pub(crate) struct TestFile {
    folder: TempDir,
    pub(crate) path: PathBuf,
}

impl TestFile {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        Self { folder, path }
    }

    /// Its path.
    pub(crate) fn text(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }
}

impl Guarded {
    /// A gateway with the keys of these issuers, and these settings.
    pub(crate) async fn by(issuers: &[&Issuer], settings: &[(&str, &str)]) -> Self {
        let keys: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk()).collect();
        Self::with_file(&key_set(&keys), settings).await
    }

    /// A gateway with the keys in a file of this text.
    async fn with_file(text: &str, settings: &[(&str, &str)]) -> Self {
        let file = TestFile::new("keys", text);
        let all = [
            &[
                ("auth.mode", "jwt"),
                ("auth.keys", file.text()),
                UNLIMITED_BAD_TOKENS,
            ],
            settings,
        ]
        .concat();
        Self {
            gateway: Gateway::ready(&all).await,
            _folder: file.folder,
        }
    }

    /// The answer to `GET /rights` with this `Authorization`.
    async fn answer(&self, authorization: Option<&str>) -> reqwest::Response {
        let mut request = self.gateway.request("GET", "/rights");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.send().await.expect("an answer")
    }

    /// Why a token is refused; none if it is accepted.
    async fn refusal(&self, token: &str) -> Option<String> {
        let answer = self.answer(Some(&format!("Bearer {token}"))).await;
        match answer.status().as_u16() {
            200 => None,
            401 => {
                let challenge = answer.headers()["www-authenticate"].clone();
                let challenge = challenge.to_str().expect("ASCII").to_owned();
                assert!(
                    challenge
                        .starts_with(r#"Bearer realm="people-gateway", error="invalid_token""#),
                    "{challenge}"
                );
                let problem = problem(answer).await;
                assert_eq!(problem["type"], "/problems/token");
                Some(problem["reason"].as_str().expect("a reason").to_owned())
            }
            other => panic!("{other}: {:?}", answer.text().await),
        }
    }

    async fn assert_refused(&self, token: &str, reason: &str) {
        assert_eq!(
            self.refusal(token).await.as_deref(),
            Some(reason),
            "{token}"
        );
    }
}

/// The document of a refusal.
async fn problem(answer: reqwest::Response) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    serde_json::from_str(&answer.text().await.expect("text")).expect("JSON")
}
