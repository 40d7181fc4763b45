//! The heads of requests, byte by byte: raw filters are accepted, and malformed heads are refused.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ADA;
use people_testing::http::{Gateway, Setup};
use people_testing::wait::DEADLINE;

const CLOSE: &str = "host: localhost\r\nconnection: close\r\n\r\n";

/// Splits the answers of a connection by `content-length`, into statuses and bodies.
fn answers(mut text: &str) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let length = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split('\r').next());
        let length: usize = length.unwrap_or("0").parse().expect("a length");
        answers.push((
            head[9..12].parse().expect("a status"),
            rest[..length].to_owned(),
        ));
        text = &rest[length..];
    }
    answers
}

#[tokio::test]
async fn a_filter_need_not_be_encoded() {
    let gateway = Gateway::start().await;
    gateway
        .create(&ADA.replace('}', r#","attributes":{"a^b|c":"{x}"}}"#))
        .await;
    for (filter, found) in [
        ("age>30", 1),
        ("age<30", 0),
        ("firstName==\"Ada\"&&age>=36", 1),
        ("firstName==\"Ada\"||age<3", 1),
        ("attributes[\"a^b|c\"]==\"{x}\"", 1),
        ("attributes[\"a^b|c\"]==\"<`\\\\>\"", 0),
        ("lastName==\"Lövelace\"", 0),
        ("job!=\"#\"", 1),
    ] {
        // An ampersand separates parameters, so the caller has to encode it.
        let typed = filter.replace('&', "%26");
        let answer = gateway
            .raw(format!("GET /people?where={typed}&limit=5 HTTP/1.1\r\n{CLOSE}").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{filter}: {answer}");
        assert_eq!(
            answer.matches("\"Lovelace\"").count(),
            found,
            "{filter}: {answer}"
        );
    }
    let refused = gateway
        .raw(format!("GET /people?where=age>\"x\" HTTP/1.1\r\n{CLOSE}").as_bytes())
        .await;
    assert!(refused.contains("/problems/filter"), "{refused}");
    let link = gateway
        .raw(format!("GET /people?where=age>3&limit=1 HTTP/1.1\r\n{CLOSE}").as_bytes())
        .await;
    assert!(
        link.starts_with("HTTP/1.1 200 ") && !link.contains("link: "),
        "{link}"
    );
    gateway.create(ADA).await;
    let link = gateway
        .raw(format!("GET /people?where=age>3&limit=1 HTTP/1.1\r\n{CLOSE}").as_bytes())
        .await;
    assert!(
        link.contains("link: <?where=age%3E3&limit=1&after="),
        "{link}"
    );
}

/// Several requests on one connection; their bodies look like heads.
fn conversation() -> (String, Vec<(u16, &'static str)>) {
    let post = |body: &str| {
        format!(
            "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let tricky = ADA.replace("Mathematician", "GET /people?a>b HTTP/1.1");
    let chunked = format!(
        "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x};e=\"f\"\r\n{}\r\n{:x}\r\n{}\r\n0\r\nx: y\r\n\r\n",
        10,
        &tricky[..10],
        tricky.len() - 10,
        &tricky[10..]
    );
    let last = format!("GET /people?where=job.contains(\"a>b\")&limit=9 HTTP/1.1\r\n{CLOSE}");
    let get = "GET /people?where=age>200 HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let all = [get, &post(&tricky), "\r\n", get, &chunked, get, &last].concat();
    let job = "GET /people?a>b HTTP/1.1";
    (
        all,
        vec![
            (200, "[]"),
            (201, job),
            (200, "[]"),
            (201, job),
            (200, "[]"),
            (200, job),
        ],
    )
}

#[tokio::test]
async fn pipelined_requests_are_separated_however_their_bytes_arrive() {
    let (all, expected) = conversation();
    for piece in [all.len(), 1000, 97, 16, 3, 1] {
        let gateway = Gateway::start().await;
        let mut stream = gateway.connect().await;
        stream.set_nodelay(true).expect("an open socket");
        let (mut reader, mut writer) = stream.split();
        let mut answers = String::new();
        let send = async {
            for bytes in all.as_bytes().chunks(piece) {
                writer.write_all(bytes).await.expect("sent");
                tokio::task::yield_now().await;
            }
        };
        let done = timeout(DEADLINE, async {
            tokio::join!(send, reader.read_to_string(&mut answers)).1
        })
        .await;
        done.expect("in time").expect("no reset");
        assert_eq!(
            answers.matches("HTTP/1.1 20").count(),
            expected.len(),
            "{answers}"
        );
        let mut rest = answers.as_str();
        for (status, part) in &expected {
            let at = rest
                .find(&format!("HTTP/1.1 {status} "))
                .unwrap_or_else(|| panic!("{piece}: {status} in {rest}"));
            rest = &rest[at + 12..];
            assert!(rest.contains(part), "{piece}: {part} in {rest}");
        }
        assert_eq!(
            gateway.get("/people").await.json().as_array().map(Vec::len),
            Some(2),
            "each was saved once"
        );
    }
}

/// Heads that are refused, each with the status and the problem's name.
fn refused_heads() -> Vec<(String, u16, &'static str)> {
    vec![
        ("\x16\x03\x01\x02\x00".to_owned(), 400, "malformed"),
        ("hello\r\n\r\n".to_owned(), 400, "malformed"),
        (
            format!("GET /people?where=age > 3 HTTP/1.1\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (format!("GET people HTTP/1.1\r\n{CLOSE}"), 400, "malformed"),
        (format!("GET /\x01 HTTP/1.1\r\n{CLOSE}"), 400, "malformed"),
        (
            format!("GET / HTTP/1.1\r\na b: c\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            format!("GET / HTTP/1.1\r\na: \x02\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            505,
            "malformed",
        ),
        (format!("GET / HTTP/1.9\r\n{CLOSE}"), 505, "malformed"),
        (
            format!("GET / HTTP/1.1\r\ncontent-length: x\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            format!("GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            format!("GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            format!("GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n{CLOSE}"),
            400,
            "malformed",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}{CLOSE}", "a: b\r\n".repeat(150)),
            431,
            "too-large",
        ),
        (
            format!("GET / HTTP/1.1\r\na: {}\r\n{CLOSE}", "b".repeat(70_000)),
            431,
            "too-large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n{CLOSE}", "a".repeat(70_000)),
            414,
            "too-large",
        ),
    ]
}

#[tokio::test]
async fn every_refusal_of_a_head_has_a_problem_document() {
    let gateway = Gateway::start().await;
    for (head, status, name) in refused_heads() {
        // A request before it is answered as usual.
        let before = "GET /people HTTP/1.1\r\nhost: localhost\r\n\r\n";
        for before in ["", before] {
            let answer = gateway.raw(format!("{before}{head}").as_bytes()).await;
            assert!(
                before.is_empty() || answer.starts_with("HTTP/1.1 200 "),
                "{head:.60} {answer}"
            );
            let refusal = answer.rfind(&format!("HTTP/1.1 {status} "));
            let refusal = &answer[refusal.unwrap_or_else(|| panic!("{head:.60} {answer}"))..];
            for part in [
                "content-type: application/problem+json\r\n",
                "x-content-type-options: nosniff\r\n",
                "connection: close\r\n",
                &format!("\"type\":\"/problems/{name}\""),
                "\"instance\":\"urn:uuid:",
            ] {
                assert!(refusal.contains(part), "{head:.60} {part} {refusal}");
            }
            assert!(refusal.ends_with("}\n"), "{refusal}");
        }
    }
    let headless = gateway
        .raw(format!("HEAD / HTTP/1.1\r\na b: c\r\n{CLOSE}").as_bytes())
        .await;
    assert!(
        headless.starts_with("HTTP/1.1 400 ") && headless.ends_with("\r\n\r\n"),
        "{headless}"
    );
    assert_eq!(
        gateway.get("/people").await.status,
        200,
        "others are served"
    );
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_is_answered_with_408() {
    let mut setup = Setup::default();
    setup.server.header_limit = Duration::from_millis(200);
    let gateway = Gateway::start_with(setup).await;
    for begun in ["GET /people HTTP/1.1\r\n", "G"] {
        let answer = gateway.raw(begun.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/malformed"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_refused_upgrade_leaves_the_connection_open_for_requests() {
    let gateway = Gateway::start().await;
    let upgrade = "GET /people?where=age>3&kinds=x HTTP/1.1\r\nhost: localhost\r\n\
                   upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let next = format!("GET /people/x?a>b HTTP/1.1\r\n{CLOSE}");
    let together = gateway.raw(format!("{upgrade}{next}").as_bytes()).await;
    let statuses: Vec<u16> = answers(&together)
        .into_iter()
        .map(|(status, _)| status)
        .collect();
    assert_eq!(statuses, [400, 400], "{together}");
    assert!(
        together.contains("kinds is one of") || together.contains("all, saves, deletes"),
        "{together}"
    );

    let mut stream: TcpStream = gateway.connect().await;
    stream.write_all(upgrade.as_bytes()).await.expect("sent");
    let mut first = vec![0; 12];
    timeout(DEADLINE, stream.read_exact(&mut first))
        .await
        .expect("in time")
        .expect("an answer");
    stream.write_all(next.as_bytes()).await.expect("sent");
    let mut rest = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut rest))
        .await
        .expect("in time")
        .expect("no reset");
    assert!(rest.contains("HTTP/1.1 400 "), "{rest}");
}
