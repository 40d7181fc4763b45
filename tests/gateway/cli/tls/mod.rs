//! TLS: the commands and the client connect through a balancer whose authority they trust, and
//! refuse any other.

mod balancer;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use people_client::{ClientError, Disconnect, LiveClient, LiveEvent, Timeouts, TlsFault, Trust};
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::time::{Duration, timeout};

use self::balancer::Balancer;
use crate::cli::process::{GatewayProcess, SAVE_ADA, gateway, run, start_gateway_in};
use crate::cli::script::{Script, answer};
use people_testing::authority::Authority;
use people_testing::wait::DEADLINE;

const UNKNOWN_ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";

/// The value of `--ca`.
fn authority_file(authority: &Authority, folder: &Path) -> String {
    let path = authority.write(folder);
    path.to_str().unwrap().to_owned()
}

/// Runs `get` and `watch`, which must both fail at this address, and returns their standard errors.
async fn failures(url: &str, ca: Option<&str>) -> [String; 2] {
    let failure = async |arguments: [&str; 2]| {
        let mut command = gateway(&arguments);
        command
            .env("PEOPLE_GATEWAY_URL", url)
            .envs(ca.map(|ca| ("PEOPLE_GATEWAY_CA", ca)));
        let (code, out, errors) = run(command).await;
        assert_eq!(
            (code, out.as_str(), errors.lines().count()),
            (1, "", 1),
            "{errors}"
        );
        errors
    };
    [
        failure(["get", UNKNOWN_ID]).await,
        failure(["watch", "--snapshot"]).await,
    ]
}

/// Asserts that both commands refuse this certificate, with these words.
async fn assert_refused(
    serving: &GatewayProcess,
    certificate: Arc<ServerConfig>,
    ca: Option<&str>,
    words: &[&str],
) {
    let balancer = Balancer::start(serving, certificate).await;
    for errors in failures(&balancer.url("https"), ca).await {
        assert!(
            words.iter().all(|word| errors.contains(word)),
            "{words:?} in {errors}"
        );
    }
}

#[tokio::test]
async fn each_command_works_through_a_balancer_with_a_trusted_authority() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let authority = Authority::new();
    let (ca, balancer) = (
        authority_file(&authority, folder.path()),
        Balancer::start(&serving, authority.valid_certificate().server()).await,
    );
    let url = balancer.url("https");
    let flags = ["--url", &url, "--ca", &ca];
    let (code, saved, errors) = run(gateway(&[&SAVE_ADA[..], &flags].concat())).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    let id = serde_json::from_str::<serde_json::Value>(&saved).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        run(gateway(&[&["get", &id], &flags[..]].concat())).await,
        (0, saved.clone(), String::new())
    );
    assert_eq!(
        run(gateway(&[&["export"], &flags[..]].concat())).await,
        (0, saved.clone(), String::new())
    );
    let file = folder.path().join("people.ndjson");
    std::fs::write(&file, &saved).unwrap();
    let (code, out, _) = run(gateway(
        &[&["import", file.to_str().unwrap()], &flags[..]].concat(),
    ))
    .await;
    assert_eq!(
        (code, out.as_str()),
        (0, "{\"saved\":1,\"refused\":0,\"lines\":1}\n")
    );
    for url in [url.clone(), balancer.url("wss") + "/updates"] {
        let mut child = gateway(&["watch", "--snapshot", "--url", &url, "--ca", &ca]);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, lines.next_line())
            .await
            .expect("a line in time")
            .unwrap()
            .expect("a line");
        assert!(line.contains(&id), "{line}");
    }
    assert_eq!(
        run(gateway(&[&["delete", &id], &flags[..]].concat())).await,
        (0, String::new(), String::new())
    );
    assert!(serving.people().await.is_empty());
}

#[tokio::test]
async fn bad_certificates_are_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let authority = Authority::new();
    let ca = authority_file(&authority, folder.path());
    let ca = Some(ca.as_str());
    let unknown = ["not trusted here", "--ca FILE", "PEOPLE_GATEWAY_CA"];
    assert_refused(
        &serving,
        authority.valid_certificate().server(),
        None,
        &unknown,
    )
    .await;
    assert_refused(
        &serving,
        Authority::new().valid_certificate().server(),
        ca,
        &unknown,
    )
    .await;
    let other = authority.certificate(&["a.example", "127.0.0.2"], [1975, 4096]);
    assert_refused(
        &serving,
        other.server(),
        ca,
        &[
            "is for a.example, 127.0.0.2. ",
            "a name that the certificate has",
        ],
    )
    .await;
    let late = authority.certificate(&["localhost"], [1975, 2020]);
    assert_refused(
        &serving,
        late.server(),
        ca,
        &["has expired (2020-01-01T00:00:00Z)", "the clock here"],
    )
    .await;
    let early = authority.certificate(&["localhost"], [4000, 4096]);
    assert_refused(
        &serving,
        early.server(),
        ca,
        &["not valid yet (4000-01-01T00:00:00Z)", "the clock here"],
    )
    .await;
    assert_refused(
        &serving,
        authority.own_server(),
        ca,
        &["CA:TRUE", "signed by that authority"],
    )
    .await;
    assert!(serving.people().await.is_empty());
}

