//! Heads one by one: the framing of their bodies, what is rewritten, and every refusal.

use super::*;

const MAX: usize = 8192;

fn status(head: &str) -> u16 {
    read(head.as_bytes(), MAX)
        .expect_err(head)
        .status()
        .as_u16()
}

fn framing_of(headers: &str) -> BodyFraming {
    let head = format!("POST /people HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    let read = read(head.as_bytes(), MAX).expect("a head").expect("whole");
    assert_eq!((read.length, read.rewritten), (head.len(), None));
    assert_eq!(read.upgrade, headers.contains("Upgrade"));
    read.framing
}

#[test]
fn a_head_gives_the_framing_of_its_body() {
    assert_eq!(framing_of(""), BodyFraming::Length(0));
    assert_eq!(
        framing_of("Content-Length: 7\r\ncontent-length: 7\r\n"),
        BodyFraming::Length(7)
    );
    assert_eq!(
        framing_of("Transfer-Encoding: gzip, Chunked\r\nContent-Length: 7\r\n"),
        BodyFraming::Chunked(ChunkedBody::START)
    );
    assert_eq!(framing_of("Upgrade: websocket\r\n"), BodyFraming::Length(0));
    assert_eq!(
        framing_of("Upgrade: websocket\r\nContent-Length: 2\r\n"),
        BodyFraming::Length(2)
    );
}

#[test]
fn only_the_target_is_rewritten() {
    let head = "\r\nGET /people?where=age>3 HTTP/1.1\r\nHost: <a>\r\n\r\nGET /b>c HTTP/1.1\r\n\r\n";
    let read = read(head.as_bytes(), MAX).expect("a head").expect("whole");
    assert_eq!(&head[read.length..], "GET /b>c HTTP/1.1\r\n\r\n");
    let rewritten = String::from_utf8(read.rewritten.expect("rewritten")).expect("ASCII");
    assert_eq!(
        rewritten,
        "GET /people?where=age%3E3 HTTP/1.1\r\nHost: <a>\r\n\r\n"
    );
}

#[test]
fn every_refusal_has_the_status_of_its_reason() {
    for (head, expected) in [
        ("\x16\x03\x01\x02", 400),
        ("GET\r\n\r\n", 400),
        ("\rGET / HTTP/1.1\r\n\r\n", 400),
        ("\r\n\rGET / HTTP/1.1\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\n\r\n", 400),
        ("GET /\x01 HTTP/1.1\r\n\r\n", 400),
        ("GET people HTTP/1.1\r\n\r\n", 400),
        ("GET http:// HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\na b: c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\na: \x01\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET / HTTP/1.2\r\n\r\n", 505),
        ("GET / HTTPS/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400),
        (
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        (
            "GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
            400,
        ),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (
            "GET / HTTP/1.1\r\nTransfer-Encoding: é, chunked\r\n\r\n",
            400,
        ),
        ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (&format!("GET /{}", "a".repeat(MAX)), 414),
        (&format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX)), 431),
        (
            &format!(
                "GET / HTTP/1.1\r\n{}\r\n",
                "a: b\r\n".repeat(HEADERS_MAX + 1)
            ),
            431,
        ),
        // Too long after rewriting.
        (
            &format!("GET /?{} HTTP/1.1\r\n\r\n", ">".repeat(MAX / 2)),
            431,
        ),
    ] {
        assert_eq!(status(head), expected, "{head:.80}");
    }
}

#[test]
fn blank_lines_before_a_head_do_not_count() {
    let head = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(MAX - 18));
    let all = format!("\r\n\n{head}");
    assert_eq!(head.len(), MAX);
    let whole = read(all.as_bytes(), MAX).expect("it is not too long");
    assert_eq!(whole.map(|head| head.length), Some(all.len()));
    let part = read(&all.as_bytes()[..all.len() - 1], MAX);
    assert!(part.expect("it is not too long").is_none());
}

#[test]
fn an_incomplete_head_is_neither_accepted_nor_refused() {
    let head = "GET /people?where=a>b HTTP/1.1\r\nHost: a\r\n\r\n";
    for end in 0..head.len() {
        assert!(
            read(&head.as_bytes()[..end], MAX)
                .expect("not refused")
                .is_none(),
            "{}",
            &head[..end]
        );
    }
}
