//! The keys of a gateway: which it takes, which it refuses at start, which one a token is checked
//! with.

use std::process::Stdio;

use people_testing::issuer::{Issuer, claims, encode, key_set};
use people_testing::program;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Guarded, TestFile};

/// The standard error of a gateway that refuses to start.
pub(super) async fn start_error(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(program())
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .args(arguments)
        .env_clear()
        .current_dir(&folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(people_testing::wait::DEADLINE, output);
    let output = output.await.expect("it ends").expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[tokio::test]
async fn every_algorithm_is_accepted_from_a_key_set() {
    for algorithm in [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "EdDSA",
    ] {
        let issuer = Issuer::new(algorithm).named("key");
        let guarded = Guarded::by(&[&issuer], &[]).await;
        let token = issuer.token(&claims("ada", "writer"));
        assert_eq!(guarded.refusal(&token).await, None, "{algorithm}");
    }
}

#[tokio::test]
async fn public_keys_in_pem_are_accepted_one_or_several() {
    let issuers = ["RS256", "ES256", "ES384", "EdDSA"].map(Issuer::new);
    let pem: String = issuers.iter().map(Issuer::pem).collect();
    let guarded = Guarded::with_file(&pem, &[]).await;
    for issuer in &issuers {
        let token = issuer.token(&claims("ada", "writer"));
        assert_eq!(guarded.refusal(&token).await, None);
    }
}

#[tokio::test]
async fn a_key_is_bound_to_one_algorithm() {
    let issuer = Issuer::new("PS256");
    let mut without_alg = issuer.jwk();
    without_alg.as_object_mut().expect("a key").remove("alg");
    let guarded = Guarded::with_file(&key_set(&[without_alg]), &[]).await;
    let token = issuer.token(&claims("ada", "writer"));
    guarded.assert_refused(&token, "key").await;
}

#[tokio::test]
async fn a_token_is_checked_with_the_one_key_of_its_algorithm_and_kid() {
    let (first, second) = (
        Issuer::new("RS256").named("first"),
        Issuer::new("RS256").named("second"),
    );
    let guarded = Guarded::by(&[&first, &second], &[]).await;
    let claims = claims("ada", "writer");
    for issuer in [&first, &second] {
        assert_eq!(guarded.refusal(&issuer.token(&claims)).await, None);
    }
    let unnamed = first.sign(r#"{"alg":"RS256"}"#, &claims.to_string());
    guarded.assert_refused(&unnamed, "key").await;
    let other = first.sign(r#"{"alg":"RS256","kid":"second"}"#, &claims.to_string());
    guarded.assert_refused(&other, "signature").await;
    let unknown = first.sign(r#"{"alg":"RS256","kid":"third"}"#, &claims.to_string());
    guarded.assert_refused(&unknown, "key").await;
    let alone = Guarded::by(&[&first], &[]).await;
    assert_eq!(alone.refusal(&unnamed).await, None);
}

#[tokio::test]
async fn unusable_keys_end_the_start_each_named_and_none_shown() {
    let short_rsa = json!({"kty": "RSA", "n": encode(&[0xc3; 128]), "e": "AQAB"});
    let mut private = Issuer::new("ES256").jwk();
    private["d"] = json!(encode(&[7; 32]));
    let mut encryption = Issuer::new("ES256").jwk();
    encryption["use"] = json!("enc");
    let point = json!({"kty": "EC", "crv": "P-256", "x": encode(&[0; 32]), "y": encode(&[0; 32])});
    let mut misfit = Issuer::new("ES256").jwk();
    misfit["alg"] = json!("RS256");
    let cases: [(Value, &str); 8] = [
        (
            json!({"kty": "oct", "k": encode(b"canary-8")}),
            "shorter than 32 bytes",
        ),
        (short_rsa, "fewer than 2048 bits"),
        (private, "private key"),
        (encryption, "not for verifying"),
        (point, "no valid key"),
        (misfit, "alg"),
        (json!({"kty": "EC", "crv": "secp256k1"}), "type"),
        (json!({"kty": "RSA", "n": "!", "e": "AQAB"}), "base64url"),
    ];
    let all: Vec<Value> = cases.iter().map(|(key, _)| key.clone()).collect();
    let file = TestFile::new("keys.jwks", &key_set(&all));
    let config = TestFile::new(
        "settings.toml",
        &format!("[auth]\nmode = \"jwt\"\nkeys = {:?}\n", file.text()),
    );
    let error = start_error(&["--config", config.text()]).await;
    for (number, (_, text)) in (1..).zip(&cases) {
        assert!(
            error.contains(&format!("key {number} ")),
            "{number}: {error}"
        );
        assert!(error.contains(text), "{text}: {error}");
    }
    assert!(!error.contains(&encode(b"canary-8")), "{error}");
    for (text, named) in [
        (
            "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
            "private key",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n",
            "private key",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
            "PUBLIC KEY",
        ),
        (r#"{"keys":[]}"#, "no key"),
        ("{}", "keys"),
        ("canary", "JSON"),
        ("", "JSON"),
    ] {
        let file = TestFile::new("keys", text);
        let config = TestFile::new(
            "settings.toml",
            &format!("[auth]\nmode = \"jwt\"\nkeys = {:?}\n", file.text()),
        );
        let error = start_error(&["--config", config.text()]).await;
        assert!(error.contains(named), "{text}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn redis_without_keys_and_a_missing_file_end_the_start() {
    let error = start_error(&["--auth", "jwt", "--store", "redis://127.0.0.1:1"]).await;
    assert!(error.contains("auth.keys"), "{error}");
    let config = TestFile::new(
        "settings.toml",
        "[auth]\nmode = \"jwt\"\nkeys = \"/nowhere/keys\"\n",
    );
    let error = start_error(&["--config", config.text()]).await;
    assert!(
        error.contains("auth.keys") && error.contains("/nowhere/keys"),
        "{error}"
    );
}
