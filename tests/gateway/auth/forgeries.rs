//! Forged and malformed tokens.

use people_testing::issuer::{Issuer, claims, encode};
use serde_json::json;

use super::Guarded;

/// The parts of a token.
fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

#[tokio::test]
async fn an_unsigned_token_is_refused_for_its_algorithm() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let payload = encode(claims("ada", "writer").to_string().as_bytes());
    for algorithm in ["none", "nOnE", "NONE", "HS1", "ES256K", "Ed25519", ""] {
        let header = encode(json!({"alg": algorithm}).to_string().as_bytes());
        for token in [
            format!("{header}.{payload}."),
            format!("{header}.{payload}"),
            format!("{header}.{payload}.{}", encode(b"signature")),
        ] {
            guarded.assert_refused(&token, "algorithm").await;
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let rsa = Issuer::new("RS256").named("rsa");
    let hmac = Issuer::new("HS256").named("hmac");
    let only_rsa = Guarded::by(&[&rsa], &[]).await;
    let both = Guarded::by(&[&rsa, &hmac], &[]).await;
    for secret in [rsa.pem().into_bytes(), rsa.der()] {
        let forger = Issuer::with_secret("HS256", &secret);
        for kid in [None, Some("rsa"), Some("hmac")] {
            let mut header = json!({"alg": "HS256"});
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            let token = forger.sign(&header.to_string(), &claims("eve", "writer").to_string());
            only_rsa.assert_refused(&token, "key").await;
            let reason = if kid == Some("rsa") {
                "key"
            } else {
                "signature"
            };
            both.assert_refused(&token, reason).await;
        }
    }
}

#[tokio::test]
async fn a_key_in_the_header_of_a_token_is_not_used() {
    let (issuer, forger) = (Issuer::new("ES256"), Issuer::new("ES256"));
    let guarded = Guarded::by(&[&issuer], &[]).await;
    for (member, value) in [
        ("jwk", forger.jwk()),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = forger.header();
        header[member] = value;
        let token = forger.sign(&header.to_string(), &claims("eve", "writer").to_string());
        guarded.assert_refused(&token, "signature").await;
    }
}

#[tokio::test]
async fn a_signature_of_another_form_or_curve_is_refused() {
    let issuer = Issuer::new("ES256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let [header, payload, _] = parts(&issuer.token(&claims("ada", "writer")));
    let der = [
        &[0x30, 0x44, 0x02, 0x20][..],
        &[1; 32],
        &[0x02, 0x20],
        &[1; 32],
    ]
    .concat();
    for signature in [vec![0; 64], der, vec![0; 63], vec![0; 96]] {
        let token = format!("{header}.{payload}.{}", encode(&signature));
        guarded.assert_refused(&token, "signature").await;
    }
    let other_curve = Guarded::by(&[&Issuer::new("ES384")], &[]).await;
    let token = issuer.token(&claims("ada", "writer"));
    other_curve.assert_refused(&token, "key").await;
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    for algorithm in ["HS256", "RS256", "PS256", "ES256", "EdDSA"] {
        let issuer = Issuer::new(algorithm);
        let guarded = Guarded::by(&[&issuer], &[]).await;
        let good = issuer.token(&claims("ada", "reader"));
        assert_eq!(guarded.refusal(&good).await, None, "{algorithm}");
        let [header, payload, signature] = parts(&good);
        let other = encode(claims("ada", "writer").to_string().as_bytes());
        let mut longer = issuer.header();
        longer["more"] = json!(1);
        let longer = encode(longer.to_string().as_bytes());
        for changed in [
            format!("{header}.{other}.{signature}"),
            format!("{longer}.{payload}.{signature}"),
        ] {
            guarded.assert_refused(&changed, "signature").await;
        }
        // Every character of the signature counts, the last with its unused bits as well.
        for at in [0, signature.len() / 2, signature.len() - 1] {
            for replacement in ["A", "B", "_"] {
                let mut changed = signature.clone();
                changed.replace_range(at..=at, replacement);
                if changed != signature {
                    let changed = format!("{header}.{payload}.{changed}");
                    guarded.assert_refused(&changed, "signature").await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_another_form_is_malformed_or_too_long() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let good = issuer.token(&claims("ada", "writer"));
    let [header, payload, signature] = parts(&good);
    for malformed in [
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.sig+nature/"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        "token".to_owned(),
    ] {
        guarded.assert_refused(&malformed, "malformed").await;
    }
    let long = format!("{good}{}", "a".repeat(8_193 - good.len()));
    guarded.assert_refused(&long, "too-long").await;
    guarded
        .assert_refused(&"a".repeat(60_000), "too-long")
        .await;
    let longest = {
        let mut claims = claims("ada", "writer");
        let overhead = issuer.token(&claims).len();
        claims["pad"] = json!("p".repeat((8_192 - overhead) * 3 / 4 - 16));
        issuer.token(&claims)
    };
    assert!(
        (8_100..=8_192).contains(&longest.len()),
        "{}",
        longest.len()
    );
    assert_eq!(guarded.refusal(&longest).await, None);
}

#[tokio::test]
async fn a_header_with_members_that_change_its_meaning_is_malformed() {
    let issuer = Issuer::new("HS256");
    let guarded = Guarded::by(&[&issuer], &[]).await;
    let claims = claims("ada", "writer").to_string();
    for header in [
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","typ":"logout+jwt"}"#,
        r#"{"alg":"HS256","typ":"dpop+jwt"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"a"}"#,
        r#"{"alg":"HS256","kid":7}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"["HS256"]"#,
        "x",
    ] {
        let token = issuer.sign(header, &claims);
        guarded.assert_refused(&token, "malformed").await;
    }
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt"}"#,
        r#"{"alg":"HS256","typ":"application/at+jwt","cty":"x"}"#,
    ] {
        assert_eq!(guarded.refusal(&issuer.sign(header, &claims)).await, None);
    }
}
