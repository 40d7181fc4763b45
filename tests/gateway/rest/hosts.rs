//! The host of a request: a page whose own name was pointed at this machine gets nothing.

use people_gateway::http::Exposure;

use crate::ADA;
use people_testing::http::{Gateway, Setup};

/// Sends a request with these lines after the first; returns the status and the whole answer.
async fn ask(gateway: &Gateway, first: &str, lines: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head =
        format!("{first}\r\n{lines}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let answer = gateway.raw(head.as_bytes()).await;
    let status: Option<u16> = answer.get(9..12).and_then(|status| status.parse().ok());
    assert!(status.is_some(), "no answer to {head}: {answer}");
    (status.unwrap_or_default(), answer)
}

async fn problem(gateway: &Gateway, first: &str, lines: &str, status: u16, name: &str) {
    let (given, answer) = ask(gateway, first, lines, ADA).await;
    assert_eq!(given, status, "{first} {lines} {answer}");
    assert!(
        answer.contains(&format!("\"type\":\"/problems/{name}\"")),
        "{first} {lines} {answer}"
    );
    for header in [
        "content-type: application/problem+json\r\n",
        "x-content-type-options: nosniff\r\n",
        "x-request-id: ",
    ] {
        assert!(answer.contains(header), "{first} {lines} {answer}");
    }
}

/// Requests of every kind: the first line, and the headers of that kind.
const REQUESTS: [(&str, &str); 9] = [
    ("GET /people HTTP/1.1", ""),
    ("HEAD /people HTTP/1.1", ""),
    (
        "POST /people HTTP/1.1",
        "content-type: application/json\r\n",
    ),
    ("GET /updates HTTP/1.1", ""),
    ("GET /people HTTP/1.1", "accept: text/event-stream\r\n"),
    (
        "GET /people HTTP/1.1",
        "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ),
    ("GET / HTTP/1.1", ""),
    ("GET /nothing HTTP/1.1", ""),
    (
        "OPTIONS /people HTTP/1.1",
        "access-control-request-method: PUT\r\n",
    ),
];

#[tokio::test]
async fn a_page_whose_name_was_pointed_at_this_machine_gets_nothing() {
    let gateway = Gateway::start().await;
    for (first, lines) in REQUESTS {
        let lines = format!("host: evil.example\r\norigin: http://evil.example\r\n{lines}");
        let (status, answer) = ask(&gateway, first, &lines, ADA).await;
        assert_eq!(status, 421, "{first} {lines} {answer}");
        assert!(!answer.contains("access-control-allow"), "{answer}");
        let named = answer.contains("http.hosts = [\\\"evil.example\\\"]");
        assert!(
            named || first.starts_with("HEAD"),
            "the answer names the setting: {answer}"
        );
    }
    assert_eq!(
        gateway.get("/people").await.body,
        "[]\n",
        "nothing was saved"
    );
}

#[tokio::test]
async fn names_of_this_machine_and_addresses_are_served_in_any_spelling() {
    let gateway = Gateway::start().await;
    for host in [
        "localhost",
        "LOCALHOST.:8080",
        "app.localhost:1",
        "127.0.0.1",
        "127.1.2.3:9",
        "[::1]:8080",
        "10.0.0.7",
    ] {
        let (status, answer) = ask(
            &gateway,
            "GET /people HTTP/1.1",
            &format!("host: {host}\r\n"),
            "",
        )
        .await;
        assert_eq!(status, 200, "{host} {answer}");
    }
    for host in [
        "evil.example:8080",
        "EVIL.example.",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "127.1",
    ] {
        problem(
            &gateway,
            "GET /people HTTP/1.1",
            &format!("host: {host}\r\n"),
            421,
            "host",
        )
        .await;
    }
    let (status, _) = ask(
        &gateway,
        "GET http://localhost/people HTTP/1.1",
        "host: localhost\r\n",
        "",
    )
    .await;
    assert_eq!(status, 200, "a target in absolute form");
    problem(
        &gateway,
        "GET http://evil.example/people HTTP/1.1",
        "host: localhost\r\n",
        421,
        "host",
    )
    .await;
}

#[tokio::test]
async fn a_missing_repeated_or_invalid_host_is_refused_on_any_listener() {
    for exposure in [Exposure::Local, Exposure::Network] {
        let mut setup = Setup::default();
        setup.options.exposure = exposure;
        let gateway = Gateway::start_with(setup).await;
        for lines in [
            "",
            "host: localhost\r\nhost: localhost\r\n",
            "host:\r\n",
            "host: a b\r\n",
            "host: localhost:x\r\n",
        ] {
            problem(&gateway, "GET /people HTTP/1.1", lines, 400, "malformed").await;
        }
        problem(&gateway, "GET /people HTTP/1.0", "", 400, "malformed").await;
        problem(
            &gateway,
            "GET http://localhost/people HTTP/1.1",
            "",
            400,
            "malformed",
        )
        .await;
        let two = "host: localhost\r\norigin: http://a.example\r\norigin: http://localhost\r\n";
        problem(&gateway, "GET /people HTTP/1.1", two, 400, "malformed").await;
    }
}

#[tokio::test]
async fn listed_names_are_served_and_without_a_list_all_names_on_the_network() {
    for (exposure, hosts, name, expected) in [
        (
            Exposure::Local,
            vec!["people.example"],
            "people.example:8080",
            200,
        ),
        (Exposure::Local, vec!["people.example"], "evil.example", 421),
        (
            Exposure::Network,
            vec!["people.example"],
            "People.Example.",
            200,
        ),
        (Exposure::Network, vec!["people.example"], "localhost", 200),
        (
            Exposure::Network,
            vec!["people.example"],
            "evil.example",
            421,
        ),
        (Exposure::Network, vec![], "evil.example", 200),
    ] {
        let mut setup = Setup::default();
        setup.options.exposure = exposure;
        setup.options.hosts = hosts
            .iter()
            .map(|host| host.parse().expect("a host"))
            .collect();
        let gateway = Gateway::start_with(setup).await;
        let (status, answer) = ask(
            &gateway,
            "GET /people HTTP/1.1",
            &format!("host: {name}\r\n"),
            "",
        )
        .await;
        assert_eq!(status, expected, "{exposure:?} {hosts:?} {name} {answer}");
    }
}
