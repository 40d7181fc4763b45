//! Keys over TLS: which server is trusted, and what an operator reads about one that is not.

use std::path::PathBuf;

use people_testing::authority::{Authority, Certificate};
use people_testing::wait::eventually;

use super::outages::{FAILED, assert_unavailable, readiness};
use super::server::{CANARY, KeyServer, set};
use super::{Guarded, SOON, accepted, by_url_trusting, issuer};
use crate::auth::TestFile;

/// A file that has the certificate of an authority.
fn trusted(authority: &Authority) -> TestFile {
    TestFile::new("authorities.pem", &authority.pem())
}

/// Waits until a fetch has failed, and returns the log line about it.
async fn failure(guarded: &Guarded) -> String {
    eventually("a fetch has failed", async || {
        guarded.gateway.count_at("key_fetches_total", FAILED).await > 0
    })
    .await;
    let log = guarded.gateway.log();
    let line = log
        .lines()
        .find(|line| line.contains("keys cannot be fetched"));
    let line = line.unwrap_or_else(|| panic!("no line of the failure: {log}"));
    assert!(line.contains("no token can be verified"), "{line}");
    assert!(!log.contains(CANARY) && !log.contains("panicked"), "{log}");
    line.to_owned()
}

/// A gateway that does not trust this server, and the log line about it.
async fn distrusting(certificate: &Certificate, file: PathBuf) -> (Guarded, String) {
    let issuer = issuer("key");
    let server = KeyServer::secured(certificate, set(&[&issuer])).await;
    let guarded = by_url_trusting(&server.url(), &file, &SOON).await;
    let line = failure(&guarded).await;
    assert_unavailable(&guarded, &issuer.token(&accepted("ada"))).await;
    assert_eq!(readiness(&guarded).await.0, 503);
    (guarded, line)
}

#[tokio::test]
async fn keys_come_from_a_server_whose_authority_the_environment_names() {
    let (authority, issuer) = (Authority::new(), issuer("key"));
    let server = KeyServer::secured(&authority.valid_certificate(), set(&[&issuer])).await;
    let file = trusted(&authority);
    let guarded = by_url_trusting(&server.url(), &file.path, &SOON).await;
    guarded.gateway.wait_ready().await;
    assert_eq!(guarded.refusal(&issuer.token(&accepted("ada"))).await, None);
    assert!(server.url().starts_with("https://"));
    let failed = guarded.gateway.count_at("key_fetches_total", FAILED);
    assert_eq!(failed.await, 0);
}

#[tokio::test]
async fn an_unknown_authority_is_told_and_trusted_without_a_restart_once_the_file_has_it() {
    let (authority, issuer) = (Authority::new(), issuer("key"));
    let server = KeyServer::secured(&authority.valid_certificate(), set(&[&issuer])).await;
    let file = trusted(&Authority::new());
    let guarded = by_url_trusting(&server.url(), &file.path, &SOON).await;
    let line = failure(&guarded).await;
    assert!(
        line.contains("not trusted here") && line.contains("SSL_CERT_FILE"),
        "{line}"
    );
    let token = issuer.token(&accepted("ada"));
    assert_unavailable(&guarded, &token).await;
    assert_eq!(readiness(&guarded).await.0, 503);
    std::fs::write(&file.path, authority.pem()).expect("a file");
    guarded.gateway.wait_ready().await;
    assert_eq!(guarded.refusal(&token).await, None);
    assert!(guarded.gateway.log().contains("keys are fetched again"));
}

#[tokio::test]
async fn the_certificate_of_another_server_and_an_expired_one_are_told() {
    let authority = Authority::new();
    for (certificate, words) in [
        (
            authority.certificate(&["issuer.example"], [1975, 4096]),
            "is for issuer.example: name the server in auth.jwks",
        ),
        (
            authority.certificate(&["127.0.0.1"], [1975, 2020]),
            "has expired, or the clock here is wrong",
        ),
    ] {
        let file = trusted(&authority);
        let (_guarded, line) = distrusting(&certificate, file.path.clone()).await;
        assert!(line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn without_any_authority_plain_http_works_and_tls_waits_for_one() {
    let authority = Authority::new();
    let issuer = issuer("key");
    let token = issuer.token(&accepted("ada"));
    let plain = KeyServer::start(set(&[&issuer])).await;
    let secured = KeyServer::secured(&authority.valid_certificate(), set(&[&issuer])).await;
    let empty = TestFile::new("authorities.pem", "");
    let missing = empty.path.with_file_name("missing.pem");
    for file in [&empty.path, &missing] {
        let guarded = by_url_trusting(&plain.url(), file, &SOON).await;
        guarded.gateway.wait_ready().await;
        assert_eq!(guarded.refusal(&token).await, None);

        let guarded = by_url_trusting(&secured.url(), file, &SOON).await;
        let line = failure(&guarded).await;
        for words in ["no certificate of an authority", "SSL_CERT_FILE"] {
            assert!(line.contains(words), "{line}");
        }
        assert_unavailable(&guarded, &token).await;
        assert_eq!(secured.requests(), 0, "the server is not asked");
    }
    let guarded = by_url_trusting(&secured.url(), &empty.path, &SOON).await;
    failure(&guarded).await;
    std::fs::write(&empty.path, authority.pem()).expect("a file");
    guarded.gateway.wait_ready().await;
    assert_eq!(guarded.refusal(&token).await, None);
}