#[tokio::test]
async fn a_wrong_scheme_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    for errors in failures(&serving.url().replace("http:", "https:"), None).await {
        assert!(
            errors.contains("does not speak TLS") && errors.contains("begins with http://"),
            "{errors}"
        );
    }
    let balancer = Balancer::start(&serving, Authority::new().valid_certificate().server()).await;
    for errors in failures(&balancer.url("http"), None).await {
        assert!(
            errors.contains("TLS") && errors.contains("https://"),
            "{errors}"
        );
    }
    // OpenSSL's server closes without an answer.
    for (word, words) in [
        ("export", "did not answer"),
        ("watch", "the connection was cut"),
    ] {
        let script = Script::start().await;
        let mut child = gateway(&[word, "--url", &script.url()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
        script.next("").await;
        let line = timeout(DEADLINE, errors.next_line())
            .await
            .expect("a line in time")
            .unwrap()
            .expect("a line");
        assert!(
            line.contains(words) && line.contains("begins with") && line.contains("https://"),
            "{line}"
        );
    }
    // The answers of nginx, and of servers in Go.
    let nginx = answer(
        "400 Bad Request",
        "<center>The plain HTTP request was sent to HTTPS port</center>",
    );
    let go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    for words in [nginx.as_str(), go] {
        let script = Script::start().await;
        let url = script.url();
        let server = async {
            script.next(words).await;
            script.next(words).await;
        };
        let (errors, ()) = tokio::join!(failures(&url, None), server);
        for errors in errors {
            assert!(
                errors.contains("speaks TLS there") && errors.contains("https://"),
                "{errors}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_without_an_authority_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, text, words) in [
        (
            "none.pem",
            Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "no certificate in it",
        ),
        ("der.crt", Some("0\u{1}"), "expected PEM"),
        ("broken.pem", Some(broken), "number 1 cannot be read"),
        ("missing.pem", None, "No such file"),
    ] {
        let file = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        for errors in failures("https://localhost:1", file.to_str()).await {
            assert!(errors.contains(name) && errors.contains(words), "{errors}");
        }
    }
}

#[tokio::test]
async fn a_tls_handshake_without_an_answer_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("wss://{}/", silent.local_addr().unwrap());
    let timeouts = Timeouts {
        connect: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let mut live = LiveClient::builder(endpoint.parse().unwrap())
        .timeouts(timeouts)
        .build();
    let event = timeout(DEADLINE, live.next())
        .await
        .expect("in time")
        .expect("no end");
    assert!(
        matches!(
            event,
            LiveEvent::Disconnected {
                why: Disconnect::Unreachable(_),
                retry: Some(_)
            }
        ),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_connected_client_survives_an_untrusted_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let serving = start_gateway_in(folder.path()).await;
    let authority = Authority::new();
    let balancer = Balancer::start(&serving, authority.valid_certificate().server()).await;
    let trust = Trust::default()
        .and_pem(authority.pem().as_bytes())
        .unwrap();
    let short = Duration::from_millis(20);
    let timeouts = Timeouts {
        backoff_first: short,
        backoff_most: short,
        ..Timeouts::default()
    };
    let endpoint = format!("{}/updates", balancer.url("wss"));
    let client = || LiveClient::builder(endpoint.parse().unwrap()).timeouts(timeouts.clone());
    let mut live = client().trust(trust).build();
    let mut wait = async |what: &str, holds: &dyn Fn(&LiveEvent) -> bool| {
        let found = async { while !holds(&live.next().await.expect("no end")) {} };
        timeout(DEADLINE, found)
            .await
            .unwrap_or_else(|_| panic!("not in time: {what}"));
    };
    wait("live", &|event| matches!(event, LiveEvent::Live { .. })).await;
    balancer.replace(Authority::new().valid_certificate().server());
    let distrusted = |event: &LiveEvent| {
        matches!(
            event,
            LiveEvent::Disconnected {
                why: Disconnect::Tls(TlsFault::UnknownIssuer),
                retry: Some(_)
            }
        )
    };
    wait("the new certificate is not trusted", &distrusted).await;
    wait("the certificate stays untrusted", &distrusted).await;
    balancer.replace(authority.valid_certificate().server());
    wait("live with a trusted certificate", &|event| {
        matches!(event, LiveEvent::Live { .. })
    })
    .await;
    let error = timeout(DEADLINE, client().build().next())
        .await
        .expect("in time")
        .unwrap_err();
    assert!(
        matches!(error, ClientError::Tls(TlsFault::UnknownIssuer)),
        "{error:?}"
    );
}
