//! Keys from a URL: which keys of a set count, when it is fetched, and what a caller meets while it
//! cannot be.

mod outages;
mod server;
mod tls;
mod withdrawal;

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use people_testing::issuer::{Issuer, claims};
use people_testing::process::Gateway;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Guarded, TestFile, UNLIMITED_BAD_TOKENS};
use crate::auth::keys::start_error;
use server::{CANARY, KeyServer, keys_of, set};

/// Settings with which a change of the set is noticed soon.
const SOON: [(&str, &str); 2] = [
    ("auth.jwks_refresh_ms", "300"),
    ("auth.jwks_retry_ms", "200"),
];

/// A gateway with the keys of this URL, which need not be there yet.
async fn by_url(url: &str, settings: &[(&str, &str)]) -> Guarded {
    guarded(Gateway::start(&with_url(url, settings)).await)
}

/// As [`by_url`]; the gateway trusts the certificates in this file only.
async fn by_url_trusting(url: &str, authority: &Path, settings: &[(&str, &str)]) -> Guarded {
    guarded(Gateway::trusting(authority, &with_url(url, settings)).await)
}

fn with_url<'a>(url: &'a str, settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let by_url = [
        ("auth.mode", "jwt"),
        ("auth.jwks", url),
        ("auth.issuer", "https://issuer.example"),
        ("auth.audience", "people"),
        UNLIMITED_BAD_TOKENS,
    ];
    [&by_url, settings].concat()
}

fn guarded(gateway: Gateway) -> Guarded {
    Guarded {
        gateway,
        _folder: tempfile::tempdir().expect("a folder"),
    }
}

async fn ready(server: &KeyServer, settings: &[(&str, &str)]) -> Guarded {
    let guarded = by_url(&server.url(), settings).await;
    guarded.gateway.wait_ready().await;
    guarded
}

/// The claims of a token that such a gateway accepts.
fn accepted(subject: &str) -> Value {
    let mut claims = claims(subject, "writer");
    claims["iss"] = json!("https://issuer.example");
    claims["aud"] = json!("people");
    claims
}

fn issuer(kid: &str) -> Issuer {
    Issuer::new("EdDSA").named(kid)
}

#[tokio::test]
async fn a_set_counts_without_the_keys_that_are_not_for_tokens() {
    let (good, secret) = (issuer("good"), Issuer::new("HS256").named("secret"));
    let mut encryption = issuer("enc").jwk();
    encryption["use"] = json!("enc");
    let garbage = json!({"kty": "RSA", "n": "!", "e": [[[[[[[[[1]]]]]]]]]});
    let keys = [secret.jwk(), garbage, encryption, json!(7), good.jwk()];
    let server = KeyServer::start(keys_of(&keys)).await;
    let guarded = ready(&server, &[]).await;
    assert_eq!(guarded.refusal(&good.token(&accepted("ada"))).await, None);
    let forged = secret.token(&accepted("eve"));
    guarded.assert_refused(&forged, "key").await;
    assert_eq!(guarded.gateway.count("keys").await, 1);
    let log = guarded.gateway.log();
    assert_eq!(log.matches("keys of the set are left out").count(), 1);
    assert_eq!(log.matches("keys changed").count(), 1);
    assert!(log.contains("left_out=4"), "{log}");
    assert!(!log.contains(CANARY), "{log}");
}

#[tokio::test]
async fn the_first_token_of_a_new_key_is_accepted() {
    let (old, new) = (issuer("old"), issuer("new"));
    let server = KeyServer::start(set(&[&old])).await;
    let settings = [("auth.jwks_retry_ms", "50")];
    let guarded = ready(&server, &settings).await;
    server.set(set(&[&old, &new]));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(guarded.refusal(&new.token(&accepted("ada"))).await, None);
    assert_eq!(guarded.refusal(&old.token(&accepted("ada"))).await, None);
    assert_eq!(server.requests(), 2);
    assert_eq!(guarded.gateway.count("key_fetches_total").await, 2);
}

#[tokio::test]
async fn ten_thousand_unknown_keys_cause_one_fetch_and_hold_up_nobody() {
    let good = issuer("good");
    let server = KeyServer::start(set(&[&good])).await;
    let guarded = ready(&server, &[]).await;
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let url = format!("http://{}/rights", guarded.gateway.address);
    let (before, begun) = (server.requests(), Instant::now());
    let claims = accepted("eve").to_string();
    let attacks = stream::iter(0..10_000).map(|number| {
        let header = json!({"alg": "EdDSA", "kid": format!("unknown-{number}")});
        let forged = good.sign(&header.to_string(), &claims);
        let request = client.get(&url).bearer_auth(forged);
        let honest = (number % 100 == 0).then(|| good.token(&accepted(&number.to_string())));
        let honest = honest.map(|token| client.get(&url).bearer_auth(token));
        async move {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 401);
            let problem: Value = answer.json().await.expect("JSON");
            assert_eq!(problem["reason"], "key");
            if let Some(honest) = honest {
                assert_eq!(honest.send().await.expect("an answer").status(), 200);
            }
        }
    });
    let attacks = attacks.buffer_unordered(64).count().await;
    assert_eq!(attacks, 10_000);
    let most = 1 + begun.elapsed().as_secs() / 10;
    let fetches = u64::try_from(server.requests() - before).expect("a count");
    assert!(fetches <= most, "{fetches} of {most}");
}

#[tokio::test]
async fn faulty_settings_of_the_url_end_the_start_each_named_and_none_shown() {
    let file = TestFile::new("keys.jwks", &people_testing::issuer::key_set(&[]));
    let config = |lines: &str| {
        TestFile::new(
            "settings.toml",
            &format!("[auth]\nmode = \"jwt\"\n{lines}\n"),
        )
    };
    let url = format!("jwks = \"https://issuer.example/?code={CANARY}\"\n");
    let both = config(&format!("{url}keys = {:?}\n", file.text()));
    let error = start_error(&["--config", both.text()]).await;
    for named in [
        "auth.keys: ",
        "auth.jwks: excludes auth.keys",
        "auth.jwks: needs auth.issuer and auth.audience",
    ] {
        assert!(error.contains(named), "{named}: {error}");
    }
    assert!(!error.contains(CANARY), "{error}");
    let without_audience = config(&format!("{url}issuer = \"https://issuer.example\"\n"));
    let error = start_error(&["--config", without_audience.text()]).await;
    assert!(error.contains("auth.jwks: needs auth.audience:"), "{error}");
    for (text, detail) in [
        ("http://issuer.example/keys", "has to begin with https"),
        ("file:///etc/keys", "has to be https://"),
        ("https://ada:secret@issuer.example/", "has to be https://"),
        ("nonsense", "has to be https://"),
    ] {
        let config = config(&format!("jwks = {text:?}\n"));
        let error = start_error(&["--config", config.text()]).await;
        assert!(error.contains(&format!("auth.jwks: {detail}")), "{error}");
        assert!(!error.contains(text), "{error}");
    }
}
