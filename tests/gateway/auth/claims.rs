//! The claims of tokens whose signature is right.

use people_testing::issuer::{Issuer, claims, now};
use serde_json::{Value, json};

use super::Guarded;

/// A gateway that asks for an issuer and an audience, and the issuer.
async fn guarded() -> (Guarded, Issuer) {
    let issuer = Issuer::new("HS256");
    let settings = [
        ("auth.issuer", "https://issuer.example"),
        ("auth.audience", "people"),
    ];
    (Guarded::by(&[&issuer], &settings).await, issuer)
}

fn good() -> Value {
    let mut claims = claims("ada", "writer");
    claims["iss"] = json!("https://issuer.example");
    claims["aud"] = json!("people");
    claims
}

#[tokio::test]
async fn each_registered_claim_is_checked() {
    let (guarded, issuer) = guarded().await;
    assert_eq!(guarded.refusal(&issuer.token(&good())).await, None);
    for claim in ["sub", "exp", "iss", "aud"] {
        let mut claims = good();
        claims.as_object_mut().expect("claims").remove(claim);
        guarded
            .assert_refused(&issuer.token(&claims), "claims")
            .await;
    }
    let long = "a".repeat(256);
    for (claim, value, reason) in [
        ("exp", json!(now() - 45), "expired"),
        ("exp", json!(now().to_string()), "claims"),
        ("exp", json!(null), "claims"),
        ("exp", json!(-5), "claims"),
        ("exp", json!(1e300), "claims"),
        ("exp", json!(now() + 8 * 86_400), "lifetime"),
        ("nbf", json!(now() + 60), "early"),
        ("nbf", json!("soon"), "claims"),
        ("iss", json!("https://other.example"), "issuer"),
        ("iss", json!(["https://issuer.example"]), "claims"),
        ("aud", json!("others"), "audience"),
        ("aud", json!([]), "audience"),
        ("sub", json!(7), "claims"),
        ("sub", json!(""), "claims"),
        ("sub", json!(long), "claims"),
        ("sub", json!("a\u{7}"), "claims"),
    ] {
        let mut claims = good();
        claims[claim] = value.clone();
        let refused = guarded.refusal(&issuer.token(&claims)).await;
        assert_eq!(refused.as_deref(), Some(reason), "{claim}: {value}");
    }
    for (claim, value) in [
        ("exp", json!(now() - 10)),
        ("nbf", json!(now() + 10)),
        ("aud", json!(["others", "people"])),
        ("iat", json!("whenever")),
    ] {
        let mut claims = good();
        claims[claim] = value.clone();
        let refused = guarded.refusal(&issuer.token(&claims)).await;
        assert_eq!(refused, None, "{claim}: {value}");
    }
}

#[tokio::test]
async fn claims_that_readers_could_read_in_two_ways_are_refused() {
    let (guarded, issuer) = guarded().await;
    let header = issuer.header().to_string();
    let end = now() + 3600;
    let whole = good().to_string();
    for text in [
        whole.replacen('{', &format!(r#"{{"exp":{end},"#), 1),
        whole.replacen('{', r#"{"team":"a","team":"b","#, 1),
        whole.replacen('{', r#"{"deep":{"a":1,"a":2},"#, 1),
        whole.replacen('{', r#"{"deep":[[[[[[[[1]]]]]]]],"#, 1),
        format!("[{whole}]"),
        format!("{whole} x"),
        String::new(),
        "null".to_owned(),
    ] {
        // An empty part is no part.
        let reason = if text.is_empty() {
            "malformed"
        } else {
            "claims"
        };
        guarded
            .assert_refused(&issuer.sign(&header, &text), reason)
            .await;
    }
}

#[tokio::test]
async fn reasons_behind_the_signature_are_told_only_to_those_who_signed() {
    let (guarded, _) = guarded().await;
    let stranger = Issuer::new("HS256");
    let mut expired = good();
    expired["exp"] = json!(now() - 3600);
    for claims in [expired, json!({}), good()] {
        guarded
            .assert_refused(&stranger.token(&claims), "signature")
            .await;
    }
}
